import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { FileTree, OpenFile, TreeEntry } from '../../ports/file-tree.ts';

// Not following links closes the gap between listing and opening; not blocking keeps a pipe put there from hanging us.
// Windows has neither flag.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const unreadable = (path: string, cause: unknown): Fault => {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new Fault('FILE_UNREADABLE', { path, why }, cause);
};

async function openFile(root: string, path: string): Promise<OpenFile> {
  const handle = await open(join(root, path), openFlags).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('not a plain file');
    return {
      path,
      bytes: stat.size,
      async read(offset, length) {
        const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, stat.size - offset)));
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle
            .read(bytes, filled, bytes.length - filled, offset + filled)
            .catch((error: unknown) => {
              throw unreadable(path, error);
            });
          if (bytesRead === 0) break; // The file shrank since it was opened.
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      },
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw unreadable(path, error);
  }
}

const statsAtOnce = 64;
/** A file that was written a moment ago may be written again within the same tick of its file system's clock. */
const settledMs = 2_000;

/** Size and time of writing; undefined for what changes just now, or is gone. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeNs, mtimeMs } = await lstat(path, { bigint: true });
    return Date.now() - Number(mtimeMs) < settledMs ? undefined : `${size}-${mtimeNs}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined; // Opening it will say why.
    throw error;
  }
}

async function withStamps(folder: string, entries: readonly TreeEntry[]): Promise<TreeEntry[]> {
  const stamped: TreeEntry[] = [];
  for (let at = 0; at < entries.length; at += statsAtOnce)
    stamped.push(
      ...(await Promise.all(
        entries.slice(at, at + statsAtOnce).map(async (entry) => {
          if (entry.kind !== 'file') return entry;
          const stamp = await stampOf(join(folder, entry.name));
          return stamp === undefined ? entry : { ...entry, stamp };
        }),
      )),
    );
  return stamped;
}

/**
 * The files below the folder `dir` (itself possibly a link). Rejects with `FILE_UNREADABLE` unless `dir` is a folder
 * that can be listed, so that a missing mount is never taken for an empty lake.
 */
export async function localFiles(dir: string): Promise<FileTree> {
  const root = await realpath(dir).catch((error: unknown) => {
    throw unreadable(dir, error);
  });
  const list = async (folder: string, stamped = false): Promise<TreeEntry[]> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      throw unreadable(folder === '' ? dir : folder, error);
    });
    const found = entries.map(
      (entry): TreeEntry => ({
        name: entry.name,
        kind: entry.isSymbolicLink()
          ? 'link'
          : entry.isDirectory()
            ? 'folder'
            : entry.isFile()
              ? 'file'
              : 'special',
      }),
    );
    return stamped ? withStamps(join(root, folder), found) : found;
  };
  await list('');
  return { place: root, list, open: (path) => openFile(root, path) };
}
