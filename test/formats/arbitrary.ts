import fc from 'fast-check';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { offsetEnd } from '../../src/domain/position.ts';
import { uuidText } from '../../src/formats/uuid8.ts';

/** Any well-formed text, weighted towards what breaks codecs: astral, private use, the replacement character. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', '\uFFFD', '\uFEFF', '\u{1F600}', '\uFF5E', '__proto__', 'a'.repeat(80), 'é'.repeat(40)),
);
export const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
export const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => uuidText(array));
export const long = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -200, max: 200 }));
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const map = fc.array(fc.tuple(text, text), { maxLength: 5 }).map((entries) => new Map(entries));

export const event: fc.Arbitrary<MetadataChangeEvent> = fc.record({
  urn: text,
  aspect: orNull(text),
  change: fc.constantFrom('UPSERT', 'PATCH', 'DELETE'),
  id: uuid,
  namespace: text,
  entityType: text,
  occurredAt: long,
  expect: orNull(fc.record({ epoch: fc.integer(), partition: fc.integer(), offset: long })),
  actor: text,
  recordedBy: text,
  group: orNull(uuid),
  aspectSchema: orNull(text),
  source: orNull(fc.record({ plugin: text, version: text, runId: text, foreign: map })),
  correlationId: orNull(text),
  causationId: orNull(text),
  value: orNull(bytes),
});

export const record: fc.Arbitrary<LogRecord> = fc.record({
  offset: fc.maxSafeNat().map((n) => n % offsetEnd),
  appendTime: long,
  key: orNull(bytes),
  value: orNull(bytes),
  headers: fc.array(fc.tuple(bytes, orNull(bytes)), { maxLength: 5 }),
});
