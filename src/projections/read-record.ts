import type { FoldEvent } from '../domain/entity-state.ts';
import { type Header, type LogRecord, limits, type MetadataChangeEvent } from '../domain/event.ts';
import { isFault } from '../domain/fault.ts';
import type { Position } from '../domain/position.ts';
import { urnFault } from '../domain/urn.ts';
import { type CheckedEvent, checkEvent, encodeEvent, eventSchemaSha256 } from '../formats/event.ts';
import { payloadStart } from '../formats/framing.ts';
import { partitionOf } from '../formats/partition.ts';
import { RecordView } from '../formats/record-view.ts';
import { encodeRecord } from '../formats/segment.ts';
import type { Quarantined } from './projection.ts';

/** Decodes an event of another schema version than ours; undefined where the archive holds no such schema. */
export type ForeignDecoder = (schemaSha256: string, avro: Uint8Array) => MetadataChangeEvent | undefined;

export interface RecordPlace {
  readonly epoch: number;
  readonly partition: number;
  /** Partition count of the epoch. */
  readonly partitions: number;
}

export type ReadRecord =
  | { readonly kind: 'event'; readonly event: FoldEvent; readonly position: Position; readonly time: number }
  | { readonly kind: 'quarantined'; readonly record: Quarantined };

const decimal = /^(0|[1-9][0-9]{0,9})$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
const control = /[\u0000-\u001f\u007f-\u009f]/u;
const epochName = Buffer.from('annal-epoch');
const schemaName = Buffer.from('annal-schema');
const ourSchema = Buffer.from(eventSchemaSha256);

/** The last URN that was found fit, and where it belongs: a window's records come URN after URN. */
let lastFit: { readonly urn: string; readonly partitions: number; readonly partition: number } | undefined;

/**
 * What a log record is to a fold: an event, or a record set apart with its outcome. Looks at nothing but the record, its
 * place and the schemas of the archive, so every replay answers the same. In this order: `foreign` (no valid
 * `annal-epoch` header of this epoch), `undecodable`, `misrouted` (key and URN differ, or another partition is right).
 * The event holds bytes of its own: it keeps no block alive that the record came in. With `bytes` = 'shared' it is a view
 * of the record's, for a caller that copies what it keeps.
 */
export function readRecord(
  record: LogRecord,
  place: RecordPlace,
  time: number,
  decodeForeign: ForeignDecoder,
  bytes: 'own' | 'shared' = 'own',
): ReadRecord {
  const position: Position = { epoch: place.epoch, partition: place.partition, offset: record.offset };
  const setApart = (outcome: Quarantined['outcome'], reason: string): ReadRecord => ({
    kind: 'quarantined',
    record: { outcome, reason, position, time, urn: keyUrn(record.key) },
  });
  let schema: Uint8Array = ourSchema;
  if (!hasIntakeHeaders(record, place.epoch)) {
    const foreign = foreignReason(onlyHeader(record, epochName), place.epoch);
    if (foreign !== undefined) return setApart('foreign', foreign);
    const named = onlyHeader(record, schemaName);
    if (named === undefined || named === null)
      return setApart('undecodable', 'no single annal-schema header');
    schema = named;
  }
  if (record.value === null) return setApart('undecodable', 'the record has no value');

  let event: CheckedEvent;
  try {
    const decoded = decode(schema, record.value, decodeForeign, bytes);
    if (decoded === undefined) return setApart('undecodable', 'the archive holds no schema of this name');
    event = decoded;
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID'))
      return setApart('undecodable', String(error.facts.reason ?? error.code));
    throw error;
  }
  const { urn, aspect, change } = event;
  if (urn !== lastFit?.urn && (urn === '' || urn.length > limits.urnBytesMax || control.test(urn)))
    return setApart('undecodable', 'the URN is empty, too long or holds control characters');
  if (aspect === null ? change !== 'DELETE' : aspect === '')
    return setApart('undecodable', 'the change names no aspect');
  if (event.hasValue === (change === 'DELETE'))
    return setApart('undecodable', 'a DELETE has no value, any other change has one');
  if (!isKey(record, urn)) return setApart('misrouted', 'the key is not the URN');
  if (urn !== lastFit?.urn || place.partitions !== lastFit.partitions)
    lastFit = { urn, partitions: place.partitions, partition: partitionOf(urn, place.partitions) };
  if (lastFit.partition !== place.partition)
    return setApart('misrouted', `the URN belongs to partition ${lastFit.partition}`);
  return { kind: 'event', event, position, time };
}

