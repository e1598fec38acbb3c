import { readFileSync } from 'node:fs';
import type { Change, Envelope, MetadataChangeEvent, Source } from '../domain/event.ts';
import type { Position } from '../domain/position.ts';
import { AvroReader, AvroWriter, inKeyOrder } from './avro-bytes.ts';
import { canonicalSchemaText, schemaSha256 } from './json-canonical.ts';
import { uuidBytes, uuidText } from './uuid8.ts';

const schemaFile = new URL('../../schemas/events/MetadataChangeEvent.avsc', import.meta.url);

/** RFC 8785 text of schemas/events/MetadataChangeEvent.avsc, and its name (header `annal-schema`). */
export const eventSchemaText = canonicalSchemaText(JSON.parse(readFileSync(schemaFile, 'utf8')));
export const eventSchemaSha256 = schemaSha256(eventSchemaText);

const changes = ['UPSERT', 'PATCH', 'DELETE'] as const satisfies readonly Change[];
const changeIndex = { UPSERT: 0, PATCH: 1, DELETE: 2 } as const satisfies Record<Change, number>;
const uuidSize = 16;

/** A whole event whose `value` is a view into the bytes it was read from, which it keeps alive. */
export type EventView = MetadataChangeEvent;

/**
 * The first eight fields of the event in `bytes[start, end)`. Looks no further: the rest may be damaged.
 * Throws AVRO_INVALID when these fields cannot be read.
 */
export function peekEnvelope(bytes: Uint8Array, start = 0, end: number = bytes.length): Envelope {
  return readEnvelope(new AvroReader(bytes, start, end));
}

/**
 * The whole event in `bytes[start, end)`, checked to the last byte: AVRO_INVALID for anything else than
 * exactly one event. Any valid Avro is taken, also maps in other orders or blocks than we write; a map key
 * given twice is not.
 */
export function readEvent(bytes: Uint8Array, start = 0, end: number = bytes.length): EventView {
  const reader = new AvroReader(bytes, start, end);
  const event: MetadataChangeEvent = {
    urn: reader.string(),
    aspect: optionalWord(reader),
    change: changes[reader.index(3)]!,
    id: uuidText(reader.bytes, reader.take(uuidSize)),
    namespace: reader.word(),
    entityType: reader.word(),
    occurredAt: reader.long(),
    expect: readExpect(reader),
    actor: reader.word(),
    recordedBy: reader.word(),
    group: reader.present() ? uuidText(reader.bytes, reader.take(uuidSize)) : null,
    aspectSchema: optionalWord(reader),
    source: reader.present() ? readSource(reader) : null,
    correlationId: reader.present() ? reader.string() : null,
    causationId: reader.present() ? reader.string() : null,
    value: reader.present() ? reader.view() : null,
  };
  reader.finish();
  return event;
}

/** What a fold needs of an event before its final document is made. */
export type CheckedEvent = Omit<Envelope, 'occurredAt'> & {
  readonly hasValue: boolean;
  readonly avro: Uint8Array;
};

/** Checks the whole event like `readEvent`, and makes only what a fold decides on. `avro` is `bytes` itself. */
export function checkEvent(bytes: Uint8Array): CheckedEvent {
  const reader = new AvroReader(bytes);
  const urn = reader.again();
  const aspect = optionalWord(reader);
  const change = changes[reader.index(3)]!;
  const id = uuidText(reader.bytes, reader.take(uuidSize));
  const namespace = reader.word();
  const entityType = reader.word();
  reader.long();
  const expect = readExpect(reader);
  reader.word();
  reader.word();
  if (reader.present()) reader.take(uuidSize);
  optionalWord(reader);
  if (reader.present()) readSource(reader);
  if (reader.present()) reader.string();
  if (reader.present()) reader.string();
  const hasValue = reader.present();
  if (hasValue) reader.take(reader.length());
  reader.finish();
  return { urn, aspect, change, id, namespace, entityType, expect, hasValue, avro: bytes };
}

