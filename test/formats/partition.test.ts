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
