import { tableOf } from '../../domain/urn.ts';
import type { Hit, ModelIndex } from '../../ports/read-model.ts';
import type { EdgeDocument } from '../../projections/edges.ts';
import {
  type Direction,
  edgeQuery,
  endsPerQuery,
  type IsExact,
  isValid,
} from '../../projections/lineage-queries.ts';
import type { Moment, Readable } from '../../projections/queries.ts';

export interface LineageAsked {
  /** Of an entity, or of a column: then columns are followed, else whole entities. */
  readonly urn: string;
  readonly directions: readonly Direction[];
  readonly depth: number;
  /** Most nodes to answer; at most `edgesPerNode` times as many edges. */
  readonly nodesMax: number;
  /** Tell of each edge between entities which columns it is made of. */
  readonly columns: boolean;
  /** Undefined: now. */
  readonly moment: Moment | undefined;
  readonly isExact: IsExact;
  readonly readable: Readable;
}

export const edgesPerNode = 4;
/** Queries at once: an engine of its own has cores to answer them, one in this process answers one after the other. */
const queriesMax = 4;

/** What a walk has found. */
export interface Found {
  /** All nodes, those of both directions once. */
  readonly nodes: Set<string>;
  readonly steps: Readonly<Record<Direction, Map<string, number>>>;
  readonly edges: Map<string, FoundEdge>;
  /** Entities that say something valid: they are there. */
  readonly live: Set<string>;
  readonly nodesOut: Set<string>;
  readonly edgesOut: Set<string>;
  /** Documents that were not read; each tells of an edge at least. */
  unseen: number;
}

export interface FoundEdge {
  readonly from: string;
  readonly to: string;
  readonly told: EdgeDocument;
  readonly type?: string;
  readonly operation?: string;
}

export const nothingFound = (urn: string): Found => ({
  nodes: new Set([urn]),
  steps: { up: new Map(), down: new Map() },
  edges: new Map(),
  live: new Set(),
  nodesOut: new Set(),
  edgesOut: new Set(),
  unseen: 0,
});

/**
 * Adds to what was found all that lies in one direction, level by level, each node once: so cycles end. Ends for good where as
 * many edges were left out as have room: no value makes it count without bound.
 */
export async function walk(
  index: ModelIndex,
  asked: LineageAsked,
  direction: Direction,
  found: Found,
): Promise<void> {
  const steps = found.steps[direction];
  steps.set(asked.urn, 0);
  let frontier: readonly string[] = [asked.urn];
  let whole = true;
  for (let step = 1; step <= asked.depth && frontier.length > 0 && whole; step += 1) {
    const here = new Set(frontier);
    const next: string[] = [];
    const chunks = chunksOf(frontier);
    for (let at = 0; at < chunks.length; at += queriesMax) {
      const read = await Promise.all(
        chunks.slice(at, at + queriesMax).map((chunk) => edgesAt(index, asked, direction, chunk)),
      );
      for (const { documents, unseen } of read) {
        found.unseen += unseen;
        whole &&= unseen === 0;
        for (const told of documents) {
          found.live.add(told.urn);
          for (const edge of edgesIn(told, asked, direction, here)) {
            const far = direction === 'up' ? edge.from : edge.to;
            if (!takeEdge(asked, found, edge, far)) {
              whole = false;
              if (found.edgesOut.size >= asked.nodesMax * edgesPerNode) return;
            } else if (!steps.has(far)) {
              steps.set(far, step);
              next.push(far);
            }
          }
        }
      }
    }
    frontier = next.sort();
  }
}

/** Whether there is room for an edge and the node that it leads to; then they are taken. */
function takeEdge(
  { nodesMax }: LineageAsked,
  { nodes, edges, nodesOut, edgesOut }: Found,
  edge: FoundEdge,
  far: string,
): boolean {
  const key = `${edge.from.length} ${edge.from}${edge.told.position} ${edge.to}`;
  if (edges.has(key)) return true;
  const isNode = nodes.has(far);
  if (edges.size >= nodesMax * edgesPerNode || (!isNode && nodes.size >= nodesMax)) {
    if (!isNode) nodesOut.add(far);
    edgesOut.add(key);
    return false;
  }
  nodes.add(far);
  edges.set(key, edge);
  return true;
}

/** Valid documents at any of `ends`, and how many more there may be that have no room. */
async function edgesAt(
  index: ModelIndex,
  { urn, columns, moment, isExact, readable, nodesMax }: LineageAsked,
  direction: Direction,
  ends: readonly string[],
): Promise<{ readonly documents: readonly EdgeDocument[]; readonly unseen: number }> {
  const documents: EdgeDocument[] = [];
  const withColumns = columns || tableOf(urn) !== undefined;
  let read = 0;
  for (let after: Hit['sortValues'] | undefined; ; ) {
    const { hits, total } = await index.query(edgeQuery(direction, ends, moment, readable, after));
    read += hits.length;
    for (const { body } of hits) {
      const told = readEdges(body, withColumns);
      if (isValid(told, moment, isExact)) documents.push(told);
    }
    after = hits.at(-1)?.sortValues;
    if (after === undefined || read >= total) return { documents, unseen: 0 };
    if (documents.length >= nodesMax) return { documents, unseen: total - read };
  }
}

const beforeColumns = Buffer.from(',"columns":[');

/**
 * What a document tells; without its columns, which are most of it, where nobody asks for them. Inside of a text this mark has
 * its quotes escaped, and what stands before it has no such member.
 */
function readEdges(body: Buffer, withColumns: boolean): EdgeDocument {
  const end = withColumns ? -1 : body.indexOf(beforeColumns);
  const text = end < 0 ? body.toString() : `${body.toString('utf8', 0, end)}}`;
  return JSON.parse(text) as EdgeDocument;
}

/** As many at a time as one query asks for. */
export function chunksOf(ends: readonly string[]): (readonly string[])[] {
  const chunks: (readonly string[])[] = [];
  for (let at = 0; at < ends.length; at += endsPerQuery) chunks.push(ends.slice(at, at + endsPerQuery));
  return chunks;
}

/** The edges that a document tells of at one of the nodes `here`: between columns if the walk began at one. */
function* edgesIn(
  told: EdgeDocument,
  { urn }: LineageAsked,
  direction: Direction,
  here: ReadonlySet<string>,
): Generator<FoundEdge> {
  if (tableOf(urn) === undefined) {
    for (const edge of told.edges ?? [])
      if (here.has(direction === 'up' ? edge.to : edge.from)) yield { ...edge, told };
    return;
  }
  for (const { from, to, operation } of told.columns ?? []) {
    const near = (direction === 'up' ? to : from).filter((column) => here.has(column));
    for (const one of near)
      for (const far of direction === 'up' ? from : to)
        yield {
          ...(direction === 'up' ? { from: far, to: one } : { from: one, to: far }),
          ...(operation === undefined ? {} : { operation }),
          told,
        };
  }
}
