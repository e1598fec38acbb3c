import { entityTypeOf, tableOf, urnParts } from '../../domain/urn.ts';
import type { ModelIndex } from '../../ports/read-model.ts';
import type { EdgeDocument, LifeDocument } from '../../projections/edges.ts';
import { type ColumnEdge, tableIn } from '../../projections/lineage.ts';
import { behindLivesOf, hitsPerQuery, isValid, lifeQuery } from '../../projections/lineage-queries.ts';
import { entityName, platformOf } from '../../projections/search-fields.ts';
import {
  chunksOf,
  edgesPerNode,
  type Found,
  type FoundEdge,
  type LineageAsked,
  nothingFound,
  walk,
} from './lineage-walk.ts';
import { mayRead } from './request.ts';

export interface LineageNode {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly platform: string;
  /**
   * Of a column: its table. `unknown`: never described, or nothing that the caller may read; the two are not told apart.
   */
  readonly is: 'live' | 'deleted' | 'unknown';
  /** Steps from where the walk began; only of directions in which it was reached. */
  readonly up?: number;
  readonly down?: number;
}

/** `to` is made from `from`: as an aspect of `by` tells since the event at `position`. */
export interface LineageEdge {
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly aspect: string;
  readonly position: string;
  readonly time: number;
  readonly type?: string;
  readonly operation?: string;
  readonly columns?: readonly ColumnEdge[];
}

export interface Lineage {
  /** Nearest first, then by URN; where it began stands first. */
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
  readonly truncated: boolean;
  /** What was seen and has no room, at least; what lies behind it was not looked at. */
  readonly leftOut: { readonly nodes: number; readonly edges: number; readonly columns: number };
}

/**
 * All that one entity or column is made from, or that is made from it, as it was at one moment. Documents of namespaces that
 * the caller may not read are not there for it. Memory: what is answered, and the documents of four
 * queries, at most `nodesMax` each.
 */
export async function walkLineage(index: ModelIndex, asked: LineageAsked): Promise<Lineage> {
  const found = nothingFound(asked.urn);
  for (const [at, direction] of asked.directions.entries()) {
    const share = (at + 1) / asked.directions.length;
    await walk(index, { ...asked, nodesMax: Math.ceil(asked.nodesMax * share) }, direction, found);
  }
  for (const urn of found.nodes) found.nodesOut.delete(urn);
  for (const key of found.edges.keys()) found.edgesOut.delete(key);
  const lives = await livesOf(index, asked, found);
  const nodes = [...found.nodes].map((urn) => nodeOf(urn, asked, found, lives)).sort(byDistance);
  const { edges, columnsOut } = toldEdges(asked, found);
  const leftOut = {
    nodes: found.nodesOut.size,
    edges: found.edgesOut.size + found.unseen,
    columns: columnsOut,
  };
  return { nodes, edges, truncated: Object.values(leftOut).some((count) => count > 0), leftOut };
}

/** The newest that is told of the life of each entity, or of the table of a column, until the moment. */
async function livesOf(
  index: ModelIndex,
  { moment, isExact }: LineageAsked,
  { live, nodes }: Found,
): Promise<ReadonlyMap<string, LifeDocument>> {
  const lives = new Map<string, LifeDocument>();
  const unsure = [...new Set([...nodes].map(tableIn))].filter((urn) => !live.has(urn)).sort();
  for (const chunk of chunksOf(unsure))
    for (let after: readonly (string | number)[] | undefined; ; ) {
      const { hits } = await index.query(lifeQuery(chunk, moment, after));
      for (const { body } of hits) {
        const told = JSON.parse(body.toString()) as LifeDocument;
        if (!lives.has(told.urn) && isValid(told, moment, isExact)) lives.set(told.urn, told);
      }
      const last = hits.at(-1);
      if (last === undefined || hits.length < hitsPerQuery) break;
      const urn = String(last.sortValues[0]);
      after = lives.has(urn) ? behindLivesOf(urn) : last.sortValues;
    }
  return lives;
}

