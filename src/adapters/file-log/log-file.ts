import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { LogRecord } from '../../domain/event.ts';
import { Fault, isFault } from '../../domain/fault.ts';
import { AvroReader } from '../../formats/avro-bytes.ts';
import { RecordView } from '../../formats/record-view.ts';
import { bytesPerBatchMax, recordsPerBatchMax } from '../../ports/event-log.ts';
import type { Disk } from './disk.ts';
import { type Damage, type Frame, findLater, firstTimeIn, frameEnd, framesIn } from './frame.ts';

const indexEveryBytes = 64 * 1024;
/** Before every append time. */
export const noTime = -1;

const nameOfFile = /^([0-9]{20})\.log$/;

/** One file of a partition: the frames of the offsets `[first, next)`. Only its last one grows. */
export interface LogFile {
  readonly path: string;
  readonly first: number;
  /** Seed of the checksums of its frames. */
  readonly seed: number;
  /** Exclusive end of the synced offsets. */
  next: number;
  /** Synced bytes. */
  bytes: number;
  /** No record of the file was appended later; `noTime` in an empty log. */
  until: number;
  /** Where frames begin, one about every 64 KiB, as far as somebody has read or written. Never empty. */
  readonly index: { readonly first: number; readonly at: number }[];
}

/** A file of which nothing is known but its name. `salt` belongs to the topic. */
export const logFile = (folder: string, salt: string, first: number): LogFile => ({
  path: join(folder, `${String(first).padStart(20, '0')}.log`),
  first,
  seed: crc32(`${salt}/${first}`),
  next: first,
  bytes: 0,
  until: noTime,
  index: [{ first, at: 0 }],
});

/** The first offset a file name tells; undefined for other names. */
export function firstOf(name: string): number | undefined {
  const digits = nameOfFile.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Remembers where a frame begins, if the last remembered one is far enough away. */
export function note(file: LogFile, { first, at }: Pick<Frame, 'first' | 'at'>): void {
  if (at >= file.index.at(-1)!.at + indexEveryBytes) file.index.push({ first, at });
}

/** The last remembered frame that begins at or before `offset`. */
function floor(file: LogFile, offset: number): { readonly first: number; readonly at: number } {
  let low = 0;
  let high = file.index.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (file.index[middle]!.first <= offset) low = middle;
    else high = middle - 1;
  }
  return file.index[low]!;
}

export const corrupt = (file: LogFile, at: number, offset: number, reason: string, cause?: unknown): Fault =>
  new Fault('LOG_CORRUPT', { file: file.path, byte: at, offset, reason }, cause);

/** Throws LOG_CORRUPT unless `found` is a frame that starts at `offset`. */
function expectFrame(file: LogFile, found: Frame | Damage, offset: number): Frame {
  if (!('payload' in found)) throw corrupt(file, found.at, offset, found.damage);
  if (found.first !== offset) throw corrupt(file, found.at, offset, `frame of offset ${found.first}`);
  if (found.count === 0) throw corrupt(file, found.at, offset, 'frame without records');
  return found;
}

/** A torn tail that was cut off: `bytes` from byte `at` on were never acknowledged. */
export interface TornTail {
  readonly file: string;
  readonly at: number;
  readonly bytes: number;
  readonly reason: string;
}

/**
 * Reads a file to its end, sets what is known of it, and cuts off a torn tail if `mayBeTorn`. One write is in
 * flight at a time, so only the last frame can be torn: damage with a valid frame after it rejects with
 * LOG_CORRUPT and is left as it is.
 */
export async function recover(
  disk: Disk,
  file: LogFile,
  mayBeTorn: boolean,
): Promise<{ readonly torn?: TornTail }> {
  await using open = await disk.open(file.path, mayBeTorn ? 'write' : 'read');
  const size = await open.size();
  for await (const found of framesIn(open, file.seed, 0, size)) {
    if ('payload' in found || !mayBeTorn) {
      const frame = expectFrame(file, found, file.next);
      note(file, frame);
      file.next += frame.count;
      file.bytes = frameEnd(frame);
      file.until = frame.appendTime;
      continue;
    }
    const later = await findLater(open, file.seed, found.at, size);
    if (later !== undefined) {
      throw corrupt(file, found.at, file.next, `${found.damage}, and a later frame begins at byte ${later}`);
    }
    await open.truncate(found.at);
    await open.sync();
    const torn = { file: file.path, at: found.at, bytes: size - found.at, reason: found.damage };
    return { torn };
  }
  // A killed process may have written frames without syncing them: readers see them only now.
  if (mayBeTorn) await open.sync();
  return {};
}

/** Append time of the first record of a file that is not empty. Not checked: it decides about age alone. */
export async function firstTime(disk: Disk, file: LogFile): Promise<number> {
  await using open = await disk.open(file.path, 'read');
  return firstTimeIn(open);
}

/**
 * Records from `next` on, which must lie in the file: at most `recordsPerBatchMax` and about
 * `bytesPerBatchMax`, from this file alone. Every frame on the way is checked; damage rejects with
 * LOG_CORRUPT.
 */
export async function readRecords(disk: Disk, file: LogFile, next: number): Promise<LogRecord[]> {
  const { bytes: to } = file;
  await using open = await disk.open(file.path, 'read');
  const from = floor(file, next);
  const batch: LogRecord[] = [];
  let offset = from.first;
  let bytes = 0;
  for await (const found of framesIn(open, file.seed, from.at, to)) {
    const frame = expectFrame(file, found, offset);
    note(file, frame);
    offset += frame.count;
    if (offset <= next) continue;
    // A frame is decoded once: it goes whole into a batch, unless it is too large for any.
    const tooMany = batch.length + frame.count > recordsPerBatchMax;
    if (batch.length > 0 && (tooMany || bytes + frame.payload.length > bytesPerBatchMax)) break;
    bytes += take(file, frame, next, batch);
    if (bytes >= bytesPerBatchMax || batch.at(-1)?.offset !== offset - 1) break;
  }
  if (batch.length === 0) throw corrupt(file, to, offset, 'the file ends before the next one begins');
  return batch;
}

/**
 * Adds the frame's records from `next` on to an empty or roomy `batch`, within the bounds; answers their
 * bytes.
 */
function take(file: LogFile, frame: Frame, next: number, batch: LogRecord[]): number {
  const reader = new AvroReader(frame.payload);
  let bytes = 0;
  try {
    for (let i = 0; i < frame.count; i++) {
      const before = reader.at;
      const record = new RecordView(reader);
      if (record.offset !== frame.first + i) {
        throw corrupt(file, frame.at, frame.first + i, `record of offset ${record.offset}`);
      }
      if (record.offset < next) continue;
      const size = reader.at - before;
      const full = batch.length === recordsPerBatchMax || bytes + size > bytesPerBatchMax;
      if (full && batch.length > 0) return bytes;
      batch.push(record);
      bytes += size;
    }
    reader.finish();
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID'))
      throw corrupt(file, frame.at, frame.first, 'records cannot be read', error);
    throw error;
  }
  return bytes;
}
