import { hash } from 'node:crypto';

/** A Bloom filter over keys: what it denies is not there, what it does not deny is there in all but one of a hundred cases. */
export interface KeyFilter {
  readonly bytes: Buffer;
}

const bitsPerKey = 10;
const probes = 7;
const bitsMin = 64;

/** Probes of a key: two words of its SHA-256, double hashing (Kirsch and Mitzenmacher). */
function* bitsOf(key: Uint8Array, bits: number): Generator<number> {
  const digest = hash('sha256', key, 'buffer');
  const [start, step] = [digest.readUInt32BE(0), digest.readUInt32BE(4) | 1];
  for (let probe = 0; probe < probes; probe += 1) yield (start + probe * (step >>> 0)) % bits;
}

/** A filter of these keys; `count` of them, or more than there are. */
export function keyFilter(keys: Iterable<Uint8Array>, count: number): KeyFilter {
  const bytes = Buffer.alloc(Math.ceil(Math.max(bitsMin, count * bitsPerKey) / 8));
  for (const key of keys) for (const bit of bitsOf(key, bytes.length * 8)) bytes[bit >> 3]! |= 1 << (bit & 7);
  return { bytes };
}

/** False: the key is none of those that the filter was made of. */
export function mayHold({ bytes }: KeyFilter, key: Uint8Array): boolean {
  for (const bit of bitsOf(key, bytes.length * 8))
    if ((bytes[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  return true;
}
