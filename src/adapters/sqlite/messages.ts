import type { FaultCode } from '../../domain/fault.ts';
import type { Inspection, Probe } from '../../ports/index-snapshot.ts';
import type {
  Document,
  IndexFound,
  LaneProgress,
  ModelDefinition,
  Query,
  SearchFields,
  StoredDocument,
  StoreReport,
} from '../../ports/read-model.ts';

/** Documents on their way between threads: bodies one after the other in one buffer, which is moved and not copied. */
export interface PackedDocuments {
  readonly ids: readonly string[];
  readonly versions: readonly number[];
  /** Exclusive end of each body in `bodies`. */
  readonly ends: readonly number[];
  readonly bodies: ArrayBuffer;
}

export interface PackedChanges extends PackedDocuments {
  /** Search values, or the text of them. */
  readonly search: readonly (SearchFields | string | null)[];
}

export interface PackedPage extends PackedDocuments {
  readonly sortValues: readonly (readonly (string | number)[])[];
  readonly total: number;
}

/** Documents of a snapshot, with their columns as `foundByColumns` names them. */
export interface PackedHeld extends PackedDocuments {
  readonly foundBy: readonly (readonly (string | number | null)[])[];
}

/** What a worker does: the question and its answer, by name. */
export interface Calls {
  create: { ask: { definition: ModelDefinition; suffix: string }; answer: string };
  store: { ask: { index: string; changes: PackedChanges; versionMax: number }; answer: StoreReport };
  repair: {
    ask: { index: string; changes: PackedChanges; removed: readonly string[] };
    answer: StoreReport;
  };
  saveProgress: { ask: { index: string; lanes: readonly LaneProgress[] }; answer: null };
  /** Makes the index fit for searching. */
  refresh: { ask: { index: string }; answer: null };
  swap: { ask: { projection: string; from: string | null; to: string }; answer: null };
  drop: { ask: { index: string }; answer: null };
  load: { ask: { index: string; ids: readonly string[] }; answer: PackedDocuments };
  progress: { ask: { index: string }; answer: readonly LaneProgress[] };
  query: { ask: { index: string; query: Query }; answer: PackedPage };
  /** The next batch of a scan, which begins at the first call; none left: the scan is over. */
  scan: { ask: { index: string; scan: number }; answer: PackedDocuments };
  endScan: { ask: { scan: number }; answer: null };
  /** Holds a state of the index under a number that the caller chose; gives its progress. */
  snapshot: { ask: { index: string; snapshot: number }; answer: readonly LaneProgress[] };
  /** The first or the next batch of a snapshot's documents; none left: the end. */
  held: { ask: { index: string; snapshot: number; first: boolean }; answer: PackedHeld };
  inspect: { ask: { index: string; snapshot: number }; answer: Inspection };
  finds: { ask: { index: string; snapshot: number; probes: readonly Probe[] }; answer: readonly boolean[] };
  endSnapshot: { ask: { snapshot: number }; answer: null };
  serving: { ask: { projection: string }; answer: { name: string; definition: ModelDefinition } | null };
  open: { ask: { index: string }; answer: ModelDefinition | null };
  list: { ask: null; answer: readonly IndexFound[] };
  /** Closes what is open of an index. */
  forget: { ask: { index: string }; answer: null };
  close: { ask: null; answer: null };
}

export type Question = {
  [Op in keyof Calls]: { readonly call: number; readonly op: Op; readonly ask: Calls[Op]['ask'] };
}[keyof Calls];

export type Answer =
  | { readonly call: number; readonly answer: unknown }
  | { readonly call: number; readonly fault: FaultCode; readonly facts: Readonly<Record<string, unknown>> }
  | { readonly call: number; readonly error: Error };

export function pack(documents: readonly Omit<Document, 'search'>[]): PackedDocuments {
  const ends: number[] = [];
  let end = 0;
  for (const { body } of documents) {
    end += body.byteLength;
    ends.push(end);
  }
  const bodies = new ArrayBuffer(end);
  const bytes = new Uint8Array(bodies);
  documents.forEach(({ body }, index) => {
    bytes.set(body, index === 0 ? 0 : ends[index - 1]!);
  });
  return {
    ids: documents.map(({ id }) => id),
    versions: documents.map(({ version }) => version),
    ends,
    bodies,
  };
}

/** The documents again; their bodies are views of the one buffer. */
export const unpack = ({ ids, versions, ends, bodies }: PackedDocuments): StoredDocument[] =>
  ids.map((id, index) => {
    const start = index === 0 ? 0 : ends[index - 1]!;
    return { id, version: versions[index]!, body: Buffer.from(bodies, start, ends[index]! - start) };
  });
