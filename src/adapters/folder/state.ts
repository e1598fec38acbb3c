import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { checkBlobName, type ETag, type StateStore } from '../../ports/archive.ts';
import { listBlobs, type ReadFolder } from './listing.ts';
import { onDisk, type Root } from './root.ts';
import { stateFiles } from './state-files.ts';

/**
 * Blobs that change. A written one is a file of its name, replaced by renaming. One that was appended to is a
 * file `<name>@<bytes>`: only so many bytes count, and after the block is synced the file is renamed to the
 * new length. So an append happens in one step, and a torn one lies beyond the length that the name tells. If
 * both files are there, a crash came between replacing and removing: the one without `@` is newer.
 *
 * Entity tags live in this process: a folder has one owner, and all its handles share them.
 */
export function folderState(root: Root): StateStore {
  const { disk } = root;
  const container = join(root.dir, 'state');
  const files = stateFiles(root, container);

  function tagOf(name: string): ETag {
    const tag = root.tags.get(name) ?? root.newTag();
    root.tags.set(name, tag);
    return tag;
  }

  /** Runs `work` alone on the blob. */
  async function on<T>(name: string, work: () => Promise<T>): Promise<T> {
    checkBlobName(name);
    return onDisk(name, () => root.alone(name, work));
  }

  /** Changes the blob. Its next reader gets a tag nobody has seen, also where it is unknown what happened. */
  async function change(name: string, work: () => Promise<void>): Promise<ETag> {
    root.tags.delete(name);
    try {
      await work();
    } catch (error) {
      root.unsure.add(name);
      throw error;
    }
    return tagOf(name);
  }

  const readFolder: ReadFolder = async (entries, folder) => {
    await root.settle(folder);
    const plain = entries
      .filter(({ kind }) => kind === 'file')
      .map(({ name }) => name.replace(/@[0-9]+$/, ''));
    return [...new Set(plain)].map((name) => ({
      name,
      bytes: (blob) => root.alone(blob, async () => (await files.find(blob))?.bytes),
    }));
  };

  return {
    read: (name) =>
      on(name, async () => {
        const found = await files.find(name);
        if (found === undefined) return undefined;
        await using file = await disk.open(found.path, 'read');
        const bytes = await file.read(0, found.bytes);
        if (bytes.length < found.bytes) {
          throw new Fault('ARCHIVE_CORRUPT', { blob: name, bytes: bytes.length, expected: found.bytes });
        }
        return { bytes, etag: tagOf(name) };
      }),
    write: (name, bytes, etag) =>
      on(name, async () => {
        const there = (await files.find(name)) !== undefined;
        if (etag === null ? there : !there || tagOf(name) !== etag) return 'changed';
        return change(name, () => files.put(name, bytes));
      }),
    append: (name, block, etag) =>
      on(name, async () => {
        const found = await files.find(name);
        if (found === undefined || tagOf(name) !== etag) return 'changed';
        return change(name, () => files.extend(name, found, block));
      }),
    replace: (name, bytes) =>
      on(name, async () => {
        await files.find(name);
        await change(name, () => files.put(name, bytes));
      }),
    remove: (name) =>
      on(name, async () => {
        const found = await files.find(name);
        if (found !== undefined) await change(name, () => files.remove(name, found));
      }),
    list: (prefix, after) =>
      listBlobs(disk, container, after === undefined ? { prefix } : { prefix, after }, readFolder),
  };
}
