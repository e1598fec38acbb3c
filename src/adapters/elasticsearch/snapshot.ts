import { hash } from 'node:crypto';
import { canonicalJson } from '../../formats/json-canonical.ts';
import { differingPointers } from '../../formats/json-difference.ts';
import type { HeldDocument, IndexSnapshot, Inspection, Probe } from '../../ports/index-snapshot.ts';
import type { ModelDefinition, SearchFields } from '../../ports/read-model.ts';
import { notFound, searchText, searchValues } from '../../ports/search-values.ts';
import type { HeldSource } from './answer-reader.ts';
import { fieldNames } from './documents.ts';
import type { EngineIndex } from './engine-index.ts';
import { lanesIn } from './lanes.ts';
import { declaredShape, engineId, type IndexShape, shapeOf, visibleOnly } from './mapping.ts';
import { closePoint, openPoint, type Point, pointIn, scanPoint } from './scan.ts';

const namedMax = 10;
/** Below the time after which the engine ends a point that nobody asks. */
const askMs = 60_000;
const keepingAsked = { method: 'POST', path: '/_search' } as const;

/** A point in time of an index that was refreshed for it. */
export async function takeSnapshot(of: EngineIndex): Promise<IndexSnapshot> {
  const { client } = of;
  const point = await openPoint(of);
  const asking = setInterval(() => {
    // Held though nobody reads: what is wrong with it is told to whoever does.
    client.request({ ...keepingAsked, body: { ...pointIn(point), size: 0 } }).catch(() => undefined);
  }, askMs).unref();
  try {
    const progress = await lanesIn(of, point);
    return {
      progress,
      async *scan() {
        for await (const batch of scanPoint(of, point)) yield batch.map(heldIn(of.definition));
      },
      inspect: () => inspected(of, point),
      finds: (probes) => findAll(of, point, probes),
      async [Symbol.asyncDispose]() {
        clearInterval(asking);
        await closePoint(of, point);
      },
    };
  } catch (error) {
    clearInterval(asking);
    await closePoint(of, point);
    throw error;
  }
}

const noValues = Buffer.from('{}');

function heldIn(definition: ModelDefinition): (held: HeldSource) => HeldDocument {
  const names = fieldNames(definition);
  return ({ id, version, body, visible, unindexable, fields: held }) => ({
    ...{ id, version, body, unindexable, searchText: visible ? (held ?? noValues) : notFound },
    differsIn(search: SearchFields | null) {
      const values = search === null ? null : searchValues(definition.fields, search);
      const wanted = values === null || typeof values === 'string' ? null : values;
      if (visible !== (wanted !== null)) return 'visible';
      // Written by the same function: equal values have equal texts, and need no look at each.
      if (wanted !== null && held?.equals(searchText(definition.fields, wanted))) return undefined;
      const fields = JSON.parse((held ?? noValues).toString()) as Readonly<Record<string, unknown>>;
      if (wanted === null) return Object.keys(fields)[0];
      const at = wanted.findIndex((value, n) => !isSame(value, fields[names[n]!]));
      return at < 0 ? Object.keys(fields).find((name) => !names.includes(name)) : names[at];
    },
  });
}

const isSame = (wanted: unknown, found: unknown): boolean =>
  Array.isArray(wanted)
    ? Array.isArray(found) && wanted.length === found.length && wanted.every((text, n) => text === found[n])
    : (found ?? null) === wanted;

const hashOf = (shape: IndexShape): string => hash('sha256', canonicalJson(shape), 'hex');

async function inspected(of: EngineIndex, point: Point): Promise<Inspection> {
  const { client, physical, index, definition } = of;
  const answer = await client.request<Record<string, IndexShape>>({
    method: 'GET',
    path: `/${physical}`,
    index,
  });
  const [declared, found] = [declaredShape(definition), shapeOf(Object.values(answer)[0]!)];
  const { hits } = await client.request<Found>({
    method: 'POST',
    path: '/_search',
    query: { allow_partial_search_results: false },
    body: {
      ...pointIn(point),
      size: namedMax,
      track_total_hits: true,
      query: { bool: { filter: [{ exists: { field: 'visible' } }, { exists: { field: '_ignored' } }] } },
      _source: ['doc_id'],
    },
    index,
  });
  return {
    declared: hashOf(declared),
    found: hashOf(found),
    differing: differingPointers(declared, found, namedMax),
    ignored: hits.total.value,
    ignoredIds: hits.hits.map(({ _source }) => _source?.doc_id ?? ''),
  };
}

