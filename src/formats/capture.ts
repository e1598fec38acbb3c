import type { Header, LogRecord } from '../domain/event.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { offsetEnd } from '../domain/position.ts';
import { AvroReader } from './avro-bytes.ts';
import { type BlockCodec, unsqueeze } from './block-codec.ts';
import { readContainerHeader } from './container-header.ts';

/**
 * Files of Event Hubs Capture (docs/formats/capture.md): Avro object containers of records `EventData`. Untrusted: every
 * length is compared with what remains, and a block is bounded before it is inflated.
 */
export const captureBounds = {
  headerBytesMax: 1024 * 1024,
  /** Of one block, stored and inflated. */
  blockBytesMax: 64 * 1024 * 1024,
  /** Of one map of properties. */
  propertiesMax: 10_000,
} as const;

type Primitive = 'null' | 'long' | 'double' | 'string' | 'bytes';

/** How a file spells its records, by its own schema. */
export interface CaptureLayout {
  readonly codec: BlockCodec;
  readonly sync: Buffer;
  /** Where the first block begins. */
  readonly start: number;
  readonly systemValues: readonly Primitive[];
  readonly values: readonly Primitive[];
  readonly body: readonly Primitive[];
}

/** What Capture kept of one event. */
export interface CapturedEvent {
  readonly sequence: number;
  readonly record: LogRecord;
  /** False: `EnqueuedTimeUtc` is no time that could be read, and the record has none. */
  readonly hasTime: boolean;
}

const fieldNames = ['SequenceNumber', 'Offset', 'EnqueuedTimeUtc', 'SystemProperties', 'Properties', 'Body'];
const primitives: readonly unknown[] = ['null', 'long', 'double', 'string', 'bytes'] satisfies Primitive[];

const invalid = (reason: string, cause?: unknown): Fault => new Fault('CAPTURE_INVALID', { reason }, cause);

/** Whatever is wrong with bytes, the file is at fault. */
export function asInvalid(error: unknown, where: string): unknown {
  if (isFault(error, 'CAPTURE_INVALID')) return error;
  if (error instanceof Fault && error.code !== 'AVRO_INVALID') return error;
  const reason = isFault(error) ? error.facts.reason : error instanceof Error ? error.message : String(error);
  return invalid(`${where}: ${String(reason)}`, error);
}

/** Reads the header of a file out of its first bytes, at most `headerBytesMax`. Throws `CAPTURE_INVALID`. */
export function readCaptureHeader(begin: Uint8Array): CaptureLayout {
  const reader = new AvroReader(begin);
  try {
    const { meta, sync } = readContainerHeader(reader);
    const codec = meta.get('avro.codec') ?? 'null';
    if (codec !== 'null' && codec !== 'deflate') throw invalid(`codec ${codec.slice(0, 40)}`);
    return { codec, sync, start: reader.at, ...layoutOf(meta.get('avro.schema') ?? '') };
  } catch (error) {
    throw asInvalid(error, 'header');
  }
}

function layoutOf(text: string): Pick<CaptureLayout, 'systemValues' | 'values' | 'body'> {
  const schema = JSON.parse(text) as { type?: unknown; name?: unknown; fields?: unknown } | null;
  const fields = schema?.fields;
  if (schema?.type !== 'record' || schema.name !== 'EventData' || !Array.isArray(fields))
    throw invalid('its schema is no record EventData');
  const types = fields.map((field: { name?: unknown; type?: unknown } | null, at) => {
    if (field === null || field.name !== fieldNames[at])
      throw invalid(`its schema has no field ${fieldNames[at]} in its place`);
    return field.type;
  });
  const [sequence, offset, time, system, properties, body] = types;
  if (types.length !== fieldNames.length || sequence !== 'long' || offset !== 'string' || time !== 'string')
    throw invalid('its schema has other fields than EventData');
  return {
    systemValues: valuesOf(system),
    values: valuesOf(properties),
    body: unionOf(body, ['null', 'bytes']),
  };
}

const valuesOf = (type: unknown): readonly Primitive[] => {
  const { type: kind, values } = (type ?? {}) as { type?: unknown; values?: unknown };
  if (kind !== 'map') throw invalid('its schema has properties that are no map');
  return unionOf(values, primitives);
};

