import type { NewRecord } from '../../ports/event-log.ts';
import { crc32c } from './crc32c.ts';

const headBytes = 61;

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;
const varintBytes = (value: number): number => {
  const bits = zigzag(value);
  return bits < 1 << 7 ? 1 : bits < 1 << 14 ? 2 : bits < 1 << 21 ? 3 : bits < 1 << 28 ? 4 : 5;
};
const fieldBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;

/** Size of a record after its own length: attributes, time delta 0, offset delta, key, value, headers. */
function bodyBytes({ key, value, headers }: NewRecord, offsetDelta: number): number {
  let size = 2 + varintBytes(offsetDelta) + fieldBytes(key) + fieldBytes(value) + varintBytes(headers.length);
  for (const [name, content] of headers) size += fieldBytes(name) + fieldBytes(content);
  return size;
}

/**
 * One uncompressed record batch (magic 2) as a producer sends it: offsets count from 0, no producer id, all records at
 * `now` (UTC milliseconds), which the log replaces by its own time. Header names are bytes and may repeat.
 */
export function encodeRecordBatch(records: readonly NewRecord[], now: number): Buffer {
  const sizes = records.map(bodyBytes);
  const out = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + varintBytes(size) + size, headBytes));
  let at = headBytes;
  const varint = (value: number): void => {
    let bits = zigzag(value);
    for (; bits > 127; bits >>>= 7) out[at++] = (bits & 127) | 128;
    out[at++] = bits;
  };
  const field = (bytes: Uint8Array | null): void => {
    varint(bytes === null ? -1 : bytes.length);
    if (bytes === null) return;
    out.set(bytes, at);
    at += bytes.length;
  };
  for (const [i, { key, value, headers }] of records.entries()) {
    varint(sizes[i]!);
    out[at++] = 0;
    out[at++] = 0;
    varint(i);
    field(key);
    field(value);
    varint(headers.length);
    for (const [name, content] of headers) {
      field(name);
      field(content);
    }
  }
  writeHead(out, records.length, now);
  return out;
}

function writeHead(out: Buffer, count: number, now: number): void {
  out.writeBigInt64BE(0n, 0);
  out.writeInt32BE(out.length - 12, 8);
  out.writeInt32BE(-1, 12);
  out.writeInt8(2, 16);
  out.writeInt16BE(0, 21);
  out.writeInt32BE(count - 1, 23);
  out.writeBigInt64BE(BigInt(now), 27);
  out.writeBigInt64BE(BigInt(now), 35);
  out.writeBigInt64BE(-1n, 43);
  out.writeInt16BE(-1, 51);
  out.writeInt32BE(-1, 53);
  out.writeInt32BE(count, 57);
  out.writeUInt32BE(crc32c(out, 21), 17);
}
