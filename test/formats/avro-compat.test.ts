import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import { incompatibilities } from '../../src/formats/avro-compat.ts';

const record = (...fields: object[]) => ({ type: 'record', name: 'shop.Order', fields });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const colour = (symbols: string[], more: object = {}) => ({ type: 'enum', name: 'Colour', symbols, ...more });
const fixed = (size: number) => ({ type: 'fixed', name: 'Hash', size });

test.for<[string, unknown, unknown]>([
  ['the same schema', record(field('a', 'string')), record(field('a', 'string'))],
  ['a field added with a default', record(field('a', 'int', { default: 0 })), record()],
  ['a default of null', record(field('a', ['null', 'int'], { default: null })), record()],
  ['a field removed', record(), record(field('a', 'int'))],
  [
    'fields in another order',
    record(field('a', 'int'), field('b', 'int')),
    record(field('b', 'int'), field('a', 'int')),
  ],
  ['a wider number', record(field('a', 'double')), record(field('a', 'int'))],
  ['text for bytes', 'string', 'bytes'],
  ['a type that became optional', record(field('a', ['null', 'string'])), record(field('a', 'string'))],
  ['a branch that is wider', ['null', 'long'], ['int', 'null']],
  ['a symbol added', colour(['RED', 'BLUE']), colour(['RED'])],
  ['a symbol removed, with a default', colour(['RED'], { default: 'RED' }), colour(['RED', 'BLUE'])],
  ['another namespace', { ...record(), name: 'store.Order' }, record()],
  ['a logical type', { type: 'long', logicalType: 'timestamp-millis' }, 'long'],
  ['wider items', { type: 'array', items: 'long' }, { type: 'array', items: 'int' }],
  [
    'a recursive type',
    record(field('next', ['null', 'shop.Order'])),
    record(field('next', ['null', 'Order'])),
  ],
])('%s is compatible', ([, reader, writer]) => {
  expect(incompatibilities(reader, writer)).toEqual([]);
});

test.for<[string, unknown, unknown, string]>([
  ['a field added without a default', record(field('a', 'int')), record(), '/a: added without a default'],
  ['another type', record(field('a', 'int')), record(field('a', 'string')), '/a: string became int'],
  ['a narrower number', 'int', 'long', '/: long became int'],
  ['another kind', { type: 'map', values: 'int' }, { type: 'array', items: 'int' }, '/: array became map'],
  [
    'narrower items',
    { type: 'array', items: 'int' },
    { type: 'array', items: 'long' },
    '/items: long became int',
  ],
  [
    'a value no longer optional',
    record(field('a', 'string')),
    record(field('a', ['null', 'string'])),
    '/a: null became string',
  ],
  ['a branch removed', ['null', 'int'], ['null', 'string'], '/: no branch for string'],
  ['a symbol removed', colour(['RED']), colour(['RED', 'BLUE']), '/: without the symbols BLUE'],
  ['another size', fixed(32), fixed(16), '/: 16 bytes became 32'],
  [
    'a named type by another name',
    { ...fixed(16), name: 'Digest' },
    fixed(16),
    '/: fixed Hash became fixed Digest',
  ],
  [
    'a record that became an enum',
    { ...colour(['RED']), name: 'shop.Order' },
    record(),
    '/: record shop.Order became enum shop.Order',
  ],
  [
    'deep inside a recursive type',
    record(field('next', ['null', 'shop.Order']), field('a', 'int')),
    record(field('next', ['null', 'shop.Order'])),
    '/a: added without a default',
  ],
])('%s is not, and the place is named', ([, reader, writer, place]) => {
  expect(incompatibilities(reader, writer).map(({ at, what }) => `${at}: ${what}`)).toContain(place);
});

test('every difference is listed', () => {
  const reader = record(field('a', 'int'), field('b', 'int'), field('c', 'int'));
  expect(incompatibilities(reader, record(field('a', 'string')))).toHaveLength(3);
});

test('the schema of our events is compatible with itself', () => {
  const schema: unknown = JSON.parse(readFileSync('schemas/events/MetadataChangeEvent.avsc', 'utf8'));
  expect(incompatibilities(schema, schema)).toEqual([]);
});

test('what is no schema is refused', () => {
  for (const wrong of [null, 7, {}, 'nobody', { type: 'record', name: 'A' }])
    expect(() => incompatibilities(wrong, 'int')).toThrow(
      expect.toSatisfy((error: unknown) => isFault(error, 'AVRO_INVALID')),
    );
});

test('the widest schemas are compared within bounds of time', () => {
  const union = (letter: string) =>
    Array.from({ length: 9_000 }, (_, i) => ({ type: 'fixed', name: `${letter}${i}`, size: 1 }));
  const before = performance.now();
  expect(incompatibilities(union('a'), union('b'))).toHaveLength(9_000);
  expect(incompatibilities(union('a'), union('a'))).toEqual([]);
  // Each branch with each took eight seconds and more.
  expect(performance.now() - before).toBeLessThan(3_000);
});
