import { Fault } from '../../domain/fault.ts';
import { encodeRecord } from '../../formats/segment.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type Appended,
  appendBytesMax,
  type Batch,
  type LogBounds,
  type NewRecord,
} from '../../ports/event-log.ts';
import { type Disk, type DiskFile, isErrno } from './disk.ts';
import { encodeFrame } from './frame.ts';
import {
  corrupt,
  firstOf,
  firstTime,
  type LogFile,
  logFile,
  noTime,
  note,
  readRecords,
  recover,
  type TornTail,
} from './log-file.ts';
import type { KeptFile } from './retention.ts';

/** Appends are gathered into one commit until it has this size. */
const commitBytesMax = 1024 * 1024;

export interface PartitionOptions {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'now'>;
  /** A new file begins when a commit would make the last one larger. */
  readonly segmentBytesMax: number;
  readonly onTorn: (torn: TornTail) => void;
}

/** One partition of a file log: the only writer of its folder. */
export interface Partition extends AsyncDisposable {
  bounds(): LogBounds;
  append(records: readonly NewRecord[]): Promise<Appended>;
  /** The batch at `next`, which must lie within the bounds. */
  read(next: number): Promise<Batch>;
  /** Calls `wake` once, when the end has grown; answers how to take that back. */
  onceGrown(wake: () => void): () => void;
  /** Its files, oldest first. */
  files(): readonly KeptFile[];
  /** Removes files whose records all lie before `next`, never the last one with records. */
  removeBefore(next: number): Promise<number>;
}

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly resolve: (appended: Appended) => void;
  readonly reject: (fault: unknown) => void;
}

interface Encoded {
  readonly waiting: Waiting;
  readonly first: number;
}

/**
 * Opens a partition's folder: cuts off a torn tail, rejects with LOG_CORRUPT where files do not follow each other or the
 * last one is damaged before its end. `salt` makes checksums of one topic and partition unlike those of others.
 */
export async function openPartition(
  folder: string,
  salt: string,
  { disk, clock, segmentBytesMax, onTorn }: PartitionOptions,
): Promise<Partition> {
  const files = await openFiles(folder, salt, disk, onTorn);
  const queue: Waiting[] = [];
  const wakers = new Set<() => void>();
  let timeMax = files.at(-1)?.until ?? noTime;
  let end = files.at(-1)?.next ?? 0;
  let writer: DiskFile | undefined;
  let broken: string | undefined;
  let draining: Promise<void> | undefined;
  let closed = false;

  const unavailable = (reason: string, cause?: unknown): Fault =>
    new Fault('LOG_UNAVAILABLE', { folder, reason }, cause);

  /** The file that takes `length` more bytes, open for writing. */
  async function fileFor(length: number): Promise<{ readonly file: LogFile; readonly open: DiskFile }> {
    const last = files.at(-1);
    if (last !== undefined && (last.bytes === 0 || last.bytes + length <= segmentBytesMax)) {
      writer ??= await disk.open(last.path, 'write');
      return { file: last, open: writer };
    }
    const file = logFile(folder, salt, end);
    const open = await disk.open(file.path, 'create');
    try {
      await disk.syncFolder(folder);
    } catch (error) {
      // Whether the name is durable is unknown, and a second sync may say yes without looking.
      broken = 'a new file could not be synced';
      await open[Symbol.asyncDispose]();
      throw error;
    }
    await writer?.[Symbol.asyncDispose]();
    writer = open;
    files.push(file);
    return { file, open };
  }

  /** Takes back what a failed write left, so that no reader and no restart finds it. */
  async function undo(file: LogFile, open: DiskFile): Promise<void> {
    try {
      await open.truncate(file.bytes);
      await open.sync();
    } catch (error) {
      broken = 'a failed write could not be taken back';
      throw new Fault('APPEND_UNKNOWN', { file: file.path, reason: broken }, error);
    }
  }

  async function commit(time: number, records: readonly Buffer[], bytes: number): Promise<void> {
    if (broken !== undefined) throw unavailable(`${broken}; open the log again`);
    const { file, open } = await fileFor(bytes).catch((error: unknown) => {
      throw unavailable(reasonOf(error), error);
    });
    const next = end + records.length;
    const frame = encodeFrame(file.seed, { first: end, appendTime: time }, records);
    try {
      await open.write(file.bytes, frame);
    } catch (error) {
      await undo(file, open);
      throw unavailable(reasonOf(error), error);
    }
    try {
      await open.sync();
    } catch (error) {
      // The kernel may have dropped the pages and call the next sync a success: nothing more is written here.
      broken = 'a sync failed';
      throw new Fault('APPEND_UNKNOWN', { file: file.path, reason: broken }, error);
    }
    note(file, { first: end, at: file.bytes });
    file.bytes += frame.length;
    file.next = next;
    file.until = time;
    end = next;
    timeMax = time;
  }

  /** Encodes appends from the head of the queue, as many as one commit takes. */
  function gather(time: number): { readonly encoded: Encoded[]; readonly records: Buffer[]; bytes: number } {
    const encoded: Encoded[] = [];
    const records: Buffer[] = [];
    let bytes = 0;
    while (queue.length > 0 && bytes < commitBytesMax) {
      const waiting = queue.shift()!;
      const first = end + records.length;
      try {
        const own = encodeRecords(waiting.records, first, time);
        records.push(...own.records);
        bytes += own.bytes;
        encoded.push({ waiting, first });
      } catch (error) {
        waiting.reject(error);
      }
    }
    return { encoded, records, bytes };
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const time = Math.max(clock.now(), timeMax);
      const { encoded, records, bytes } = gather(time);
      if (records.length === 0) continue;
      try {
        await commit(time, records, bytes);
        for (const { waiting, first } of encoded) waiting.resolve({ first, appendTime: time });
        for (const wake of [...wakers]) wake();
      } catch (error) {
        for (const { waiting } of encoded) waiting.reject(error);
      }
    }
    draining = undefined;
  }

  return {
    bounds: () => ({ first: files[0]?.first ?? 0, end }),
    append(records) {
      if (closed) return Promise.reject(unavailable('the log is closed'));
      if (records.length === 0) return Promise.reject(new RangeError('an append without records'));
      return new Promise((resolve, reject) => {
        queue.push({ records, resolve, reject });
        draining ??= Promise.resolve().then(drain);
      });
    },
    async read(next) {
      const file = files.findLast(({ first }) => first <= next);
      if (file === undefined || next >= end) throw new RangeError(`${next} is outside the log`);
      return { records: await readRecords(disk, file, next), end };
    },
    onceGrown(wake) {
      const once = () => {
        wakers.delete(once);
        wake();
      };
      wakers.add(once);
      return () => wakers.delete(once);
    },
    files: () => files,
    async removeBefore(next) {
      let removed = 0;
      while (files.length > 1 && files[0]!.next <= next && files.at(-1)!.bytes > 0) {
        const file = files.shift()!;
        await disk.remove(file.path).catch((error: unknown) => {
          files.unshift(file);
          throw unavailable(reasonOf(error), error);
        });
        // One by one: after a crash no file may be missing between two others.
        await disk.syncFolder(folder);
        removed += 1;
      }
      return removed;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await draining;
      await writer?.[Symbol.asyncDispose]();
      writer = undefined;
    },
  };
}

