import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyFilter, mayHold } from '../../src/formats/key-filter.ts';

const key = fc.uint8Array({ maxLength: 40 });

test('a filter denies none of its keys', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), (keys) => {
      const filter = keyFilter(keys, keys.length);
      for (const one of keys) expect(mayHold(filter, one)).toBe(true);
    }),
  );
});

test('and most others', () => {
  const keys = Array.from({ length: 2_000 }, (_, n) => Buffer.from(`urn:li:dataset:${n}`));
  const filter = keyFilter(keys, keys.length);
  expect(filter.bytes.length).toBe(2_500);
  const taken = Array.from({ length: 5_000 }, (_, n) => Buffer.from(`urn:li:chart:${n}`)).filter((one) =>
    mayHold(filter, one),
  );
  expect(taken.length).toBeLessThan(100);
});

test('of nothing denies everything', () => {
  fc.assert(
    fc.property(key, (one) => {
      expect(mayHold(keyFilter([], 0), one)).toBe(false);
    }),
  );
});
