import { promisify } from 'node:util';
import {
  constants,
  deflateRawSync,
  inflateRawSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';

export type BlockCodec = 'null' | 'deflate' | 'zstandard';

export const isBlockCodec = (name: string): name is BlockCodec =>
  name === 'null' || name === 'deflate' || name === 'zstandard';

/** A block never holds more than this once decompressed; readers stop there. */
export const blockBytesMax = 16 * 1024 * 1024;
const chunkBytes = 256 * 1024;
const windowLogMax = 24; // = blockBytesMax: a frame that asks for a larger window is not ours.
const zstdBlockBytes = 128 * 1024;
const zstdMagic = 0xfd2f_b528;

/**
 * One output chunk that no frame of `length` bytes fills: where output ends exactly with its chunk, Node 24 writes another, empty
 * frame behind it. One byte less than zstd's compressBound, with which it would compress in one pass, to other bytes.
 */
function zstdChunk(length: number): number {
  const shortExtra = length < zstdBlockBytes ? (zstdBlockBytes - length) >> 11 : 0;
  return Math.max(constants.Z_MIN_CHUNK, length + (length >> 8) + shortExtra - 1);
}

/** What a codec makes of a block. Zstandard: one frame, level 1, content size, no checksum, no dictionary. */
export function squeeze(block: Uint8Array, codec: BlockCodec): Uint8Array {
  switch (codec) {
    case 'null':
      return block;
    case 'deflate':
      return deflateRawSync(block);
    case 'zstandard':
      return zstdCompressSync(block, zstdOptions(block.length));
  }
}

const zstdOptions = (length: number): ZstdOptions => ({
  pledgedSrcSize: length,
  chunkSize: zstdChunk(length),
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_checksumFlag]: 0,
    [constants.ZSTD_c_contentSizeFlag]: 1,
  },
});

const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

/** What `squeeze` makes with Zstandard, by a thread of Node's pool. The block may not change until then. */
export const squeezeAside = (block: Uint8Array): Promise<Uint8Array> =>
  compress(block, zstdOptions(block.length));

/**
 * The block behind `squeezed`, at most `bytesMax` bytes whatever the stream promises. Throws an Error
 * (zlib's, or a RangeError) for a damaged, larger or continued stream: the caller says where it stood.
 */
export function unsqueeze(squeezed: Buffer, codec: BlockCodec, bytesMax: number = blockBytesMax): Buffer {
  if (codec === 'null') {
    if (squeezed.length > bytesMax) throw new RangeError(`block larger than ${bytesMax / 2 ** 20} MiB`);
    return squeezed;
  }
  const options: ZlibOptions & ZstdOptions = { maxOutputLength: bytesMax, info: true };
  const result: unknown =
    codec === 'deflate'
      ? inflateRawSync(squeezed, { ...options, chunkSize: chunkBytes })
      : zstdDecompressSync(squeezed, {
          ...options,
          chunkSize: zstdContentSize(squeezed) ?? chunkBytes,
          params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
        });
  const { buffer, consumed } = outcomeOf(result);
  // Node stops at the end of the stream and says nothing about what follows.
  if (consumed !== squeezed.length) throw new RangeError('bytes after the compressed stream');
  return buffer;
}

/** With `info`, zlib returns the buffer and its engine, which knows how many bytes it took. */
function outcomeOf(result: unknown): { buffer: Buffer; consumed: number } {
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
  return { buffer, consumed: engine.bytesWritten };
}

/**
 * Content size in a zstd frame header (RFC 8878 §3.1.1.1), so that one output chunk holds all: 4 times as
 * fast as growing. Undefined when it is not said or the header is cut short; RangeError when beyond the
 * cap.
 */
function zstdContentSize(frame: Buffer): number | undefined {
  if (frame.length < 18 || frame.readUInt32LE(0) !== zstdMagic) return undefined;
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const field = descriptor >> 6;
  if (field === 0 && !singleSegment) return undefined;
  const size = [
    () => frame[at]!,
    () => frame.readUInt16LE(at) + 256,
    () => frame.readUInt32LE(at),
    () => Number(frame.readBigUInt64LE(at)),
  ][field]!();
  if (size > blockBytesMax) throw new RangeError('block larger than 16 MiB');
  return Math.max(size, constants.Z_MIN_CHUNK);
}
