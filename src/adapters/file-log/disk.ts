import { constants, type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * An open file. Offsets and lengths in bytes. Every call rejects with Node's own error (`code` ENOENT, ENOSPC
 * …).
 */
export interface DiskFile extends AsyncDisposable {
  /** Bytes `[at, at + length)`, fewer only where the file ends. */
  read(at: number, length: number): Promise<Buffer>;
  /**
   * Writes all of `bytes` at `at`; durable only after `sync`. After a rejection any part of them may stand
   * there.
   */
  write(at: number, bytes: Uint8Array): Promise<void>;
  /**
   * Content and size survive a crash. After a rejection nothing is known of what was written since the last
   * one.
   */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/**
 * What the file log and the folder archive ask of a file system, and no more, so that a test can lose what
 * was not synced. A new name is durable only once its folder is synced.
 */
export interface Disk {
  /** `read` and `write` need the file to be there, `create` (for writing) needs it not to be. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  /** Replaces `to` in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Gives the file a second name; rejects with EEXIST where `to` is there. */
  link(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes one folder; no error where it is there. Rejects with ENOENT where its parent is missing. */
  makeFolder(path: string): Promise<void>;
  /** Files and folders directly in `folder`, in no order. */
  list(folder: string): Promise<readonly DiskEntry[]>;
  syncFolder(path: string): Promise<void>;
  size(path: string): Promise<number>;
  /** Milliseconds since the file was last written, by the clock of the machine. */
  age(path: string): Promise<number>;
}

const flagsOf = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

/** The file system of this machine. */
export const nodeDisk: Disk = {
  open: async (path, mode) => fileOf(await open(path, flagsOf[mode])),
  rename: (from, to) => rename(from, to),
  link: (from, to) => link(from, to),
  remove: (path) => rm(path),
  async makeFolder(path) {
    await mkdir(path).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
  },
  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => ({ name: entry.name, kind: entry.isFile() ? 'file' : 'folder' }));
  },
  async syncFolder(path) {
    // Windows opens no folder, and its names are durable with the file.
    if (process.platform === 'win32') return;
    const folder = await open(path, constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  size: async (path) => (await stat(path)).size,
  age: async (path) => Date.now() - (await stat(path)).mtimeMs,
};

function fileOf(handle: FileHandle): DiskFile {
  return {
    async read(at, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    async write(at, bytes) {
      let written = 0;
      while (written < bytes.length) {
        const answer = await handle.write(bytes, written, bytes.length - written, at + written);
        written += answer.bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/**
 * Makes `folder`, which is `base` or lies below it, and what is missing above it, each name durable. Names
 * that are there are synced as well: a killed process may have made one without syncing it.
 */
export async function makeFolders(disk: Disk, base: string, folder: string = base): Promise<void> {
  const parent = dirname(folder);
  if (folder !== base) {
    await makeFolders(disk, base, parent);
    await disk.makeFolder(folder);
    await disk.syncFolder(parent);
  } else if (parent !== folder) {
    if (await isThere(disk, folder)) return syncIfOurs(disk, parent);
    await makeFolders(disk, parent);
    await disk.makeFolder(folder);
    await disk.syncFolder(parent);
  }
}

const notOurs = ['ENOENT', 'ENOTDIR', 'EROFS', 'EACCES', 'EPERM', 'EINVAL'];

/** Syncs a folder, unless it is missing or one that we cannot sync: that one holds no name that we made. */
export async function syncIfOurs(disk: Disk, folder: string): Promise<void> {
  await disk.syncFolder(folder).catch((error: unknown) => {
    if (!notOurs.some((code) => isErrno(error, code))) throw error;
  });
}

const isThere = (disk: Disk, folder: string): Promise<boolean> =>
  disk.list(folder).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );

/** The whole file, or undefined where there is none. */
export async function readFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    await using file = await disk.open(path, 'read');
    return await file.read(0, await file.size());
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Makes a new file with this content, synced; its name is not yet durable. What was left of a failure is
 * removed.
 */
export async function writeNewFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await using file = await disk.open(path, 'create');
  try {
    await file.write(0, bytes);
    await file.sync();
  } catch (error) {
    await disk.remove(path);
    throw error;
  }
}
