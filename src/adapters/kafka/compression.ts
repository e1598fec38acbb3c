import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { WireError } from './byte-reader.ts';

export const codecMask = 0x07;
const inflatedBytesMax = 64 * 1024 * 1024;
const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/**
 * The records of a compressed batch, at most 64 MiB of them. Only other people's topics hold such batches: ours are made
 * with `compression.type=uncompressed`. Throws `WireError` for a codec that is not built in, for damage and for more bytes.
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const name = names[codec] ?? `codec ${codec}`;
  const inflate = { gzip: gunzipSync, zstd: zstdDecompressSync }[name];
  if (inflate === undefined) throw new WireError(`a batch compressed with ${name}, which cannot be read`);
  try {
    return inflate(bytes, { maxOutputLength: inflatedBytesMax });
  } catch (error) {
    throw new WireError(`a batch compressed with ${name}: ${error instanceof Error ? error.message : error}`);
  }
}
