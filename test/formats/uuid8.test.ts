import fc from 'fast-check';
import { parse, stringify, validate, version } from 'uuid';
import { expect, test } from 'vitest';
import { isUuid, uuid8, uuidBytes, uuidText } from '../../src/formats/uuid8.ts';
import { vectors } from './vectors.ts';

test.for(vectors.uuid8)('golden UUID of $tuple', ({ tuple, uuid }) => {
  expect(uuid8(...tuple)).toBe(uuid);
  expect(validate(uuid)).toBe(true);
  expect(version(uuid)).toBe(8);
});

test('text and bytes go both ways as another library has them', () => {
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      expect(uuidBytes(text)).toEqual(Buffer.from(parse(text)));
      expect(uuidText(uuidBytes(text))).toBe(stringify(parse(text)));
    }),
  );
});

test('tuples that join to the same text differ', () => {
  expect(uuid8('a', 'bc')).not.toBe(uuid8('ab', 'c'));
  expect(uuid8('a')).not.toBe(uuid8('a', ''));
});

test.for([
  '',
  '019A9F00-0000-7000-8000-000000000001',
  '019a9f0000007000800000000000000001',
  ' '.repeat(36),
])('not a UUID here: "%s"', (text) => {
  expect(isUuid(text)).toBe(false);
  expect(() => uuidBytes(text)).toThrow(expect.objectContaining({ code: 'AVRO_INVALID' }));
});
