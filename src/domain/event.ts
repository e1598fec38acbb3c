import type { Position } from './position.ts';

export type Change = 'UPSERT' | 'PATCH' | 'DELETE';

/** Who sent an event: a plugin or bridge, its run, and foreign coordinates (never our positions). */
export interface Source {
  readonly plugin: string;
  readonly version: string;
  readonly runId: string;
  /** A Map, because a foreign key may be called `__proto__`. */
  readonly foreign: ReadonlyMap<string, string>;
}

/** The condition "must not exist", as an event carries it: only the offset is looked at. */
export const mustNotExist: Position = { epoch: 0, partition: 0, offset: -1 };

/** The first eight fields of an event: what a fold decides on. They never change in any version of the schema. */
export interface Envelope {
  readonly urn: string;
  /** Null means the whole entity; then the change is a DELETE. */
  readonly aspect: string | null;
  readonly change: Change;
  /** UUID as lower-case text. Compared, never ordered by. */
  readonly id: string;
  readonly namespace: string;
  readonly entityType: string;
  /** The sender's clock, UTC, milliseconds. Shown, never used for order. */
  readonly occurredAt: number;
  /** Null = no condition; offset −1 = must not exist. */
  readonly expect: Position | null;
}

/** One change of one aspect of one entity, immutable: schemas/events/MetadataChangeEvent.avsc. */
export interface MetadataChangeEvent extends Envelope {
  /** URN of whom the sender names. */
  readonly actor: string;
  /** Authenticated principal, written by intake. */
  readonly recordedBy: string;
  /** UUID shared by the changes of one save. */
  readonly group: string | null;
  /** `name/version` of the aspect's schema; null = opaque JSON of a foreign dialect. */
  readonly aspectSchema: string | null;
  readonly source: Source | null;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  /** UTF-8 JSON as received, at most 768 KiB; null for a DELETE. */
  readonly value: Uint8Array | null;
}

export type Header = readonly [name: Uint8Array, value: Uint8Array | null];

/** One record as the log gave it, nothing looked up: schemas/events/SegmentRecord.avsc. */
export interface LogRecord {
  readonly offset: number;
  /** Raw append time of the broker, UTC milliseconds; −1 = none. Readers apply the running maximum. */
  readonly appendTime: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** In record order; names are bytes. */
  readonly headers: readonly Header[];
}

export const limits = {
  requestBytesMax: 8 * 1024 * 1024,
  eventsPerRequestMax: 1_000,
  urnBytesMax: 512,
  valueBytesMax: 768 * 1024,
  recordBytesMax: 1_000_000,
  headersMax: 32,
  headerNameBytesMax: 128,
  jsonDepthMax: 64,
  /** Years 0001 to 9999: other Avro readers fail beyond. */
  occurredAtMin: -62_135_596_800_000,
  occurredAtMax: 253_402_300_799_999,
} as const;