function foreignReason(epoch: Uint8Array | null | undefined, expected: number): string | undefined {
  if (epoch === undefined || epoch === null) return 'no single annal-epoch header';
  const text = latin1(epoch);
  if (!decimal.test(text)) return 'annal-epoch is no decimal';
  return Number(text) === expected ? undefined : `annal-epoch is ${text}`;
}

function decode(
  schema: Uint8Array,
  value: Uint8Array,
  decodeForeign: ForeignDecoder,
  bytes: 'own' | 'shared',
): CheckedEvent | undefined {
  const start = payloadStart(value);
  if (schema !== ourSchema && Buffer.compare(schema, ourSchema) !== 0) {
    const foreign = decodeForeign(latin1(schema), value.subarray(start));
    return foreign === undefined ? undefined : checkEvent(encodeEvent(foreign));
  }
  const shared = start === 0 ? value : value.subarray(start);
  if (bytes === 'shared') return checkEvent(shared);
  const avro = Buffer.allocUnsafe(shared.length);
  avro.set(shared);
  return checkEvent(avro);
}

let intakeHeaders: { readonly epoch: number; readonly bytes: Buffer } | undefined;

/** Whether an archived record has exactly the headers that intake writes, by their bytes: most have. */
export function hasIntakeHeaders(record: LogRecord, epoch: number): boolean {
  if (!(record instanceof RecordView)) return false;
  if (intakeHeaders?.epoch !== epoch) {
    const headers: Header[] = [
      [epochName, Buffer.from(String(epoch))],
      [schemaName, ourSchema],
    ];
    const bare = { offset: 0, appendTime: 0, key: null, value: null };
    const withHeaders = encodeRecord({ ...bare, headers });
    // Offset, time, no key, no value: one byte each.
    intakeHeaders = { epoch, bytes: withHeaders.subarray(4) };
  }
  const { bytes } = intakeHeaders;
  const { block, headersStart, end } = record;
  const { length } = bytes;
  if (end - headersStart !== length) return false;
  for (let at = 0; at < length; at += 1) if (block[headersStart + at] !== bytes[at]) return false;
  return true;
}

function isKey(record: LogRecord, text: string): boolean {
  // A view of the key would cost more than the look at it.
  if (record instanceof RecordView) {
    const { block, keyStart, keyEnd } = record;
    return keyStart >= 0 && sameText(block, keyStart, keyEnd, text);
  }
  return record.key !== null && sameText(record.key, 0, record.key.length, text);
}

/** Whether `bytes[start, end)` is the UTF-8 of a text. */
function sameText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const inUtf8 = (): boolean => Buffer.from(text).equals(bytes.subarray(start, end));
  if (end - start !== text.length) return inUtf8();
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return inUtf8();
    if (bytes[start + at] !== code) return false;
  }
  return true;
}

/** The value of the only header of that name; undefined where there is none or more than one. */
function onlyHeader(record: LogRecord, name: Buffer): Uint8Array | null | undefined {
  let found: Uint8Array | null | undefined;
  let count = 0;
  for (const [headerName, headerValue] of record.headers) {
    if (headerName.length !== name.length || Buffer.compare(headerName, name) !== 0) continue;
    found = headerValue;
    count += 1;
  }
  return count === 1 ? found : undefined;
}

function keyUrn(key: Uint8Array | null): string | null {
  if (key === null || key.length > 512) return null;
  const text = Buffer.from(key).toString('utf8');
  return Buffer.from(text).equals(key) && urnFault(text) === undefined ? text : null;
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
