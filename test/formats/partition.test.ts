import { expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../src/formats/partition.ts';
import { vectors } from './vectors.ts';

test.for(vectors.partitions)('golden partition of $key', ({ key, murmur2: hash, partition }) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
  for (const [count, expected] of Object.entries(partition))
    expect(partitionOf(key, Number(count))).toBe(expected);
});

test.for(vectors.murmur2Published)("Kafka's own value for $key", ({ key, signed }) => {
  expect(murmur2(Buffer.from(key)) | 0).toBe(signed);
});

test('a long key is hashed whole, by its bytes', () => {
  for (const key of ['é'.repeat(3_000), 'x'.repeat(100_000)]) {
    expect(partitionOf(key, 512)).toBe((murmur2(Buffer.from(key)) & 0x7fff_ffff) % 512);
  }
});

test('the sign is dropped before the remainder is taken, as the broker’s own client does', () => {
  const negative = vectors.partitions.filter(({ murmur2: hash }) => hash >= 2 ** 31);
  expect(negative.length).toBeGreaterThan(3);
  for (const { key, murmur2: hash } of negative) {
    for (const count of [3, 5, 6, 511]) expect(partitionOf(key, count)).toBe((hash - 2 ** 31) % count);
  }
});
