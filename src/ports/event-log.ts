import type { Header, LogRecord } from '../domain/event.ts';

/** A record to be appended: the log gives it its offset and append time. */
export interface NewRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
}

/** What the log answered to an append: offsets `first` … `first + records - 1`, all at `appendTime`. */
export interface Appended {
  readonly first: number;
  /** UTC milliseconds by the log's clock; −1 when the log does not tell. */
  readonly appendTime: number;
}

/** What a partition holds: offsets `[first, end)`. Records may be missing in between (sparse offsets). */
export interface LogBounds {
  readonly first: number;
  readonly end: number;
}

/**
 * 1 or more records with ascending offsets, never empty; `end` is the log's end as the same answer told it.
 */
export interface Batch {
  readonly records: readonly LogRecord[];
  readonly end: number;
}

/** One partition, read by pull from a stated `next`. */
export interface Lane {
  readonly partition: number;
  /** Where it stands, for a lane that can be beyond the last record it gave: offsets that hold no record. */
  readonly next?: number;
  /**
   * The next batch: at most `recordsPerBatchMax` records (10,000) and about `bytesPerBatchMax` bytes (4 MiB;
   * one larger record comes alone). The first batch starts at the lane's `next` or, where that offset is
   * missing, at the first present offset after it: the caller compares. Calling again is the acknowledgement
   * of the batch before, so at most one batch per lane is in memory. Waits while there is nothing. Only
   * durable records are given.
   *
   * Rejects with `LOG_FORK` when `next` lies beyond the log's end, with `LOG_TRIMMED` (fact `first`) when it
   * lies before the log's start, with `LANE_REVOKED` when the partition went to another reader or a
   * newer lane, or the reader was closed, with `LOG_UNAVAILABLE` when the log cannot be reached, with `LOG_UNREADABLE`
   * when it answers what cannot be unpacked into records, and with the signal's reason once `signal` aborts.
   * It never skips a record that it cannot read and never moves by itself. After a rejection the lane is
   * spent: ask the reader for a new one.
   */
  pull(signal: AbortSignal): Promise<Batch>;
}

/** One member of a named group of readers. Groups only share out work: correctness never depends on them. */
export interface LogReader extends AsyncDisposable {
  /**
   * The partitions this member holds: yields the present set at once when it is known, then each changed set,
   * until `signal` aborts (then it ends).
   */
  assignments(signal: AbortSignal): AsyncIterable<ReadonlySet<number>>;
  /** A lane over a partition this member holds. Asking again for a partition ends the lane given before. */
  lane(partition: number, next: number): Lane;
}

/** One epoch's topic. */
export interface EventLog extends AsyncDisposable {
  readonly epoch: number;
  readonly partitions: number;
  /**
   * Appends records in order, durably, to one partition; all of them or, as far as anyone can tell, none. The
   * caller keeps one append in flight per partition. Rejects with `LOG_UNAVAILABLE` when nothing was sent,
   * with `APPEND_UNKNOWN` when it was sent and no answer came: then it may have happened, and with
   * `RECORD_TOO_LARGE` when the records with their framing exceed `appendBytesMax`: nothing was sent.
   */
  append(partition: number, records: readonly NewRecord[]): Promise<Appended>;
  /** Present bounds, one per partition. Rejects with `LOG_UNAVAILABLE`. */
  bounds(): Promise<readonly LogBounds[]>;
  /**
   * Lets a log that keeps records for our sake alone drop old ones: `archivedTo` per partition is the end of what stands in
   * segments. Absent where the host has a retention of its own. Answers how many files went.
   */
  retire?(known: { readonly archivedTo: readonly number[]; readonly now: number }): Promise<number>;
  /** Joins `group`; with null it reads alone: it holds every partition for good, and the host hears of no group. */
  reader(group: string | null): Promise<LogReader>;
}

/** A topic made once for one epoch. */
export interface EpochTopic {
  /** From 1 on; 0 for a topic that is no epoch of a log: no archive takes records under it. */
  readonly epoch: number;
  /** `<name>.e<epoch>`, never used again; `<name>.restored.<k>` where it is no epoch. */
  readonly topic: string;
  readonly partitions: number;
}

/** Where topics live. */
export interface LogHost extends AsyncDisposable {
  /**
   * Makes the topic where that is allowed: delete policy, append time set by the log, no compaction. `exists`
   * when it is there already. Rejects with `TOPIC_FORBIDDEN` where the host does not let us.
   */
  create(topic: EpochTopic): Promise<'created' | 'exists'>;
  /** Opens a topic. Rejects with `TOPIC_MISSING` and with `TOPIC_MISMATCH` when partition counts differ. */
  open(topic: EpochTopic): Promise<EventLog>;
  /** Partition count of a topic that somebody else may have made. Rejects with `TOPIC_MISSING`. */
  partitions(topic: string): Promise<number>;
  /** How a topic's settings fit an append-only log. */
  audit(topic: EpochTopic): Promise<Audit>;
  /**
   * An append that was sent may still come to the log so long after, whoever sent it; 0 where this process alone appends.
   */
  readonly lateMs: number;
}

/** Settings in words, one a line. */
export interface Audit {
  /** Those that differ from what the log needs. */
  readonly faults: readonly string[];
  /** Those among them by which events would be lost or altered. */
  readonly unfit: readonly string[];
  /** Those the host does not tell. */
  readonly unknown: readonly string[];
}

/** An intake appends on a look for its epoch's closing mark that is no older than this. */
export const closingLookMs = 5_000;

export const recordsPerBatchMax = 10_000;
export const bytesPerBatchMax = 4 * 1024 * 1024;
/**
 * Bytes of one append: keys, values, header names and values, and some 20 bytes of framing per record and 4
 * per header. One record at its own limit of 1,000,000 bytes fits; Event Hubs closes the connection above
 * 1,046,528.
 */
export const appendBytesMax = 1_040_000;