/** Branches of a union, each once; a single type is a union of itself. */
function unionOf(type: unknown, allowed: readonly unknown[]): readonly Primitive[] {
  const branches: readonly unknown[] = Array.isArray(type) ? type : [type];
  if (
    branches.length === 0 ||
    new Set(branches).size < branches.length ||
    !branches.every((one) => allowed.includes(one))
  )
    throw invalid('its schema has values of unknown types');
  return branches as readonly Primitive[];
}

/** The events of one block of `count` records. Throws `CAPTURE_INVALID`. */
export function* readCaptureBlock(
  stored: Buffer,
  count: number,
  layout: CaptureLayout,
): Generator<CapturedEvent, void> {
  try {
    const reader = new AvroReader(unsqueeze(stored, layout.codec, captureBounds.blockBytesMax));
    for (let left = count; left > 0; left -= 1) yield readEvent(reader, layout);
    reader.finish();
  } catch (error) {
    throw asInvalid(error, 'block');
  }
}

type Value = Buffer | string | number | null;

function readEvent(reader: AvroReader, { systemValues, values, body }: CaptureLayout): CapturedEvent {
  const sequence = reader.long();
  if (sequence < 0 || sequence >= offsetEnd) throw reader.invalid(`SequenceNumber ${sequence}`);
  reader.string();
  const time = captureTime(reader.string());
  const system = readMap(reader, systemValues);
  const properties = readMap(reader, values);
  const value = readValue(reader, body);
  const headers = properties.map(([name, found]): Header => [Buffer.from(name), bytesOf(found)]);
  const key = keyIn(system);
  const record = { offset: sequence, appendTime: time ?? -1, key, value: bytesOf(value), headers };
  return { sequence, record, hasTime: time !== undefined };
}

const bytesOf = (value: Value): Buffer | null =>
  value === null ? null : Buffer.isBuffer(value) ? value : Buffer.from(String(value));

/** The Kafka key, else the partition key of an AMQP sender; null where Capture has neither. */
function keyIn(system: readonly (readonly [string, Value])[]): Buffer | null {
  for (const name of ['x-opt-kafka-key', 'x-opt-partition-key']) {
    const found = system.find(([known]) => known === name)?.[1];
    if (found !== undefined && found !== null) return bytesOf(found);
  }
  return null;
}

/** Entries in the order of the file; a name given twice is no map. */
function readMap(reader: AvroReader, values: readonly Primitive[]): [string, Value][] {
  const entries: [string, Value][] = [];
  const names = new Set<string>();
  for (;;) {
    const { count, end } = reader.blockCount();
    if (count === 0) return entries;
    if (count > captureBounds.propertiesMax - entries.length) throw reader.invalid('too many properties');
    for (let left = count; left > 0; left -= 1) {
      const name = reader.string();
      if (names.has(name)) throw reader.invalid('a property given twice');
      names.add(name);
      entries.push([name, readValue(reader, values)]);
    }
    if (end !== undefined && reader.at !== end) throw reader.invalid('block size does not match its items');
  }
}

function readValue(reader: AvroReader, branches: readonly Primitive[]): Value {
  switch (branches[branches.length === 1 ? 0 : reader.index(branches.length)]!) {
    case 'null':
      return null;
    case 'long':
      return reader.long();
    case 'double':
      return reader.double();
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.view();
  }
}

const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?(?: ([AP])M)?$/;
const iso = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/;

/**
 * UTC milliseconds of an `EnqueuedTimeUtc`: `7/20/2026 9:33:43 PM`, as .NET writes it, or ISO 8601, both in UTC. Undefined
 * for anything else, and for a time that no calendar has.
 */
export function captureTime(text: string): number | undefined {
  const us = american.exec(text);
  const match = us ?? iso.exec(text);
  if (match === null) return undefined;
  const [first, second, third, hours, minute, seconds] = match.slice(1, 7).map(Number);
  const [year, month, day] = us === null ? [first!, second!, third!] : [third!, first!, second!];
  const half = us?.[8];
  if (half !== undefined && (hours! < 1 || hours! > 12)) return undefined;
  const hour = half === undefined ? hours! : (hours! % 12) + (half === 'P' ? 12 : 0);
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const time = Date.UTC(year, month - 1, day, hour, minute!, seconds!, ms);
  const date = new Date(time);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour;
  return isReal && minute! < 60 && seconds! < 60 ? time : undefined;
}
