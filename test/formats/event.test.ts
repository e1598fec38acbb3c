import avsc from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits, type MetadataChangeEvent } from '../../src/domain/event.ts';
import { isFault } from '../../src/domain/fault.ts';
import {
  checkEvent,
  decodeEvent,
  encodeEvent,
  eventSchemaSha256,
  eventSchemaText,
  peekEnvelope,
  readEvent,
} from '../../src/formats/event.ts';
import * as arbitrary from './arbitrary.ts';
import { eventOf, hex, vectors } from './vectors.ts';

const envelopeOf = ({
  urn,
  aspect,
  change,
  id,
  namespace,
  entityType,
  occurredAt,
  expect,
}: MetadataChangeEvent) => ({
  urn,
  aspect,
  change,
  id,
  namespace,
  entityType,
  occurredAt,
  expect,
});
const avroInvalid = expect.objectContaining({ code: 'AVRO_INVALID' });

test('the schema is stored as its canonical text, under its hash', () => {
  expect(eventSchemaText).toBe(vectors.schemas.MetadataChangeEvent.canonical);
  expect(eventSchemaSha256).toBe(vectors.schemas.MetadataChangeEvent.sha256);
});

test.for(vectors.events)('golden event: $name', ({ event, avro, length, prefixLength }) => {
  const expected = eventOf(event);
  expect(encodeEvent(expected).toString('hex')).toBe(avro);
  expect(hex(avro).length).toBe(length);
  expect(decodeEvent(hex(avro))).toEqual(expected);
  expect(readEvent(hex(avro))).toEqual(expected);
  expect(peekEnvelope(hex(avro))).toEqual(envelopeOf(expected));
  // A fold needs the first eight fields and no byte more.
  expect(peekEnvelope(hex(avro).subarray(0, prefixLength))).toEqual(envelopeOf(expected));
  expect(() => peekEnvelope(hex(avro).subarray(0, prefixLength - 1))).toThrow(avroInvalid);
});

test('the map key __proto__ survives', () => {
  const { avro } = vectors.events.find(({ event }) =>
    Object.hasOwn(event.source?.foreign ?? {}, '__proto__'),
  )!;
  expect([...decodeEvent(hex(avro)).source!.foreign.keys()]).toContain('__proto__');
});

test('any event comes back as it was, at any place in a larger buffer', () => {
  fc.assert(
    fc.property(arbitrary.event, fc.nat(9), (event, start) => {
      const bytes = encodeEvent(event);
      expect(decodeEvent(bytes)).toEqual(event);
      const inside = Uint8Array.from([...Buffer.alloc(start, 7), ...bytes, ...Buffer.alloc(start, 7)]);
      expect(readEvent(inside, start, start + bytes.length)).toEqual(event);
      expect(peekEnvelope(inside, start)).toEqual(envelopeOf(event));
      expect(encodeEvent(decodeEvent(bytes))).toEqual(bytes);
    }),
  );
});

test('the whole event is one spelling: insertion order of a map does not show', () => {
  const { event } = vectors.events.find((vector) => vector.event.source !== null)!;
  const written = eventOf(event);
  fc.assert(
    fc.property(fc.shuffledSubarray(['～', '\u{1F600}', 'a', '', 'é', 'b'], { minLength: 6 }), (keys) => {
      const foreign = new Map(keys.map((key) => [key, key]));
      const bytes = encodeEvent({ ...written, source: { ...written.source!, foreign } });
      const read = [...readEvent(bytes).source!.foreign.keys()];
      expect(read).toEqual(['', 'a', 'b', 'é', '～', '\u{1F600}']);
    }),
  );
});

test('another Avro reader sees the same event', () => {
  const type = avsc.Type.forSchema(JSON.parse(eventSchemaText));
  const { occurredAtMin: min, occurredAtMax: max } = limits;
  fc.assert(
    // avsc misreads odd numbers beyond 2^52.
    fc.property(arbitrary.event, fc.integer({ min, max }), (anyEvent, occurredAt) => {
      const event = { ...anyEvent, occurredAt, expect: null };
      const seen = type.fromBuffer(encodeEvent(event));
      expect(seen.urn).toBe(event.urn);
      expect(seen.occurredAt).toBe(event.occurredAt);
      expect(seen.value).toEqual(event.value);
    }),
  );
});

test('no cut of an event is an event, nor is one with a byte more', () => {
  for (const { avro } of vectors.events) {
    const bytes = hex(avro);
    for (let end = 0; end < bytes.length; end++)
      expect(() => readEvent(bytes.subarray(0, end))).toThrow(avroInvalid);
    expect(() => readEvent(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(avroInvalid);
  }
});

test('damaged bytes are read or refused with AVRO_INVALID, never anything else', () => {
  const golden = fc.constantFrom(...vectors.events.map(({ avro }) => hex(avro)));
  fc.assert(
    fc.property(golden, fc.nat(), fc.nat(255), (bytes, place, byte) => {
      const damaged = Buffer.from(bytes);
      damaged[place % damaged.length] = byte;
      try {
        readEvent(damaged);
      } catch (error) {
        expect(isFault(error, 'AVRO_INVALID')).toBe(true);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('what has no spelling is not written', () => {
  const event = eventOf(vectors.events[0]!.event);
  const refused = (changes: Partial<MetadataChangeEvent>) =>
    expect(() => encodeEvent({ ...event, ...changes })).toThrow(avroInvalid);
  refused({ urn: '\ud800' });
  refused({ actor: `${'a'.repeat(100)}\udc00` });
  refused({ id: event.id.toUpperCase() });
  refused({ id: `${event.id}0` });
  refused({ occurredAt: 2 ** 53 });
  refused({ occurredAt: 0.5 });
  refused({ expect: { epoch: 2 ** 31, partition: 0, offset: 0 } });
});

test('a foreign key given twice is refused: readers would disagree on its value', () => {
  const event = eventOf(vectors.events[0]!.event);
  const source = {
    plugin: 'p',
    version: '',
    runId: '',
    foreign: new Map([
      ['aa', '1'],
      ['ab', '2'],
    ]),
  };
  const bytes = encodeEvent({ ...event, source });
  bytes[bytes.lastIndexOf('ab') + 1] = 'a'.charCodeAt(0);
  expect(() => readEvent(bytes)).toThrow(avroInvalid);
});

test('a decoded value is a copy, a read one a view', () => {
  const bytes = encodeEvent(eventOf(vectors.events[0]!.event));
  expect(readEvent(bytes).value!.buffer).toBe(bytes.buffer);
  const { value } = decodeEvent(bytes);
  const before = Buffer.from(value!);
  bytes.fill(0);
  expect(value).toEqual(before);
});

test('checking an event takes and refuses what reading it does, and tells the same', () => {
  fc.assert(
    fc.property(arbitrary.event, fc.option(fc.tuple(fc.nat(400), fc.nat(255))), (event, damage) => {
      const bytes = encodeEvent(event);
      if (damage !== null) bytes[damage[0] % bytes.length] = damage[1];
      const outcome = <T>(read: () => T): T | string => {
        try {
          return read();
        } catch (error) {
          return String(error);
        }
      };
      const read = outcome(() => readEvent(bytes));
      const checked = outcome(() => checkEvent(bytes));
      if (typeof read === 'string' || typeof checked === 'string') {
        expect(checked).toBe(read);
        return;
      }
      const { urn, aspect, change, id, namespace, entityType, expect: condition, value } = read;
      const known = { urn, aspect, change, id, namespace, entityType, expect: condition };
      expect(checked).toEqual({ ...known, hasValue: value !== null, avro: bytes });
    }),
  );
});
