import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPosition, parsePosition, splitVersion, versionOf } from '../../src/domain/position.ts';
import { vectors } from '../formats/vectors.ts';

const epoch = fc.integer({ min: 1, max: 511 });
const offset = fc.nat(2 ** 44 - 1);
const near = fc.string({ unit: fc.constantFrom(...'0123456789-:.+ e\n'), maxLength: 20 });

test.for(vectors.positions.accept)('golden position $text', ({ text, version, ...position }) => {
  expect(parsePosition(text)).toEqual(position);
  expect(formatPosition(position)).toBe(text);
  expect(versionOf(position)).toBe(version);
  expect(splitVersion(version)).toEqual({ epoch: position.epoch, offset: position.offset });
});

test.for(vectors.positions.refuse)('no position: %j', (text) => {
  expect(parsePosition(text)).toBeUndefined();
});

test('parse and print are each other’s inverse, and version keeps the order', () => {
  const position = fc.record({ epoch, partition: fc.nat(511), offset });
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect(parsePosition(formatPosition(a))).toEqual(a);
      expect(splitVersion(versionOf(a))).toEqual({ epoch: a.epoch, offset: a.offset });
      const earlier = a.epoch < b.epoch || (a.epoch === b.epoch && a.offset < b.offset);
      expect(versionOf(a) < versionOf(b)).toBe(earlier);
    }),
  );
});

test('what parses prints as the same text', () => {
  fc.assert(
    fc.property(near, (text) => {
      const position = parsePosition(text);
      if (position !== undefined) expect(formatPosition(position)).toBe(text);
    }),
    { numRuns: 5_000 },
  );
});
