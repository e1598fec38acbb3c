import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { type Disk, isErrno, makeFolders, syncIfOurs, writeNewFile } from '../file-log/disk.ts';

/** What all handles of one archive folder in this process share. */
export interface Root {
  readonly dir: string;
  readonly disk: Disk;
  /** Makes the folder above `path`, durably; once per folder and process. */
  makeParent(path: string): Promise<void>;
  /**
   * Writes a synced file under a name of its own, has `place` give it its real name, and removes what is left
   * of it.
   */
  through<T>(bytes: Uint8Array, place: (temporary: string) => Promise<T>): Promise<T>;
  /** Runs `work` when everything asked for the same `name` before has ended. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** A text no content had before, in any process. */
  newTag(): string;
  /**
   * Makes what was just read from `folder` durable, so that nobody builds on what the next crash takes back:
   * what a killed process left unsynced (once per folder and process), and what is being written.
   */
  settle(folder: string): Promise<void>;
  /** Tells that names in `folder` are about to change; call the answer when they are synced. */
  changing(folder: string): () => void;
  /** By folder, by file name: the bytes of appended state blobs that count. */
  readonly committed: Map<string, Map<string, number>>;
  /** State blobs to be looked at again, because a change failed in the middle. */
  readonly unsure: Set<string>;
  readonly tags: Map<string, string>;
  /** Names of leases that somebody has; the process dies with its folder. */
  readonly leases: Set<string>;
}

interface Shared {
  handles: number;
  readonly root: Root;
}

/** A file without its name for so long was left by somebody who is gone. Writing one takes seconds. */
const leftForGoodMs = 3_600_000;

const shared = new WeakMap<Disk, Map<string, Shared>>();

/** The root of `dir`, shared by all that take it; every taker calls `leave` once. */
export function takeRoot(disk: Disk, dir: string): { readonly root: Root; readonly leave: () => void } {
  const ofDisk = shared.get(disk) ?? new Map<string, Shared>();
  shared.set(disk, ofDisk);
  const path = resolve(dir);
  const entry = ofDisk.get(path) ?? { handles: 0, root: makeRoot(disk, path) };
  ofDisk.set(path, entry);
  entry.handles += 1;
  let left = false;
  const leave = () => {
    if (left) return;
    left = true;
    entry.handles -= 1;
    if (entry.handles === 0) ofDisk.delete(path);
  };
  return { root: entry.root, leave };
}

function makeRoot(disk: Disk, dir: string): Root {
  // Beside the two containers, where no list looks.
  const temporaryFolder = join(dir, '.new');
  const last = new Map<string, Promise<unknown>>();
  const tagStart = randomBytes(8).toString('hex');
  let tags = 0;
  const unsynced = new Map<string, number>();
  let emptied: Promise<void> | undefined;

  const onceEach = (work: (folder: string) => Promise<void>) => {
    const known = new Map<string, Promise<void>>();
    return (folder: string): Promise<void> => {
      const before = known.get(folder);
      if (before !== undefined) return before;
      const now = work(folder);
      known.set(folder, now);
      now.catch(() => known.delete(folder));
      return now;
    };
  };

  const makeOnce = onceEach((folder) => makeFolders(disk, dir, folder));

  const syncOnce = onceEach(async (folder) => {
    // Up to the folder that holds the name of the archive itself.
    if (folder !== dirname(dir)) await syncOnce(dirname(folder));
    await syncIfOurs(disk, folder);
  });

  /** What a killed process left half-written has no name yet: it goes, once nobody can be about to name it. */
  async function empty(): Promise<void> {
    await makeOnce(temporaryFolder);
    for (const { name } of await disk.list(temporaryFolder)) {
      const path = join(temporaryFolder, name);
      try {
        if ((await disk.age(path)) >= leftForGoodMs) await disk.remove(path);
      } catch (error) {
        // Another thread or process has named or removed it meanwhile.
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    }
  }

  return {
    dir,
    disk,
    makeParent: (path) => makeOnce(dirname(path)),
    async through(bytes, place) {
      emptied ??= empty().catch((error: unknown) => {
        emptied = undefined;
        throw error;
      });
      await emptied;
      const temporary = join(temporaryFolder, randomBytes(12).toString('hex'));
      await writeNewFile(disk, temporary, bytes);
      try {
        return await place(temporary);
      } finally {
        await disk.remove(temporary).catch((error: unknown) => {
          if (!isErrno(error, 'ENOENT')) throw error;
        });
      }
    },
    alone<T>(name: string, work: () => Promise<T>): Promise<T> {
      const mine = (last.get(name) ?? Promise.resolve()).then(work, work);
      last.set(name, mine);
      const done = () => {
        if (last.get(name) === mine) last.delete(name);
      };
      mine.then(done, done);
      return mine;
    },
    newTag: () => `${tagStart}-${++tags}`,
    async settle(folder) {
      await syncOnce(folder);
      if (unsynced.has(folder)) await disk.syncFolder(folder);
    },
    changing(folder) {
      unsynced.set(folder, (unsynced.get(folder) ?? 0) + 1);
      return () => {
        const left = unsynced.get(folder)! - 1;
        if (left === 0) unsynced.delete(folder);
        else unsynced.set(folder, left);
      };
    },
    committed: new Map(),
    unsure: new Set(),
    tags: new Map(),
    leases: new Set(),
  };
}

/** Runs `work`; what the file system refuses becomes STORE_UNAVAILABLE. */
export async function onDisk<T>(blob: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault || error instanceof RangeError) throw error;
    const reason = isErrno(error, 'ENOSPC') ? 'no space left on the disk' : String(error);
    throw new Fault('STORE_UNAVAILABLE', { blob, reason }, error);
  }
}