function nodeOf(
  urn: string,
  { readable }: LineageAsked,
  { steps, live }: Found,
  lives: ReadonlyMap<string, LifeDocument>,
): LineageNode {
  const of = tableIn(urn);
  const life = lives.get(of);
  const isKnown = life !== undefined && mayRead(readable, life.namespace);
  const [up, down] = [steps.up.get(urn), steps.down.get(urn)];
  return {
    ...{ urn, type: entityTypeOf(urn), name: nameOf(urn), platform: platformOf(urn) },
    is: live.has(of) ? 'live' : !isKnown ? 'unknown' : life.deleted ? 'deleted' : 'live',
    ...(up === undefined ? {} : { up }),
    ...(down === undefined ? {} : { down }),
  };
}

/** As its URN tells it; a column with its table. */
function nameOf(urn: string): string {
  const table = tableOf(urn);
  if (table === undefined) return entityName(urn, new Map());
  return `${entityName(table, new Map())}.${urnParts(urn).slice(1).join(',')}`;
}

const distanceOf = ({ up, down }: LineageNode): number =>
  Math.min(up ?? Number.POSITIVE_INFINITY, down ?? Number.POSITIVE_INFINITY);

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byDistance = (a: LineageNode, b: LineageNode): number =>
  distanceOf(a) - distanceOf(b) || inOrder(a.urn, b.urn);

/** Edges in the order of their ends; each with the columns that it is made of, where they were asked for and have room. */
function toldEdges(
  { columns, nodesMax, urn }: LineageAsked,
  { edges }: Found,
): { readonly edges: readonly LineageEdge[]; readonly columnsOut: number } {
  let room = nodesMax * edgesPerNode;
  let columnsOut = 0;
  const byDocument = new Map<string, ReturnType<typeof columnsByEnd>>();
  const columnsOf = ({ from, to, told }: FoundEdge): readonly ColumnEdge[] => {
    const known = byDocument.get(told.position) ?? columnsByEnd(told);
    byDocument.set(told.position, known);
    return known.get(to === told.urn ? `from ${from}` : `to ${to}`) ?? [];
  };
  const told = [...edges.values()].map((edge): LineageEdge => {
    const { from, to, type, operation, told: by } = edge;
    const made = columns && tableOf(urn) === undefined ? columnsOf(edge) : [];
    const shown = made.filter((one) => {
      room -= one.from.length + one.to.length;
      return room >= 0;
    });
    columnsOut += made.length - shown.length;
    return {
      ...{ from, to, by: by.urn, aspect: by.aspect, position: by.position, time: by.time },
      ...(type === undefined ? {} : { type }),
      ...(operation === undefined ? {} : { operation }),
      ...(shown.length === 0 ? {} : { columns: shown }),
    };
  });
  told.sort((a, b) => inOrder(a.from, b.from) || inOrder(a.to, b.to) || inOrder(a.position, b.position));
  return { edges: told, columnsOut };
}

/**
 * What a document tells of columns, by the other end of each of its edges, for one end is always its entity. A job stands for
 * all columns that it touches. Linear in the document.
 */
function columnsByEnd({ urn, columns = [] }: EdgeDocument): ReadonlyMap<string, readonly ColumnEdge[]> {
  const found = new Map<string, ColumnEdge[]>();
  const add = (end: string, edge: ColumnEdge): void => {
    const known = found.get(end);
    if (known === undefined) found.set(end, [edge]);
    else known.push(edge);
  };
  for (const edge of columns) {
    const from = Map.groupBy(edge.from, tableIn);
    const to = Map.groupBy(edge.to, tableIn);
    for (const [end, some] of from) add(`from ${end}`, { ...edge, from: some, to: to.get(urn) ?? edge.to });
    for (const [end, some] of to) add(`to ${end}`, { ...edge, from: from.get(urn) ?? edge.from, to: some });
  }
  return found;
}
