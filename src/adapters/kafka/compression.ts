import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { WireError } from './byte-reader.ts';
import { unpackLz4 } from './lz4.ts';
import { unpackSnappy } from './snappy.ts';

export const codecMask = 0x07;
const unpackedBytesMax = 64 * 1024 * 1024;

type Unpack = (bytes: Buffer, bytesMax: number) => Buffer;

const codecs: Readonly<Record<number, readonly [name: string, unpack: Unpack]>> = {
  1: ['gzip', (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength })],
  2: ['snappy', unpackSnappy],
  3: ['lz4', unpackLz4],
  4: ['zstd', (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength })],
};

/**
 * The records of a compressed batch, at most 64 MiB of them. Only other people's topics hold such batches: ours are made
 * with `compression.type=uncompressed`. Throws `WireError` for an unknown codec, for damage and for more bytes.
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const [name, unpack] = codecs[codec] ?? [];
  if (unpack === undefined) throw new WireError(`a batch compressed with codec ${codec}, which nobody knows`);
  try {
    return unpack(bytes, unpackedBytesMax);
  } catch (error) {
    throw new WireError(`a batch compressed with ${name}: ${error instanceof Error ? error.message : error}`);
  }
}
