// Slicing by 8: eight table look-ups for eight bytes, about three times the speed of one byte at a time.
const tables = Array.from({ length: 8 }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  tables[0]![byte] = crc;
}
for (let slice = 1; slice < 8; slice++)
  for (let byte = 0; byte < 256; byte++) {
    const before = tables[slice - 1]![byte]!;
    tables[slice]![byte] = (before >>> 8) ^ tables[0]![before & 255]!;
  }
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes[from, end)`, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, from = 0, end = bytes.length): number {
  let crc = -1;
  let at = from;
  for (; at + 8 <= end; at += 8)
    crc =
      t7![(crc ^ bytes[at]!) & 255]! ^
      t6![((crc >>> 8) ^ bytes[at + 1]!) & 255]! ^
      t5![((crc >>> 16) ^ bytes[at + 2]!) & 255]! ^
      t4![((crc >>> 24) ^ bytes[at + 3]!) & 255]! ^
      t3![bytes[at + 4]!]! ^
      t2![bytes[at + 5]!]! ^
      t1![bytes[at + 6]!]! ^
      t0![bytes[at + 7]!]!;
  for (; at < end; at++) crc = (crc >>> 8) ^ t0![(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
