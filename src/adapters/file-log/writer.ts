import { Fault } from '../../domain/fault.ts';
import { type Disk, type DiskFile, isErrno } from './disk.ts';
import { encodeFrame } from './frame.ts';
import { type LogFile, logFile, noTime, note } from './log-file.ts';

export interface WriterOptions {
  readonly folder: string;
  readonly salt: string;
  readonly disk: Disk;
  /** A new file begins when a commit would make the last one larger. */
  readonly segmentBytesMax: number;
}

/** The writing end of a partition, one commit at a time. */
export interface Writer extends AsyncDisposable {
  /** Exclusive end of what is synced. */
  readonly end: number;
  /** Append time of the last synced record. */
  readonly time: number;
  /**
   * Writes encoded records of the offsets from `end` on as one frame and syncs it. Rejects with
   * LOG_UNAVAILABLE where nothing stays on disk, with APPEND_UNKNOWN where that is not known; after the
   * latter, and where a new file could not be synced, every later commit is refused: a failed sync may have
   * dropped pages, and the next one would not say so.
   */
  commit(records: readonly Uint8Array[], bytes: number, time: number): Promise<void>;
}

export function fileWriter(files: LogFile[], { folder, salt, disk, segmentBytesMax }: WriterOptions): Writer {
  let end = files.at(-1)?.next ?? 0;
  let last = files.at(-1)?.until ?? noTime;
  let open: DiskFile | undefined;
  let broken: string | undefined;

  const unavailable = (reason: string, cause?: unknown): Fault =>
    new Fault('LOG_UNAVAILABLE', { folder, reason }, cause);
  const unknown = (file: LogFile, reason: string, cause: unknown): Fault => {
    broken = reason;
    return new Fault('APPEND_UNKNOWN', { file: file.path, reason }, cause);
  };

  /** The file that takes `bytes` more, and a way to write to it. */
  async function fileFor(bytes: number): Promise<{ readonly file: LogFile; readonly to: DiskFile }> {
    const file = files.at(-1);
    if (file === undefined || (file.bytes > 0 && file.bytes + bytes > segmentBytesMax)) return newFile();
    open ??= await disk.open(file.path, 'write');
    return { file, to: open };
  }

  async function newFile(): Promise<{ readonly file: LogFile; readonly to: DiskFile }> {
    const file = logFile(folder, salt, end);
    const to = await disk.open(file.path, 'create');
    try {
      await disk.syncFolder(folder);
    } catch (error) {
      broken = 'a new file could not be synced';
      await to[Symbol.asyncDispose]();
      throw error;
    }
    await open?.[Symbol.asyncDispose]();
    open = to;
    files.push(file);
    return { file, to };
  }

  /** Takes back what a failed write left, so that no reader and no restart finds it. */
  async function undo(file: LogFile, to: DiskFile): Promise<void> {
    try {
      await to.truncate(file.bytes);
      await to.sync();
    } catch (error) {
      throw unknown(file, 'a failed write could not be taken back', error);
    }
  }

  return {
    get end() {
      return end;
    },
    get time() {
      return last;
    },
    async commit(records, bytes, time) {
      if (broken !== undefined) throw unavailable(`${broken}; open the log again`);
      const { file, to } = await fileFor(bytes).catch((error: unknown) => {
        throw unavailable(reasonOf(error), error);
      });
      const frame = encodeFrame(file.seed, { first: end, appendTime: time }, records);
      try {
        await to.write(file.bytes, frame);
      } catch (error) {
        await undo(file, to);
        throw unavailable(reasonOf(error), error);
      }
      try {
        await to.sync();
      } catch (error) {
        throw unknown(file, 'a sync failed', error);
      }
      note(file, { first: end, at: file.bytes });
      end += records.length;
      last = time;
      file.bytes += frame.length;
      file.next = end;
      file.until = time;
    },
    async [Symbol.asyncDispose]() {
      await open?.[Symbol.asyncDispose]();
      open = undefined;
    },
  };
}

export const reasonOf = (error: unknown): string => {
  if (isErrno(error, 'ENOSPC')) return 'no space left on the disk';
  return error instanceof Error ? error.message : String(error);
};
