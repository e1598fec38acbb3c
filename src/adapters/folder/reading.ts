import { dirname, join, resolve } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import {
  type ArchiveStore,
  checkBlobName,
  type ETag,
  type StateStore,
  type TruthStore,
} from '../../ports/archive.ts';
import { type Disk, isErrno, readFile } from '../file-log/disk.ts';
import { listBlobs, listed, type ReadFolder } from './listing.ts';
import { promptDisk } from './prompt-disk.ts';
import { onDisk } from './root.ts';

const readsMax = 20;

const appended = /^(?<name>.+)@(?<bytes>[0-9]+)$/;

/**
 * An archive in a folder for who only looks: nothing is written, synced or removed, so it may lie on a disk that cannot be
 * written, and its owner may be at work on it. All that would change it rejects with `STORE_UNAVAILABLE`.
 */
export function folderReading({
  dir,
  disk = promptDisk,
}: {
  readonly dir: string;
  readonly disk?: Disk;
}): ArchiveStore {
  const place = resolve(dir);
  return {
    truth: truthIn(disk, join(place, 'archive')),
    state: stateIn(disk, join(place, 'state')),
    lease: async () => undefined,
    place,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const refuse = (blob: string): Promise<never> =>
  Promise.reject(new Fault('STORE_UNAVAILABLE', { blob, reason: 'this archive is only read' }));

function truthIn(disk: Disk, container: string): TruthStore {
  const readFolder: ReadFolder = async (entries, folder) =>
    entries
      .filter(({ kind }) => kind === 'file')
      .map(({ name }) => ({ name, bytes: () => disk.size(join(folder, name)) }));
  return {
    create: refuse,
    async read(name) {
      checkBlobName(name);
      return onDisk(name, () => readFile(disk, join(container, name)));
    },
    list: (prefix, after) =>
      listBlobs(disk, container, after === undefined ? { prefix } : { prefix, after }, readFolder),
  };
}

function stateIn(disk: Disk, container: string): StateStore {
  /**
   * The file of a blob and how much of it counts. The one without a length in its name is newer; where two have one, a
   * crash or a moment lies between them, and more counts.
   */
  async function find(
    name: string,
  ): Promise<{ readonly path: string; readonly bytes: number | undefined } | undefined> {
    const path = join(container, name);
    const file = path.slice(dirname(path).length + 1);
    let most = -1;
    for (const entry of await listed(disk, dirname(path))) {
      if (entry.kind !== 'file') continue;
      if (entry.name === file) return { path, bytes: undefined };
      const groups = appended.exec(entry.name)?.groups;
      if (groups?.name === file) most = Math.max(most, Number(groups.bytes));
    }
    return most < 0 ? undefined : { path: `${path}@${most}`, bytes: most };
  }

  async function read(name: string): Promise<{ bytes: Buffer; etag: ETag } | undefined> {
    // Most blobs were never appended to. The owner of one that was renames it when it grows: then it is looked for again.
    const plain = await readFile(disk, join(container, name));
    if (plain !== undefined) return { bytes: plain, etag: `${name} ${plain.length}` };
    for (let reads = 1; ; reads += 1) {
      const found = await find(name);
      if (found === undefined) return undefined;
      try {
        await using file = await disk.open(found.path, 'read');
        const bytes = await file.read(0, found.bytes ?? (await file.size()));
        return { bytes, etag: `${found.path} ${bytes.length}` };
      } catch (error) {
        if (!isErrno(error, 'ENOENT') || reads === readsMax) throw error;
      }
    }
  }

  const readFolder: ReadFolder = async (entries, folder) => {
    const names = entries
      .filter(({ kind }) => kind === 'file')
      .map(({ name }) => name.replace(/@[0-9]+$/, ''));
    return [...new Set(names)].map((name) => ({
      name,
      async bytes(blob) {
        const found = await find(blob);
        if (found === undefined) return undefined;
        return found.bytes ?? (await disk.size(join(folder, name)));
      },
    }));
  };

  return {
    async read(name) {
      checkBlobName(name);
      return onDisk(name, () => read(name));
    },
    write: refuse,
    append: refuse,
    replace: refuse,
    remove: refuse,
    list: (prefix, after) =>
      listBlobs(disk, container, after === undefined ? { prefix } : { prefix, after }, readFolder),
  };
}
