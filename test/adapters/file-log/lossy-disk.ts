import { dirname } from 'node:path';
import type { Disk, DiskFile } from '../../../src/adapters/file-log/disk.ts';
import type { Seeded } from './seeded.ts';

/** A disk in memory that keeps what was synced and, when the power goes, loses or tears anything else. */
export interface LossyDisk extends Disk {
  /** The power goes during the operation after `operations` more; all later ones fail until `restart`. */
  crashAfter(operations: number): void;
  /** The operation after `operations` more fails with EIO, done or not; later ones work. */
  failAfter(operations: number): void;
  readonly crashed: boolean;
  /** The machine starts again: of what was not synced any part may be there. */
  restart(): void;
  /** The process is killed now: what it wrote stays readable, synced or not, and its open files fail. */
  kill(): void;
  /** Writes that need more bytes than this in all files together fail in the middle with ENOSPC. */
  capacity: number;
  /** So many syncs from now on fail, and what they should have synced may be lost. */
  failingSyncs: number;
  /** Syncs of files so far. */
  readonly syncs: number;
  /** Content of a file as the system shows it, for looking at and for damaging. */
  content(path: string): Buffer;
  damage(path: string, change: (content: Buffer) => Buffer): void;
}

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

interface Inode {
  /** As readers see it. */
  content: Buffer;
  /** As it was synced, and what came since. */
  synced: Buffer;
  readonly changes: Change[];
  /** In which it was made. */
  readonly life: number;
}

type Node = Inode | 'folder';
type Names = Map<string, Node>;

interface NameChange {
  readonly folder: string;
  readonly apply: (names: Names) => void;
}

type Fate = 'success' | 'failure' | 'crash';

const sectorBytes = 512;
/** A machine that was off, or a process that was killed, is back after this. */
const betweenLivesMs = 86_400_000;