interface Found {
  readonly hits: {
    readonly total: { readonly value: number };
    readonly hits: readonly { readonly _id: string; readonly _source?: { readonly doc_id: string } }[];
  };
}

/** Two clauses each; the engine takes 1,024 of them at least. */
const clausesPerSearchMax = 250;
/** As hits they come at once; the engine gives 10,000. */
const documentsPerSearchMax = 5_000;
const searchesAtOnce = 2;

/** Documents that should be found by one value of one field. */
interface Clause {
  readonly field: string;
  readonly value: string | number;
  readonly probes: number[];
}

/**
 * Probes of one field and different documents are asked together, those of one value as one clause: who is among the hits was
 * found.
 */
async function findAll(of: EngineIndex, point: Point, probes: readonly Probe[]): Promise<boolean[]> {
  const found = new Array<boolean>(probes.length).fill(false);
  const rounds = roundsOf(probes).values();
  async function askRounds(): Promise<void> {
    for (const round of rounds) {
      const hits = await findRound(of, point, round, probes);
      for (const { probes: asked } of round)
        for (const n of asked) found[n] = hits.has(engineId(probes[n]!.id));
    }
  }
  await Promise.all(Array.from({ length: searchesAtOnce }, askRounds));
  return found;
}

/** Clauses of one field, so many documents at most. */
interface Round {
  readonly byValue: Map<string | number, Clause>;
  documents: number;
}

/** Clauses that can be asked together: no document is in two of a round. */
function roundsOf(probes: readonly Probe[]): Clause[][] {
  const rank = new Map<string, number>();
  const open = new Map<string, Round>();
  const rounds: Round[] = [];
  for (const [n, { id, field, value }] of probes.entries()) {
    const pair = JSON.stringify([field, id]);
    const at = rank.get(pair) ?? 0;
    rank.set(pair, at + 1);
    let round = open.get(`${at} ${field}`);
    if (round === undefined || round.documents === documentsPerSearchMax) {
      round = { byValue: new Map(), documents: 0 };
      rounds.push(round);
      open.set(`${at} ${field}`, round);
    }
    const clause = round.byValue.get(value) ?? { field, value, probes: [] };
    round.byValue.set(value, clause);
    clause.probes.push(n);
    round.documents += 1;
  }
  return rounds.flatMap(({ byValue }) => {
    const clauses = [...byValue.values()];
    return Array.from({ length: Math.ceil(clauses.length / clausesPerSearchMax) }, (_, nth) =>
      clauses.slice(nth * clausesPerSearchMax, (nth + 1) * clausesPerSearchMax),
    );
  });
}

async function findRound(
  { client, index }: EngineIndex,
  point: Point,
  clauses: readonly Clause[],
  probes: readonly Probe[],
): Promise<ReadonlySet<string>> {
  const asked = clauses.map(({ field, value, probes: numbers }) => ({
    bool: {
      filter: [
        { terms: { _id: numbers.map((n) => engineId(probes[n]!.id)) } },
        { term: { [`fields.${field}`]: value } },
      ],
    },
  }));
  const { hits } = await client.request<Partial<Found>>({
    method: 'POST',
    path: '/_search',
    query: { allow_partial_search_results: false, filter_path: 'hits.hits._id' },
    body: {
      ...pointIn(point),
      size: clauses.reduce((sum, { probes: numbers }) => sum + numbers.length, 0),
      track_total_hits: false,
      query: { bool: { filter: [visibleOnly], should: asked, minimum_should_match: 1 } },
      sort: ['_doc'],
      _source: false,
    },
    index,
  });
  return new Set(hits?.hits.map(({ _id }) => _id));
}
