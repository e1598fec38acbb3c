import { basename, dirname, join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { isErrno, syncIfOurs } from '../file-log/disk.ts';
import { listed } from './listing.ts';
import type { Root } from './root.ts';

const appendedName = /^(?<name>[A-Za-z0-9._-]+)@(?<bytes>0|[1-9][0-9]{0,15})$/;

export interface StateFile {
  readonly path: string;
  /** Bytes that count. */
  readonly bytes: number;
}

/**
 * The files behind state blobs; each call needs the blob for itself. A call that rejects leaves the blob as
 * it was, or changed, and is to be followed by `unsure`.
 */
export interface StateFiles {
  find(name: string): Promise<StateFile | undefined>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  extend(name: string, found: StateFile, block: Uint8Array): Promise<void>;
  remove(name: string, found: StateFile): Promise<void>;
}

export function stateFiles(root: Root, container: string): StateFiles {
  const { disk } = root;
  const pathOf = (name: string) => join(container, name);

  /** Lengths of the appended blobs of one folder, read once per process. */
  async function lengthsBeside(path: string): Promise<Map<string, number>> {
    const folder = dirname(path);
    return (
      root.committed.get(folder) ??
      root.alone(`@${folder}`, async () => {
        const lengths = root.committed.get(folder) ?? (await readLengths(root, folder, () => true));
        root.committed.set(folder, lengths);
        return lengths;
      })
    );
  }

  /** Looks at the folder again after a failure that may have come in the middle. */
  async function settle(name: string): Promise<void> {
    const path = pathOf(name);
    const lengths = await lengthsBeside(path);
    await syncIfOurs(disk, dirname(path));
    const read = await readLengths(root, dirname(path), (other) => other === basename(name));
    const length = read.get(basename(name));
    if (length === undefined) lengths.delete(basename(name));
    else lengths.set(basename(name), length);
    root.unsure.delete(name);
  }

  return {
    async find(name) {
      if (root.unsure.has(name)) await settle(name);
      const path = pathOf(name);
      const bytes = (await lengthsBeside(path)).get(basename(name));
      if (bytes !== undefined) return { path: `${path}@${bytes}`, bytes };
      try {
        return { path, bytes: await disk.size(path) };
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return undefined;
        throw error;
      }
    },

    async put(name, bytes) {
      const path = pathOf(name);
      await root.makeParent(path);
      await root.through(bytes, (temporary) => disk.rename(temporary, path));
      await disk.syncFolder(dirname(path));
      const lengths = await lengthsBeside(path);
      const old = lengths.get(basename(name));
      if (old === undefined) return;
      await disk.remove(`${path}@${old}`);
      // Before anything is appended to the new one: two appended files of one blob could not be told apart.
      await disk.syncFolder(dirname(path));
      lengths.delete(basename(name));
    },

    async extend(name, found, block) {
      const path = pathOf(name);
      const lengths = await lengthsBeside(path);
      const before = `${path}@${found.bytes}`;
      if (found.path !== before) {
        await disk.rename(path, before);
        await disk.syncFolder(dirname(path));
        lengths.set(basename(name), found.bytes);
      }
      {
        await using file = await disk.open(before, 'write');
        await file.write(found.bytes, block);
        await file.sync();
      }
      const bytes = found.bytes + block.length;
      await disk.rename(before, `${path}@${bytes}`);
      await disk.syncFolder(dirname(path));
      lengths.set(basename(name), bytes);
    },

    async remove(name, found) {
      await disk.remove(found.path);
      await disk.syncFolder(dirname(found.path));
      (await lengthsBeside(found.path)).delete(basename(name));
    },
  };
}

/** Lengths of the appended blobs of `folder` that are `wanted`; replaced ones are removed. */
async function readLengths(
  { disk, settle }: Root,
  folder: string,
  wanted: (name: string) => boolean,
): Promise<Map<string, number>> {
  await settle(folder);
  const entries = await listed(disk, folder);
  const all = new Set(entries.map(({ name }) => name));
  const lengths = new Map<string, number>();
  for (const entry of entries) {
    const { name, bytes } = appendedName.exec(entry.name)?.groups ?? {};
    if (entry.kind !== 'file' || name === undefined || !wanted(name)) continue;
    if (all.has(name)) {
      await disk.syncFolder(folder);
      await disk.remove(join(folder, entry.name));
      await disk.syncFolder(folder);
    } else if (lengths.has(name)) {
      throw new Fault('ARCHIVE_CORRUPT', {
        blob: join(folder, name),
        reason: 'two files of one appended blob',
      });
    } else {
      lengths.set(name, Number(bytes));
    }
  }
  return lengths;
}
