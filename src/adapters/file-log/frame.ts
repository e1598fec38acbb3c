import { crc32 } from 'node:zlib';
import type { DiskFile } from './disk.ts';

/**
 * A frame is what one commit wrote: a header of 32 bytes, big endian, then `length` bytes of records.
 *
 *     0 magic 'ANLF'   4 CRC-32 of bytes 8 to the end   8 length
 *     12 count         16 first offset                  24 append time
 *
 * The CRC starts from a seed that differs per file, so bytes of another file or inside a value are never
 * taken for a frame.
 */
export interface Frame {
  /** Byte of the file where the frame begins. */
  readonly at: number;
  readonly first: number;
  readonly count: number;
  readonly appendTime: number;
  /** The records, a view. */
  readonly payload: Buffer;
}

export const frameHeaderBytes = 32;
/** Far above what a commit writes; a larger length is damage. */
export const payloadBytesMax = 8 * 1024 * 1024;

const magic = 0x414e4c46;
const magicBytes = Buffer.from('ANLF', 'latin1');
const chunkBytes = 1024 * 1024;

/** The frame's bytes. `records` are written one after the other. */
export function encodeFrame(
  seed: number,
  { first, appendTime }: Pick<Frame, 'first' | 'appendTime'>,
  records: readonly Uint8Array[],
): Buffer {
  const length = records.reduce((sum, record) => sum + record.length, 0);
  if (length > payloadBytesMax)
    throw new RangeError(`a frame of ${length} bytes is above ${payloadBytesMax}`);
  const bytes = Buffer.allocUnsafeSlow(frameHeaderBytes + length);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32BE(length, 8);
  bytes.writeUInt32BE(records.length, 12);
  bytes.writeBigUInt64BE(BigInt(first), 16);
  bytes.writeBigInt64BE(BigInt(appendTime), 24);
  let at = frameHeaderBytes;
  for (const record of records) {
    bytes.set(record, at);
    at += record.length;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(8), seed), 4);
  return bytes;
}

/** Why no frame begins here: `short` = the bytes end before it does. */
type NoFrame = { readonly damage: string; readonly short?: number };

/** The frame that begins at `bytes[start]`, which is byte `at` of the file. */
function decodeFrame(seed: number, bytes: Buffer, start: number, at: number): Frame | NoFrame {
  const here = bytes.length - start;
  if (here < frameHeaderBytes) return { damage: 'ends inside a header', short: frameHeaderBytes };
  if (bytes.readUInt32BE(start) !== magic) return { damage: 'no frame begins here' };
  const length = bytes.readUInt32BE(start + 8);
  if (length > payloadBytesMax) return { damage: 'impossible length' };
  const end = start + frameHeaderBytes + length;
  if (here < frameHeaderBytes + length) {
    return { damage: 'ends inside a frame', short: frameHeaderBytes + length };
  }
  if (crc32(bytes.subarray(start + 8, end), seed) !== bytes.readUInt32BE(start + 4)) {
    return { damage: 'checksum differs' };
  }
  return {
    at,
    first: Number(bytes.readBigUInt64BE(start + 16)),
    count: bytes.readUInt32BE(start + 12),
    appendTime: Number(bytes.readBigInt64BE(start + 24)),
    payload: bytes.subarray(start + frameHeaderBytes, end),
  };
}

/** Append time in the header at the start of a file, unchecked. */
export async function firstTimeIn(file: DiskFile): Promise<number> {
  const header = await file.read(0, frameHeaderBytes);
  return header.length < frameHeaderBytes ? Number.MAX_SAFE_INTEGER : Number(header.readBigInt64BE(24));
}

/** First byte of the frame after this one. */
export const frameEnd = ({ at, payload }: Frame): number => at + frameHeaderBytes + payload.length;

/** Where reading stopped and why. */
export interface Damage {
  readonly at: number;
  readonly damage: string;
}

/**
 * The frames of `file` in the bytes `[from, to)`, read in chunks of about 1 MiB. Ends at `to`, or with one
 * `Damage` where no whole frame with the right checksum begins.
 */
export async function* framesIn(
  file: DiskFile,
  seed: number,
  from: number,
  to: number,
): AsyncGenerator<Frame | Damage, void> {
  let at = from;
  let wanted = chunkBytes;
  while (at < to) {
    const asked = Math.min(wanted, to - at);
    const chunk = await file.read(at, asked);
    let start = 0;
    let found = decodeFrame(seed, chunk, start, at);
    while ('payload' in found) {
      yield found;
      start += frameHeaderBytes + found.payload.length;
      found = decodeFrame(seed, chunk, start, at + start);
    }
    at += start;
    if (start === asked) continue;
    // Either the chunk was too small for the next frame, or there is none: the file has fewer bytes or
    // others.
    if (found.short === undefined || at + found.short > to || chunk.length < asked) {
      yield { at, damage: found.damage };
      return;
    }
    wanted = Math.max(chunkBytes, found.short);
  }
}

/**
 * Where a frame begins that was written after the damage at byte `at`; undefined if there is none before
 * `to`. Either a whole, valid frame wherever it stands, or a mere header right behind the frame that the
 * damaged header announces: a write in flight has nothing behind it.
 */
export async function findLater(
  file: DiskFile,
  seed: number,
  at: number,
  to: number,
): Promise<number | undefined> {
  const header = await file.read(at, frameHeaderBytes);
  if (header.length === frameHeaderBytes && header.readUInt32BE(0) === magic) {
    const end = at + frameHeaderBytes + header.readUInt32BE(8);
    const behind = await file.read(end, magicBytes.length);
    if (end < to && behind.equals(magicBytes)) return end;
  }
  for (let from = at + 1; from < to; from += chunkBytes) {
    // Three bytes more, so that a magic across the border is seen.
    const chunk = await file.read(from, Math.min(chunkBytes + magicBytes.length - 1, to - from));
    for (let hit = chunk.indexOf(magicBytes); hit !== -1; hit = chunk.indexOf(magicBytes, hit + 1)) {
      for await (const found of framesIn(file, seed, from + hit, to)) {
        if ('payload' in found) return found.at;
        break;
      }
    }
  }
  return undefined;
}
