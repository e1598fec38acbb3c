import type { Cut } from '../domain/cut.ts';
import type { IndexSnapshot } from './index-snapshot.ts';

/**
 * How a declared field is searched. `keyword`: exact value(s), each at most 1,024 bytes (longer ones are cut by the
 * projection). `long`: one integer below 2^53. `words`: a list of search words made by the projection, matched whole or
 * by prefix, never analysed again.
 */
export type FieldKind = 'keyword' | 'long' | 'words';
export type SearchFields = Readonly<Record<string, string | number | readonly string[]>>;

/** Name and shape of one projection's documents; version is part of the physical index's name. */
export interface ModelDefinition {
  readonly projection: string;
  readonly version: number;
  readonly fields: Readonly<Record<string, FieldKind>>;
  /** Id of the log whose events it holds, noted when it was made; a reader's definition says nothing about it. */
  readonly log?: string;
  /** SHA-256 of what the fold that filled it makes of frozen events, noted when it was made; none in indexes of before. */
  readonly fold?: string;
  /** SHA-256 of that fold's code, where it is kept. */
  readonly bundle?: string;
}

/**
 * A document to store. `id` is unique in the index, at most 600 bytes. `version` = version of the last event that touched
 * it. `body` is JSON text, stored and given back byte for byte. `search` null = hidden: found by id only.
 */
export interface Document {
  readonly id: string;
  readonly version: number;
  readonly body: Uint8Array;
  readonly search: SearchFields | null;
}

/** A document that is found by values which are their one text already (ports/search-values.ts). */
export interface TextDocument extends Omit<Document, 'search'> {
  readonly searchText: Buffer;
}

export interface StoredDocument {
  readonly id: string;
  readonly version: number;
  readonly body: Buffer;
}

export interface StoreReport {
  readonly applied: number;
  /** Older or equal to what is stored: already there. `applied + stale` = documents given. */
  readonly stale: number;
  /** Those among them that the engine cannot search: they are stored whole, hidden and counted. */
  readonly unindexable: readonly Unsearchable[];
}

/** A document that no search finds; `reason` begins with a code of ports/search-values.ts. */
export interface Unsearchable {
  readonly id: string;
  readonly reason: string;
}

/** Progress of one lane: everything before `next` is stored. `timeMax` is the running maximum of append times. */
export interface LaneProgress {
  readonly epoch: number;
  readonly partition: number;
  readonly next: number;
  readonly timeMax: number;
}

/** One condition of a query; conditions are joined by AND. */
export type Condition =
  | { readonly field: string; readonly anyOf: readonly (string | number)[] }
  /** `from` ≤ value < `below`, of a `long`; with neither, the field is there. */
  | { readonly field: string; readonly from?: number; readonly below?: number }
  /**
   * Every word stands in the field; the last one may be the beginning of a word when `prefix`. Compared exactly, case
   * included; empty words are passed over.
   */
  | { readonly field: string; readonly words: readonly string[]; readonly prefix: boolean }
  | { readonly either: readonly (readonly Condition[])[] };

/**
 * A sort key: a single-valued field, or the number of different `words` that stand whole in the words-field `rankBy`, most
 * first; at most one of the latter.
 */
export type SortKey =
  | { readonly field: string; readonly order: 'asc' | 'desc' }
  | { readonly rankBy: string; readonly words: readonly string[] };

export interface Query {
  /** One more condition, which leaves the fewest documents: an engine may begin with it. Of a `keyword`. */
  readonly narrowest?: { readonly field: string; readonly anyOf: readonly string[] };
  readonly where: readonly Condition[];
  /** Must end in a field that is unique per document. Missing values are not allowed in sort fields. */
  readonly sort: readonly SortKey[];
  /** 1 … 1,000. */
  readonly limit: number;
  /** Sort values of the last hit of the page before. */
  readonly after?: readonly (string | number)[];
}

export interface Hit extends StoredDocument {
  readonly sortValues: readonly (string | number)[];
}

export interface Page {
  readonly hits: readonly Hit[];
  /** Exact number of documents that match, whatever `limit` and `after` say. */
  readonly total: number;
}

/**
 * One physical index: documents of one projection version. Per id the stored version never falls. Every call rejects with
 * `MODEL_UNAVAILABLE` when the engine cannot be reached or is too busy, and when the index was dropped (fact `missing`):
 * a dropped index is never made again by a call.
 */
