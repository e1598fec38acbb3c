import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCut, isBefore, parseCut } from '../../src/domain/cut.ts';
import { offsetEnd } from '../../src/domain/position.ts';
import { vectors } from '../formats/vectors.ts';

const epoch = fc.integer({ min: 1, max: 511 });
const near = fc.string({ unit: fc.constantFrom(...'0123456789-:.+ e\n'), maxLength: 20 });

test.for(vectors.cuts.accept)('golden cut $text', ({ text, ...cut }) => {
  expect(parseCut(text)).toEqual(cut);
  expect(formatCut(cut)).toBe(text);
});

test.for(vectors.cuts.refuse)('no cut: %j', (text) => {
  expect(parseCut(text)).toBeUndefined();
});

test('what parses prints as the same text', () => {
  fc.assert(
    fc.property(near, (text) => {
      const cut = parseCut(text);
      if (cut !== undefined) expect(formatCut(cut)).toBe(text);
    }),
    { numRuns: 5_000 },
  );
});

test('parse and print are each other’s inverse', () => {
  const next = fc.array(fc.nat(offsetEnd), { minLength: 1, maxLength: 512 });
  fc.assert(
    fc.property(epoch, next, (epoch, next) => {
      expect(parseCut(formatCut({ epoch, next }))).toEqual({ epoch, next });
    }),
  );
});

test('the largest cut is within its characters', () => {
  const cut = { epoch: 511, next: new Array<number>(512).fill(offsetEnd) };
  expect(parseCut(formatCut(cut))).toEqual(cut);
});

test('a cut lies after what is before its nexts', () => {
  const cut = { epoch: 2, next: [5, 0] };
  const isPast = (epoch: number, partition: number, offset: number) =>
    isBefore({ epoch, partition, offset }, cut);
  expect([isPast(2, 0, 4), isPast(2, 0, 5), isPast(2, 1, 0)]).toEqual([true, false, false]);
  expect([isPast(1, 9, 99), isPast(3, 0, 0), isPast(2, 2, 0)]).toEqual([true, false, false]);
});
