const multiplier = 0x5bd1_e995;
const seed = 0x9747_b28c;
const scratch = Buffer.allocUnsafeSlow(4_096);

/**
 * Kafka's murmur2 (org.apache.kafka.common.utils.Utils) of `bytes[0, length)`, as an unsigned 32-bit
 * number.
 */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  const whole = length & ~3;
  let hash = seed ^ length;
  for (let i = 0; i < whole; i += 4) {
    let word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    word = Math.imul(word, multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (whole < length) {
    for (let i = whole; i < length; i++) hash ^= bytes[i]! << ((i - whole) * 8);
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Partition of a key: Java Kafka's default partitioner over its UTF-8 bytes, 0 … partitions−1. */
export function partitionOf(urn: string, partitions: number): number {
  const bytes = urn.length * 3 <= scratch.length ? scratch : Buffer.from(urn);
  const length = bytes === scratch ? scratch.write(urn, 'utf8') : bytes.length;
  return (murmur2(bytes, length) & 0x7fff_ffff) % partitions;
}
