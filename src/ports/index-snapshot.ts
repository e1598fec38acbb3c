import type { LaneProgress, SearchFields, StoredDocument } from './read-model.ts';

/** A document with what the engine holds to find it by. */
export interface HeldDocument extends StoredDocument {
  /**
   * The text of the values it is found by, `null` where it is hidden; undefined of an engine that keeps no such text.
   */
  readonly searchText?: Buffer;
  /** Code of why it is stored as one that no search finds; null for all others. */
  readonly unindexable: string | null;
  /**
   * A declared field whose values in the engine are not those of `search`, or `visible` where one of the two is hidden
   * (null) and the other is not; undefined where all are equal.
   */
  differsIn(search: SearchFields | null): string | undefined;
}

/** One value by which a search should find one document. */
export interface Probe {
  readonly id: string;
  readonly field: string;
  readonly value: string | number;
}

/** What an index is made of, beside its documents. */
export interface Inspection {
  /** SHA-256, hex, of all that decides what is found, as the definition asks for it and as the engine has it. */
  readonly declared: string;
  readonly found: string;
  /** Where the two differ; at most 10 names or JSON pointers. */
  readonly differing: readonly string[];
  /** Documents whose values the engine left out of its search without saying so, and at most 10 of their ids. */
  readonly ignored: number;
  readonly ignoredIds: readonly string[];
}

/**
 * One state of an index, with everything stored before it was taken and nothing after. It costs the engine something as long
 * as it is held; of a process that is gone it ends by itself. Calls reject with `MODEL_UNAVAILABLE` where it ended, as with a
 * dropped index.
 */
export interface IndexSnapshot extends AsyncDisposable {
  /** Progress in this state: of an index that nobody is writing to, the cut of its documents. */
  readonly progress: readonly LaneProgress[];
  /** As `ModelIndex.scan`, as often as wanted: always the same documents. */
  scan(): AsyncIterable<readonly HeldDocument[]>;
  /** Of an index that was refreshed since it was filled. */
  inspect(): Promise<Inspection>;
  /**
   * Whether each document is found by its value: asked of what a search asks, exactly, among visible documents. As many
   * answers as probes, in their order.
   */
  finds(probes: readonly Probe[]): Promise<readonly boolean[]>;
}
