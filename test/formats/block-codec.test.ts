import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { squeeze, squeezeAside, unsqueeze } from '../../src/formats/block-codec.ts';

const emptyFrame = Buffer.from('28b52ffd2000010000', 'hex');
const near = (length: number): number[] => Array.from({ length: 48 }, (_, n) => length - 32 + n);

describe('a block', () => {
  test.each([
    'null',
    'deflate',
    'zstandard',
  ] as const)('of %s is one stream, whatever its length', (codec) => {
    const lengths = [
      ...near(32).slice(1),
      ...near(80),
      ...near(256),
      ...near(16_384),
      ...near(131_072),
      ...near(131_591),
    ];
    for (const length of lengths) {
      // Noise takes more room squeezed, by a few bytes: it meets the ends of buffers.
      for (const block of [randomBytes(length), Buffer.alloc(length, 7)]) {
        const squeezed = Buffer.from(squeeze(block, codec));
        expect(unsqueeze(squeezed, codec).equals(block), `${length}`).toBe(true);
        if (codec === 'zstandard') expect(squeezed.indexOf(emptyFrame), `${length}`).toBe(-1);
      }
    }
  });
});

test.for([1, 1_000, 131_591, 983_040])('a thread of the pool makes the same of %i bytes', async (length) => {
  for (const block of [randomBytes(length), Buffer.alloc(length, 7)])
    expect(Buffer.from(await squeezeAside(block)).equals(squeeze(block, 'zstandard'))).toBe(true);
});