export interface ModelIndex {
  readonly name: string;
  readonly definition: ModelDefinition;
  /** Documents by id as last stored (also ones that a query does not see yet), tombstones and hidden ones included. */
  load(ids: readonly string[]): Promise<Map<string, StoredDocument>>;
  /**
   * Stores each document unless the index holds the id at the same or a higher version. All answers are read before it
   * resolves. Ids are unique within one call. Rejects with `VERSION_AHEAD` when the index holds a version above
   * `versionMax` (the lane's log end), or other bytes at an equal version: such a document cannot have come from this
   * log; what else was given may then be stored or not. Durable when it resolves; in an index that does not serve yet,
   * when a later `refresh` resolves.
   */
  store(documents: readonly (Document | TextDocument)[], versionMax: number): Promise<StoreReport>;
  /**
   * Puts each document in the place of what stands under its id, whatever that is, and takes the ids of `removed` away so that
   * nothing remembers them. Ids are unique among both. Only while nobody else stores: what others load meanwhile may be
   * missing. Visible and durable when it resolves.
   */
  repair(documents: readonly Document[], removed: readonly string[]): Promise<StoreReport>;
  /** Saved progress of every lane, kept in the same index; empty for a fresh one. */
  progress(): Promise<readonly LaneProgress[]>;
  /** Progress as `query` sees it: everything before it shows. Read before a query, it is a cut the answer is not behind. */
  visible(): Promise<readonly LaneProgress[]>;
  /** Saves progress of lanes; a lower `next` than the saved one of a lane is ignored. */
  saveProgress(lanes: readonly LaneProgress[]): Promise<void>;
  /** Makes everything stored before it visible to `query`, and durable. */
  refresh(): Promise<void>;
  /**
   * Visible documents (`search` not null). Same conditions, same documents, same order, whatever the engine: text sorts
   * by its UTF-8 bytes. Rejects with `QUERY_INVALID`.
   */
  query(query: Query): Promise<Page>;
  /**
   * Every document as the engine holds it, in any order, batch by batch: hidden ones and tombstones too, progress not.
   * Reads one fixed state of the index, with everything stored before the first batch was asked for. Ids are whole,
   * versions exact, bodies byte for byte.
   */
  scan(): AsyncIterable<readonly StoredDocument[]>;
  /** Holds the present state of the index, with everything stored before the call. */
  snapshot(): Promise<IndexSnapshot>;
}

export interface IndexFound {
  readonly name: string;
  readonly projection: string;
  readonly version: number;
  readonly serving: boolean;
  /** As many as `scan` gives, as of the last refresh. */
  readonly documents: number;
  /** Those among them that should be found and cannot be. */
  readonly unindexable: number;
  readonly bytes: number;
}

/** Where read models live. What serves is recorded in one place and changes in one step. */
export interface ReadModel extends AsyncDisposable {
  readonly place: string;
  /**
   * Makes an empty index `<projection>-v<version>-<suffix>`; it serves nobody yet. `suffix`: 1-24 of `[a-z0-9]`. Rejects
   * with `INDEX_EXISTS`.
   */
  create(definition: ModelDefinition, suffix: string): Promise<ModelIndex>;
  /** The index that serves a projection, as it was defined when it was made, or undefined. Ask again after a swap. */
  serving(definition: ModelDefinition): Promise<ModelIndex | undefined>;
  /** Opens any index by name, or undefined. */
  open(name: string, definition: ModelDefinition): Promise<ModelIndex | undefined>;
  /**
   * Makes `to` the serving index in one step, if `from` (null: none) serves now. Rejects with `SWAP_REFUSED` otherwise.
   * A reader sees the old or the new one, never neither.
   */
  swap(projection: string, from: string | null, to: string): Promise<void>;
  /** Removes an index that does not serve. Rejects with `SWAP_REFUSED` for one that does. */
  drop(name: string): Promise<void>;
  list(): Promise<readonly IndexFound[]>;
}

/** The cut that lanes' progress amounts to: of the newest epoch any lane entered. Undefined before the first one. */
export function cutOf(
  lanes: readonly LaneProgress[],
  partitionsOf: (epoch: number) => number,
): Cut | undefined {
  if (lanes.length === 0) return undefined;
  const epoch = Math.max(...lanes.map((lane) => lane.epoch));
  const next = new Array<number>(partitionsOf(epoch)).fill(0);
  for (const lane of lanes) if (lane.epoch === epoch) next[lane.partition] = lane.next;
  return { epoch, next };
}