class DiskError extends Error {
  readonly code: string;
  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

export function lossyDisk(random: Seeded, root: string): LossyDisk {
  let names: Names = new Map([[root, 'folder']]);
  let syncedNames: Names = new Map(names);
  let nameChanges: NameChange[] = [];
  let life = 0;
  let untilCrash = Number.POSITIVE_INFINITY;
  let untilFailure = Number.POSITIVE_INFINITY;

  /** Lets others go first, as a disk would, then says what becomes of this operation. */
  async function begin(born: number, path: string): Promise<Fate> {
    for (let turns = random.below(3); turns >= 0; turns--) await null;
    if (disk.crashed || born !== life) throw new DiskError('EIO', path);
    untilCrash -= 1;
    untilFailure -= 1;
    if (untilCrash < 0) return 'crash';
    return untilFailure === -1 ? 'failure' : 'success';
  }

  function end(fate: Fate, path: string): void {
    if (fate === 'success') return;
    if (fate === 'crash') state.crashed = true;
    throw new DiskError('EIO', path);
  }

  const happens = (fate: Fate): boolean => fate === 'success' || random.chance(0.5);

  const state = { crashed: false, syncs: 0 };

  function fileAt(path: string): Inode {
    const node = names.get(path);
    if (node === undefined) throw new DiskError('ENOENT', path);
    if (node === 'folder') throw new DiskError('EISDIR', path);
    return node;
  }

  function needFolder(path: string): void {
    if (names.get(path) !== 'folder') throw new DiskError('ENOENT', path);
  }

  /** A change of names that `check` allows; while the power goes it happens or not. */
  async function rename(path: string, check: () => void, apply: (names: Names) => void): Promise<void> {
    const fate = await begin(life, path);
    needFolder(dirname(path));
    check();
    if (happens(fate)) {
      apply(names);
      nameChanges.push({ folder: dirname(path), apply });
    }
    end(fate, path);
  }

  const usedBytes = () =>
    [...new Set(names.values())].reduce(
      (sum, node) => sum + (node === 'folder' ? 0 : node.content.length),
      0,
    );

  const fileOf = (inode: Inode, path: string, born: number): DiskFile => ({
    async read(at, length) {
      end(await begin(born, path), path);
      return Buffer.from(inode.content.subarray(at, at + length));
    },
    async write(at, bytes) {
      const fate = await begin(born, path);
      const grows = Math.max(0, at + bytes.length - inode.content.length);
      const room = disk.capacity - usedBytes();
      const fits = grows <= room ? bytes.length : Math.max(0, bytes.length - (grows - room));
      const done = fate === 'failure' ? random.below(fits + 1) : fits;
      const change = { at, bytes: Buffer.from(bytes.subarray(0, done)) };
      inode.content = applied(inode.content, change);
      inode.changes.push(change);
      end(fate, path);
      if (fits < bytes.length) throw new DiskError('ENOSPC', path);
    },
    async sync() {
      const fate = await begin(born, path);
      state.syncs += 1;
      if (disk.failingSyncs > 0 || fate === 'failure') {
        disk.failingSyncs = Math.max(0, disk.failingSyncs - 1);
        // As Linux does: the pages are clean now, and a later sync has nothing to do.
        inode.synced = torn(inode, random);
        inode.changes.length = 0;
        throw new DiskError('EIO', path);
      }
      if (happens(fate)) {
        inode.synced = inode.content;
        inode.changes.length = 0;
      }
      end(fate, path);
    },
    async truncate(length) {
      const fate = await begin(born, path);
      if (happens(fate)) {
        inode.content = applied(inode.content, { length });
        inode.changes.push({ length });
      }
      end(fate, path);
    },
    async size() {
      end(await begin(born, path), path);
      return inode.content.length;
    },
    [Symbol.asyncDispose]: async () => {},
  });

  function newLife(): void {
    life += 1;
    untilCrash = Number.POSITIVE_INFINITY;
    untilFailure = Number.POSITIVE_INFINITY;
    state.crashed = false;
  }

  const disk: LossyDisk = {
    capacity: Number.POSITIVE_INFINITY,
    failingSyncs: 0,
    get crashed() {
      return state.crashed;
    },
    get syncs() {
      return state.syncs;
    },
    crashAfter(operations) {
      untilCrash = operations;
    },
    failAfter(operations) {
      untilFailure = operations;
    },
    kill: newLife,
    restart() {
      for (const { apply } of nameChanges) if (random.chance(0.5)) apply(syncedNames);
      nameChanges = [];
      const reachable = (path: string): boolean =>
        path === root || (syncedNames.get(dirname(path)) === 'folder' && reachable(dirname(path)));
      syncedNames = new Map([...syncedNames].filter(([path]) => reachable(path)));
      for (const node of new Set(syncedNames.values())) {
        if (node === 'folder') continue;
        node.synced = torn(node, random);
        node.content = node.synced;
        node.changes.length = 0;
      }
      names = new Map(syncedNames);
      newLife();
    },
    content: (path) => fileAt(path).content,
    damage(path, change) {
      const inode = fileAt(path);
      inode.content = change(Buffer.from(inode.content));
      inode.synced = inode.content;
    },

    async open(path, mode) {
      const born = life;
      if (mode === 'create') {
        const inode: Inode = { content: Buffer.alloc(0), synced: Buffer.alloc(0), changes: [], life };
        const check = () => {
          if (names.has(path)) throw new DiskError('EEXIST', path);
        };
        await rename(path, check, (all) => all.set(path, inode));
        return fileOf(inode, path, born);
      }
      end(await begin(born, path), path);
      return fileOf(fileAt(path), path, born);
    },
    rename: (from, to) => {
      let inode: Inode | undefined;
      const check = () => {
        inode = fileAt(from);
      };
      return rename(to, check, (all) => {
        all.delete(from);
        all.set(to, inode!);
      });
    },
    link: (from, to) => {
      let inode: Inode | undefined;
      const check = () => {
        inode = fileAt(from);
        if (names.has(to)) throw new DiskError('EEXIST', to);
      };
      return rename(to, check, (all) => all.set(to, inode!));
    },
    remove: (path) =>
      rename(
        path,
        () => fileAt(path),
        (all) => all.delete(path),
      ),
    async makeFolder(path) {
      let there = false;
      const check = () => {
        there = names.has(path);
      };
      await rename(path, check, (all) => {
        if (!there) all.set(path, 'folder');
      });
    },
    async list(folder) {
      end(await begin(life, folder), folder);
      needFolder(folder);
      return [...names]
        .filter(([path]) => dirname(path) === folder && path !== folder)
        .map(([path, node]) => ({
          name: path.slice(folder.length + 1),
          kind: node === 'folder' ? 'folder' : 'file',
        }));
    },
    async syncFolder(path) {
      const fate = await begin(life, path);
      needFolder(path);
      if (happens(fate)) {
        for (const { folder, apply } of nameChanges) if (folder === path) apply(syncedNames);
        nameChanges = nameChanges.filter(({ folder }) => folder !== path);
      }
      end(fate, path);
    },
    async size(path) {
      end(await begin(life, path), path);
      return fileAt(path).content.length;
    },
    async age(path) {
      end(await begin(life, path), path);
      return fileAt(path).life === life ? 0 : betweenLivesMs;
    },
  };
  return disk;
}

function applied(content: Buffer, change: Change): Buffer {
  if ('length' in change) return resized(content, change.length);
  const longer = resized(content, Math.max(content.length, change.at + change.bytes.length));
  change.bytes.copy(longer, change.at);
  return longer;
}

function resized(content: Buffer, length: number): Buffer {
  const copy = Buffer.alloc(length);
  content.copy(copy, 0, 0, Math.min(length, content.length));
  return copy;
}

/**
 * What a file may hold after the power went: each change since the last sync whole, not at all, or in part.
 */
function torn({ synced, changes }: Inode, random: Seeded): Buffer {
  let content = synced;
  for (const change of changes) {
    if ('length' in change) {
      if (random.chance(0.5)) content = applied(content, change);
      continue;
    }
    const { at, bytes } = change;
    const how = random.pick(['nothing', 'all', 'prefix', 'sectors', 'zeros'] as const);
    if (how === 'all') content = applied(content, change);
    if (how === 'prefix')
      content = applied(content, { at, bytes: bytes.subarray(0, random.below(bytes.length + 1)) });
    if (how === 'zeros')
      content = resized(content, Math.max(content.length, at + random.below(bytes.length + 1)));
    if (how !== 'sectors') continue;
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(sectorBytes - ((at + from) % sectorBytes), bytes.length - from);
      if (random.chance(0.5))
        content = applied(content, { at: at + from, bytes: bytes.subarray(from, from + length) });
      from += length;
    }
  }
  return content;
}