/** Like `readEvent`, with a `value` of its own: the event does not keep `bytes` alive. */
export function decodeEvent(bytes: Uint8Array): MetadataChangeEvent {
  const event = readEvent(bytes);
  return event.value === null ? event : { ...event, value: Buffer.from(event.value) };
}

function readEnvelope(reader: AvroReader): Envelope {
  return {
    urn: reader.string(),
    aspect: optionalWord(reader),
    change: changes[reader.index(3)]!,
    id: uuidText(reader.bytes, reader.take(uuidSize)),
    namespace: reader.word(),
    entityType: reader.word(),
    occurredAt: reader.long(),
    expect: readExpect(reader),
  };
}

const optionalWord = (reader: AvroReader): string | null => (reader.present() ? reader.word() : null);

const readExpect = (reader: AvroReader): Position | null =>
  reader.present() ? { epoch: reader.int(), partition: reader.int(), offset: reader.long() } : null;

const readSource = (reader: AvroReader): Source => ({
  plugin: reader.word(),
  version: reader.word(),
  runId: reader.string(),
  foreign: readForeign(reader),
});

function readForeign(reader: AvroReader): Map<string, string> {
  const foreign = new Map<string, string>();
  for (;;) {
    const { count, end } = reader.blockCount();
    if (count === 0) return foreign;
    for (let i = 0; i < count; i++) {
      const start = reader.at;
      const key = reader.word();
      if (foreign.has(key)) throw reader.invalid('map key given twice', start);
      foreign.set(key, reader.string());
    }
    if (end !== undefined && reader.at !== end) throw reader.invalid('block size does not match its items');
  }
}

const scratchMax = 2 * 1024 * 1024;
let scratch = new AvroWriter();

/**
 * The one spelling of an event (docs/formats/event.md). Throws AVRO_INVALID for what has none: an id that
 * is no lower-case UUID, a lone surrogate, a number that is not whole. Bounds on sizes and times are
 * intake's.
 */
export function encodeEvent(event: MetadataChangeEvent): Buffer {
  if (scratch.capacity > scratchMax) scratch = new AvroWriter();
  scratch.clear();
  writeEnvelope(scratch, event);
  scratch.string(event.actor);
  scratch.string(event.recordedBy);
  optional(scratch, event.group, writeUuid);
  optional(scratch, event.aspectSchema, writeString);
  optional(scratch, event.source, writeSource);
  optional(scratch, event.correlationId, writeString);
  optional(scratch, event.causationId, writeString);
  optional(scratch, event.value, (writer, value) => writer.bytes(value));
  return scratch.copy();
}

function writeEnvelope(writer: AvroWriter, envelope: Envelope): void {
  writer.string(envelope.urn);
  optional(writer, envelope.aspect, writeString);
  writer.long(changeIndex[envelope.change]);
  writeUuid(writer, envelope.id);
  writer.string(envelope.namespace);
  writer.string(envelope.entityType);
  writer.long(envelope.occurredAt);
  optional(writer, envelope.expect, writePosition);
}

function optional<T>(
  writer: AvroWriter,
  value: T | null,
  write: (writer: AvroWriter, value: T) => void,
): void {
  writer.long(value === null ? 0 : 1);
  if (value !== null) write(writer, value);
}

const writeString = (writer: AvroWriter, text: string): void => writer.string(text);
const writeUuid = (writer: AvroWriter, text: string): void => writer.fixed(uuidBytes(text));

function writePosition(writer: AvroWriter, { epoch, partition, offset }: Position): void {
  writer.int(epoch);
  writer.int(partition);
  writer.long(offset);
}

function writeSource(writer: AvroWriter, { plugin, version, runId, foreign }: Source): void {
  writer.string(plugin);
  writer.string(version);
  writer.string(runId);
  if (foreign.size > 0) {
    writer.long(foreign.size);
    for (const [key, value] of inKeyOrder(foreign)) {
      writer.string(key);
      writer.string(value);
    }
  }
  writer.long(0);
}
