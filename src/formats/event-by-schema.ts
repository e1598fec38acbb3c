import type { Change, MetadataChangeEvent, Source } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import type { Position } from '../domain/position.ts';
import { type AvroSchema, type AvroValue, decodeAvro } from './avro-schema.ts';
import { uuidText } from './uuid8.ts';

/**
 * Decodes an event that was written with another version of the event schema: the first eight fields are in every
 * version, the others take their defaults where a version lacks them. Throws AVRO_INVALID for bytes of another shape.
 */
export function decodeEventBySchema(schema: AvroSchema, bytes: Uint8Array): MetadataChangeEvent {
  const record = recordOf(decodeAvro(schema, bytes), 'event');
  const text = (name: string): string => {
    const value = record.get(name);
    if (typeof value !== 'string') throw shape(name);
    return value;
  };
  const textOrNull = (name: string): string | null => (isAbsent(record, name) ? null : text(name));
  const change = text('change');
  if (change !== 'UPSERT' && change !== 'PATCH' && change !== 'DELETE') throw shape('change');
  const occurredAt = record.get('occurredAt');
  if (typeof occurredAt !== 'number') throw shape('occurredAt');
  return {
    urn: text('urn'),
    aspect: textOrNull('aspect'),
    change: change satisfies Change,
    id: uuidOf(record, 'id'),
    namespace: text('namespace'),
    entityType: text('entityType'),
    occurredAt,
    expect: isAbsent(record, 'expect') ? null : positionOf(recordOf(record.get('expect'), 'expect')),
    actor: textOrNull('actor') ?? '',
    recordedBy: textOrNull('recordedBy') ?? '',
    group: isAbsent(record, 'group') ? null : uuidOf(record, 'group'),
    aspectSchema: textOrNull('aspectSchema'),
    source: isAbsent(record, 'source') ? null : sourceOf(recordOf(record.get('source'), 'source')),
    correlationId: textOrNull('correlationId'),
    causationId: textOrNull('causationId'),
    value: isAbsent(record, 'value') ? null : bytesOf(record, 'value'),
  };
}

type Fields = ReadonlyMap<string, AvroValue>;

const shape = (field: string): Fault => new Fault('AVRO_INVALID', { reason: `no event: field ${field}` });

const isAbsent = (record: Fields, name: string): boolean => (record.get(name) ?? null) === null;

function recordOf(value: AvroValue | undefined, name: string): Fields {
  if (!(value instanceof Map)) throw shape(name);
  return value;
}

function bytesOf(record: Fields, name: string): Uint8Array {
  const value = record.get(name);
  if (!(value instanceof Uint8Array)) throw shape(name);
  return value;
}

function uuidOf(record: Fields, name: string): string {
  const bytes = bytesOf(record, name);
  if (bytes.length !== 16) throw shape(name);
  return uuidText(bytes);
}

function positionOf(record: Fields): Position {
  const [epoch, partition, offset] = ['epoch', 'partition', 'offset'].map((name) => record.get(name));
  if (typeof epoch !== 'number' || typeof partition !== 'number' || typeof offset !== 'number')
    throw shape('expect');
  return { epoch, partition, offset };
}

function sourceOf(record: Fields): Source {
  const text = (name: string): string => {
    const value = record.get(name) ?? '';
    if (typeof value !== 'string') throw shape(`source.${name}`);
    return value;
  };
  const foreign = new Map<string, string>();
  for (const [name, value] of recordOf(record.get('foreign') ?? new Map(), 'source.foreign')) {
    if (typeof value !== 'string') throw shape('source.foreign');
    foreign.set(name, value);
  }
  return { plugin: text('plugin'), version: text('version'), runId: text('runId'), foreign };
}
