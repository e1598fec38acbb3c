import type { Header, LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import type { Position } from '../../src/domain/position.ts';
import { encodeEvent, eventSchemaSha256 } from '../../src/formats/event.ts';

export const orders = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';

/** A whole event from what a test cares about; `value` is any JSON value, given as it is or as text. */
export function anEvent(
  given: Partial<Omit<MetadataChangeEvent, 'value'>> & { readonly value?: unknown; readonly n?: number } = {},
): MetadataChangeEvent {
  const { value, n = 0, ...fields } = given;
  const change = fields.change ?? 'UPSERT';
  return {
    urn: orders,
    aspect: 'datasetProperties',
    change,
    id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    namespace: 'shop',
    entityType: 'dataset',
    occurredAt: 1_763_600_000_000 + n,
    expect: null,
    actor: '',
    recordedBy: 'local:owner',
    group: null,
    aspectSchema: 'datasetProperties/1',
    source: null,
    correlationId: null,
    causationId: null,
    value: change === 'DELETE' ? null : Buffer.from(JSON.stringify(value ?? { name: `orders ${n}` })),
    ...fields,
  };
}

export const eventHeaders = (epoch: number): Header[] => [
  [Buffer.from('annal-epoch'), Buffer.from(String(epoch))],
  [Buffer.from('annal-schema'), Buffer.from(eventSchemaSha256)],
];

/** The record an event travels in. */
export const recordOf = (event: MetadataChangeEvent, offset: number, epoch = 1): LogRecord => ({
  offset,
  appendTime: 1_763_600_000_000 + offset,
  key: Buffer.from(event.urn),
  value: encodeEvent(event),
  headers: eventHeaders(epoch),
});

export const at = (offset: number, epoch = 1, partition = 0): Position => ({ epoch, partition, offset });
