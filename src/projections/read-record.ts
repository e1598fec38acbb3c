import type { FoldEvent } from '../domain/entity-state.ts';
import { type LogRecord, limits, type MetadataChangeEvent } from '../domain/event.ts';
import { isFault } from '../domain/fault.ts';
import type { Position } from '../domain/position.ts';
import { urnFault } from '../domain/urn.ts';
import { encodeEvent, eventSchemaSha256, readEvent } from '../formats/event.ts';
import { unframe } from '../formats/framing.ts';
import { partitionOf } from '../formats/partition.ts';
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

/**
 * What a log record is to a fold: an event, or a record set apart with its outcome. Looks at nothing but the record, its
 * place and the schemas of the archive, so every replay answers the same. In this order: `foreign` (no valid
 * `annal-epoch` header of this epoch), `undecodable`, `misrouted` (key and URN differ, or another partition is right).
 */
export function readRecord(
  record: LogRecord,
  place: RecordPlace,
  time: number,
  decodeForeign: ForeignDecoder,
): ReadRecord {
  const position: Position = { epoch: place.epoch, partition: place.partition, offset: record.offset };
  const setApart = (outcome: Quarantined['outcome'], reason: string): ReadRecord => ({
    kind: 'quarantined',
    record: { outcome, reason, position, time, urn: keyUrn(record.key) },
  });
  const epoch = onlyHeader(record, epochName);
  if (epoch === undefined || epoch === null) return setApart('foreign', 'no single annal-epoch header');
  const epochText = latin1(epoch);
  if (!decimal.test(epochText)) return setApart('foreign', 'annal-epoch is no decimal');
  if (Number(epochText) !== place.epoch) return setApart('foreign', `annal-epoch is ${epochText}`);
  if (record.value === null) return setApart('undecodable', 'the record has no value');
  const schema = onlyHeader(record, schemaName);
  if (schema === undefined || schema === null)
    return setApart('undecodable', 'no single annal-schema header');

  let event: FoldEvent;
  try {
    const decoded = decode(schema, record.value, decodeForeign);
    if (decoded === undefined) return setApart('undecodable', 'the archive holds no schema of this name');
    event = decoded;
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID'))
      return setApart('undecodable', String(error.facts.reason ?? error.code));
    throw error;
  }
  if (event.urn === '' || event.urn.length > limits.urnBytesMax || control.test(event.urn))
    return setApart('undecodable', 'the URN is empty, too long or holds control characters');
  if (event.aspect === null ? event.change !== 'DELETE' : event.aspect === '')
    return setApart('undecodable', 'the change names no aspect');
  if ((event.value === null) !== (event.change === 'DELETE'))
    return setApart('undecodable', 'a DELETE has no value, any other change has one');
  if (record.key === null || latin1(record.key) !== Buffer.from(event.urn).toString('latin1'))
    return setApart('misrouted', 'the key is not the URN');
  if (partitionOf(event.urn, place.partitions) !== place.partition)
    return setApart('misrouted', `the URN belongs to partition ${partitionOf(event.urn, place.partitions)}`);
  return { kind: 'event', event, position, time };
}

function decode(schema: Uint8Array, value: Uint8Array, decodeForeign: ForeignDecoder): FoldEvent | undefined {
  const avro = unframe(value);
  if (Buffer.compare(schema, ourSchema) === 0) return { ...readEvent(avro), avro };
  const event = decodeForeign(latin1(schema), avro);
  return event === undefined ? undefined : { ...event, avro: encodeEvent(event) };
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
