import { tableOf } from '../domain/urn.ts';
import { scanJson } from '../formats/json-text.ts';
import { parsedValue, readValue } from './event-text.ts';
import { keyword } from './keyword.ts';

/** `to` is made from `from`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** As it was told: `COPY`, `TRANSFORMED`, `VIEW`. */
  readonly type?: string;
}

/** Each of the columns `to` is made from all of `from`, which are columns or whole tables. Neither is empty. */
export interface ColumnEdge {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** What happens between them: at most 1,024 bytes of it. */
  readonly operation?: string;
}

/** What one value says of lineage. */
export interface Lineage {
  /** No two alike; those of tables that only columns tell of stand behind the others. */
  readonly edges: readonly Edge[];
  readonly columns: readonly ColumnEdge[];
  /** Ends that are no URN, or one of more than 1,024 bytes. */
  readonly unread: number;
  /** Why the value cannot be read at all. */
  readonly unreadable?: string;
}

/** Members of an aspect that name what its entity is made from, and what is made from its entity. */
interface Named {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Aspects that tell of lineage. Columns that a job touches (`inputDatasetFields`) say nothing of which is made from which: they
 * stand for their tables.
 */
const sources: Readonly<Record<string, Named>> = {
  upstreamLineage: { inputs: ['upstreams'], outputs: [] },
  dataJobInputOutput: {
    inputs: [
      ...['inputDatasets', 'inputDatasetEdges', 'inputDatajobs', 'inputDatajobEdges'],
      'inputDatasetFields',
    ],
    outputs: ['outputDatasets', 'outputDatasetEdges', 'outputDatasetFields'],
  },
  dataProcessInstanceInput: { inputs: ['inputs', 'inputEdges'], outputs: [] },
  dataProcessInstanceOutput: { inputs: [], outputs: ['outputs', 'outputEdges'] },
  dataProcessInstanceRelationships: { inputs: ['upstreamInstances'], outputs: [] },
  chartInfo: { inputs: ['inputs', 'inputEdges'], outputs: [] },
  dashboardInfo: {
    inputs: ['charts', 'chartEdges', 'datasets', 'datasetEdges', 'dashboards'],
    outputs: [],
  },
};

export const tellsLineage = (aspect: string): boolean => Object.hasOwn(sources, aspect);

/** What a value of `aspect` says of `urn`, its entity. Pure; linear in the value. */
export function readLineage(urn: string, aspect: string, bytes: Uint8Array): Lineage {
  const value = readValue(bytes);
  const verdict = value.plain ? 'accept' : scanJson(bytes, { spanDepth: 0 }).verdict;
  if (verdict !== 'accept') return { edges: [], columns: [], unread: 0, unreadable: verdict };
  const parsed = parsedValue(value);
  const { inputs, outputs } = sources[aspect]!;
  const edges = new Map<string, Edge>();
  let unread = 0;
  const end = (given: unknown): string | undefined => {
    if (isEnd(given)) return given;
    unread += 1;
    return undefined;
  };
  const add = (from: string, to: string, type?: unknown): void => {
    const key = JSON.stringify([from, to]);
    if (edges.has(key)) return;
    edges.set(key, { from, to, ...(typeof type === 'string' ? { type: keyword(type) } : {}) });
  };
  for (const item of inputs.flatMap((name) => listIn(parsed, name))) {
    const other = end(namedIn(item));
    if (other !== undefined) add(tableIn(other), urn, at(item, 'type'));
  }
  for (const item of outputs.flatMap((name) => listIn(parsed, name))) {
    const other = end(namedIn(item));
    if (other !== undefined) add(urn, tableIn(other));
  }
  const columns: ColumnEdge[] = [];
  for (const told of listIn(parsed, 'fineGrainedLineages')) {
    const ends = (name: string): string[] => [
      ...new Set(listIn(told, name).flatMap((item) => end(item) ?? [])),
    ];
    const from = ends('upstreams');
    const named = ends('downstreams');
    const to = named.length === 0 ? [urn] : named;
    if (from.length === 0) continue;
    const operation = at(told, 'transformOperation');
    columns.push({ from, to, ...(typeof operation === 'string' ? { operation: keyword(operation) } : {}) });
    for (const table of from.map(tableIn)) if (table !== urn) add(table, urn);
    if (outputs.length > 0) for (const table of to.map(tableIn)) if (table !== urn) add(urn, table);
  }
  return { edges: [...edges.values()], columns, unread };
}

/** The table of a column, anything else itself. */
export const tableIn = (end: string): string => tableOf(end) ?? end;

/** As long as engines take a keyword: so an end is found whole or not at all. */
const endBytesMax = 1_024;

const isEnd = (given: unknown): given is string =>
  typeof given === 'string' &&
  given.startsWith('urn:') &&
  given.isWellFormed() &&
  given.length <= endBytesMax &&
  Buffer.byteLength(given) <= endBytesMax;

/** Old forms name an end by its URN, others within an object; a union of Avro wraps it. */
const namedIn = (item: unknown): unknown =>
  typeof item === 'string' ? item : (at(item, 'dataset') ?? at(item, 'destinationUrn') ?? at(item, 'string'));

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = at(value, name);
  return Array.isArray(list) ? list : [];
}
