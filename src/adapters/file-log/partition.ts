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
import type { Disk } from './disk.ts';
import {
  corrupt,
  firstOf,
  firstTime,
  type LogFile,
  logFile,
  readRecords,
  recover,
  type TornTail,
} from './log-file.ts';
import type { KeptFile } from './retention.ts';
import { fileWriter, reasonOf, type Writer, type WriterOptions } from './writer.ts';

/** Appends are gathered into one commit until it has this size. */
const commitBytesMax = 1024 * 1024;

export interface PartitionOptions extends WriterOptions {
  readonly clock: Pick<Clock, 'now'>;
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

/**
 * Opens a partition's folder: cuts off a torn tail, rejects with LOG_CORRUPT where files do not follow each
 * other or the last one is damaged before its end. `salt` makes checksums of one topic and partition unlike
 * those of others.
 */
export async function openPartition(options: PartitionOptions): Promise<Partition> {
  const { folder, disk } = options;
  const files = await openFiles(options);
  const writer = fileWriter(files, options);
  const wakers = new Set<() => void>();
  const appends = groupCommits(writer, options.clock, () => {
    for (const wake of [...wakers]) wake();
  });
  return {
    bounds: () => ({ first: files[0]?.first ?? 0, end: writer.end }),
    append(records) {
      if (records.length === 0) return Promise.reject(new RangeError('an append without records'));
      return appends.add(records);
    },
    async read(next) {
      const file = files.findLast(({ first }) => first <= next);
      const { end } = writer;
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
          throw new Fault('LOG_UNAVAILABLE', { folder, reason: reasonOf(error) }, error);
        });
        // One by one: after a crash no file may be missing between two others.
        await disk.syncFolder(folder);
        removed += 1;
      }
      return removed;
    },
    async [Symbol.asyncDispose]() {
      await appends.close();
      await writer[Symbol.asyncDispose]();
    },
  };
}

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly resolve: (appended: Appended) => void;
  readonly reject: (fault: unknown) => void;
}

interface Group {
  readonly members: { readonly waiting: Waiting; readonly first: number }[];
  readonly records: Buffer[];
  bytes: number;
}

/**
 * Appends in the order they come; those that wait together go into one commit. `grown` is called after each.
 */
function groupCommits(
  writer: Writer,
  clock: Pick<Clock, 'now'>,
  grown: () => void,
): { add(records: readonly NewRecord[]): Promise<Appended>; close(): Promise<void> } {
  const queue: Waiting[] = [];
  let draining: Promise<void> | undefined;
  let closed = false;

  /** Encodes appends from the head of the queue, as many as one commit takes. */
  function gather(time: number): Group {
    const group: Group = { members: [], records: [], bytes: 0 };
    while (queue.length > 0 && group.bytes < commitBytesMax) {
      const waiting = queue.shift()!;
      const first = writer.end + group.records.length;
      try {
        const own = encodeRecords(waiting.records, first, time);
        group.records.push(...own.records);
        group.bytes += own.bytes;
        group.members.push({ waiting, first });
      } catch (error) {
        waiting.reject(error);
      }
    }
    return group;
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const appendTime = Math.max(clock.now(), writer.time);
      const { members, records, bytes } = gather(appendTime);
      if (records.length === 0) continue;
      try {
        await writer.commit(records, bytes, appendTime);
        for (const { waiting, first } of members) waiting.resolve({ first, appendTime });
        grown();
      } catch (error) {
        for (const { waiting } of members) waiting.reject(error);
      }
    }
    draining = undefined;
  }

  return {
    add(records) {
      if (closed) return Promise.reject(new Fault('LOG_UNAVAILABLE', { reason: 'the log is closed' }));
      return new Promise((resolve, reject) => {
        queue.push({ records, resolve, reject });
        // Not at once: appends of the same turn come together.
        draining ??= Promise.resolve().then(drain);
      });
    },
    async close() {
      closed = true;
      await draining;
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
async function openFiles({ folder, salt, disk, onTorn }: PartitionOptions): Promise<LogFile[]> {
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