function encodeRecords(
  records: readonly NewRecord[],
  first: number,
  appendTime: number,
): { readonly records: readonly Buffer[]; readonly bytes: number } {
  let bytes = 0;
  const encoded = records.map((record, i) => {
    const own = encodeRecord({ ...record, offset: first + i, appendTime });
    bytes += own.length;
    if (bytes > appendBytesMax) {
      throw new Fault('RECORD_TOO_LARGE', { records: records.length, bytesMax: appendBytesMax });
    }
    return own;
  });
  return { records: encoded, bytes };
}

/** The files of a partition, the last one read to its end. */
async function openFiles(
  folder: string,
  salt: string,
  disk: Disk,
  onTorn: (torn: TornTail) => void,
): Promise<LogFile[]> {
  // What a killed process made or removed without a sync becomes durable before anybody sees it.
  await disk.syncFolder(folder);
  const names = (await disk.list(folder)).map(({ name }) => firstOf(name));
  const firsts = names.filter((first) => first !== undefined).sort((a, b) => a - b);
  const files = firsts.map((first) => logFile(folder, salt, first));
  const last = files.at(-1);
  if (last === undefined) return files;
  const { torn } = await recover(disk, last, true);
  if (torn !== undefined) onTorn(torn);
  const before = files.at(-2);
  if (last.bytes === 0 && before !== undefined) {
    // A crash right after the file was made: the end and the time come from the file before.
    await recover(disk, before, false);
    if (before.next !== last.first) {
      throw corrupt(before, before.bytes, before.next, `the next file begins at ${last.first}`);
    }
    last.until = before.until;
  }
  await Promise.all(files.slice(0, -1).map((file, i) => estimate(disk, file, files[i + 1]!)));
  return files;
}

/** What the file after tells about one that is not read now. */
async function estimate(disk: Disk, file: LogFile, after: LogFile): Promise<void> {
  if (file.bytes > 0) return;
  file.next = after.first;
  file.bytes = await disk.size(file.path);
  file.until = await firstTime(disk, after);
}

const reasonOf = (error: unknown): string =>
  isErrno(error, 'ENOSPC')
    ? 'no space left on the disk'
    : error instanceof Error
      ? error.message
      : String(error);
