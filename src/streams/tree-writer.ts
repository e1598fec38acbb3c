import { Fault } from '../domain/fault.ts';
import type { TreeHead } from '../formats/leaf.ts';
import { bundleWriter, type TilePlace, tileWidth } from '../formats/tile.ts';
import { partialWidth, treeEdge } from '../formats/tree-edge.ts';
import type { StateStore } from '../ports/archive.ts';
import { openTree, progressBytes, readProgress, type StoredTree, type TreeProgress } from './tree-files.ts';
import { type TreeName, tileName, treeHeadName } from './tree-names.ts';

/** Points at which a crash must do no harm, in order. */
export type TreePoint = 'before-tiles' | 'after-tiles' | 'after-progress';

/**
 * The writing end of a tree. Any number may write the same one: tiles follow from the leaves alone, and progress is written
 * under the ETag of the one before. Holds the edge, and what was added since `writeFull`: whoever adds calls that each few
 * thousand leaves.
 */
export interface TreeWriter {
  /** With all that was added. */
  readonly size: number;
  readonly next: number;
  /** What is stored; undefined before anything was. */
  readonly progress: TreeProgress | undefined;
  /** Full tiles and bundles that wait to be written. */
  readonly waiting: number;
  head(): TreeHead;
  /** Adds a leaf by its text; `next` is the offset after it. */
  append(entry: string, next: number): void;
  /** Writes the full tiles and bundles. */
  writeFull(): Promise<void>;
  /** Writes everything, then progress. `changed`: another writer was first; take the tree up anew. */
  store(): Promise<'stored' | 'changed'>;
  /** Notes that a checkpoint of the stored size will be made: nobody removes its partial tiles from now on. */
  keep(): Promise<'stored' | 'changed'>;
  /** Notes that it was made. */
  noteSigned(at: number): Promise<'stored' | 'changed'>;
}

interface TreeBlob extends TilePlace {
  readonly bytes: Buffer;
}

export interface TreeWriterOptions {
  readonly state: StateStore;
  readonly tree: TreeName;
  /** Tiles are written over whatever is there, from the first leaf on: what was derived wrongly is derived again. */
  readonly anew?: boolean;
  readonly probe?: (point: TreePoint) => void | Promise<void>;
}

const writesAtOnce = 8;
const hashBytes = 32;

export async function openTreeWriter(options: TreeWriterOptions): Promise<TreeWriter> {
  const { state, tree, anew = false, probe } = options;
  const stored: StoredTree = anew ? await fromNothing(state, tree) : await openTree(state, tree);
  const { edge } = stored;
  let { progress, etag } = stored;
  const bundle = bundleWriter(stored.entries);
  const leaf = Buffer.alloc(hashBytes);
  let next = anew ? 0 : (progress?.next ?? 0);
  let full: TreeBlob[] = [];
  /** Size whose partial tiles are there. */
  let partialsOf = edge.size;

  async function writeFull(): Promise<void> {
    const blobs = full;
    full = [];
    await inTurns(blobs, ({ bytes, ...place }) => create(tileName(tree, place), bytes));
  }

  async function create(name: string, bytes: Buffer): Promise<void> {
    if (anew) return state.replace(name, bytes);
    if ((await state.write(name, bytes, null)) !== 'changed') return;
    // Of another writer, or of ours before a crash.
    if ((await state.read(name))?.bytes.equals(bytes) !== true)
      throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'it is not what the records give' });
  }

  function partials(): TreeBlob[] {
    const tiles: TreeBlob[] = edge
      .partials()
      .map(({ level, index, bytes }) => ({ level, index, bytes, width: partialWidth(level, edge.size) }));
    if (bundle.count === 0) return tiles;
    const index = Math.floor(edge.size / tileWidth);
    return [...tiles, { level: 'entries', index, width: bundle.count, bytes: bundle.bytes() }];
  }

  async function save(saved: TreeProgress): Promise<'stored' | 'changed'> {
    const written = await state.write(treeHeadName(tree), progressBytes(saved), etag);
    if (written === 'changed') return 'changed';
    etag = written;
    progress = saved;
    return 'stored';
  }

  async function store(): Promise<'stored' | 'changed'> {
    if (edge.size === progress?.size && !anew) return 'stored';
    await probe?.('before-tiles');
    await writeFull();
    await inTurns(partials(), ({ bytes, ...place }) => state.replace(tileName(tree, place), bytes));
    await probe?.('after-tiles');
    const { size, root } = edge.head();
    const { kept = null, signed = null } = progress ?? {};
    const saved = { size, next, root: root.toString('base64'), kept, signed };
    if ((await save(saved)) === 'changed') return 'changed';
    await probe?.('after-progress');
    await removePartials(state, tree, { from: partialsOf, to: size, kept });
    partialsOf = size;
    return 'stored';
  }

  return {
    get size() {
      return edge.size;
    },
    get next() {
      return next;
    },
    get progress() {
      return progress;
    },
    get waiting() {
      return full.length;
    },
    head: () => edge.head(),
    append(entry, after) {
      const index = Math.floor(edge.size / tileWidth);
      bundle.add(entry);
      bundle.hashLast(leaf, 0);
      const tiles = edge.append(leaf);
      next = after;
      if (tiles.length === 0) return;
      full.push({ level: 'entries', index, width: tileWidth, bytes: bundle.bytes() });
      full.push(...tiles.map((tile) => ({ ...tile, width: tileWidth })));
      bundle.clear();
    },
    writeFull,
    store,
    async keep() {
      if (progress === undefined) return 'changed';
      return progress.kept === progress.size ? 'stored' : save({ ...progress, kept: progress.size });
    },
    noteSigned: async (at) =>
      progress === undefined ? 'changed' : save({ ...progress, signed: { size: progress.size, at } }),
  };
}

/** Progress stays what it is until a store: a crash in between leaves it as good as it was. */
async function fromNothing(state: StateStore, tree: TreeName): Promise<StoredTree> {
  const found = await readProgress(state, tree);
  return { progress: found?.progress, etag: found?.etag ?? null, edge: treeEdge(), entries: [] };
}

/** Whether a tree of `size` has this partial tile; above the leaves one tile is that of many sizes. */
const isPartOf = (
  size: number | null,
  height: number,
  { index, width }: { readonly index: number; readonly width: number },
): boolean =>
  size !== null &&
  partialWidth(height, size) === width &&
  Math.floor(size / tileWidth ** (height + 1)) === index;

/**
 * Removes partial tiles and bundles that nobody needs any more: those of a tile that is full by now, all of them; else the one
 * of the size before, unless the last checkpoint has it too.
 */
async function removePartials(
  state: StateStore,
  tree: TreeName,
  { from, to, kept }: { readonly from: number; readonly to: number; readonly kept: number | null },
): Promise<void> {
  for (const level of ['entries', 0, 1, 2, 3, 4, 5] as const) {
    const height = level === 'entries' ? 0 : level;
    const width = partialWidth(height, from);
    if (width === 0) continue;
    const index = Math.floor(from / tileWidth ** (height + 1));
    if (Math.floor(to / tileWidth ** (height + 1)) > index) {
      const folder = `${tileName(tree, { level, index, width: tileWidth })}.p/`;
      for await (const { name } of state.list(folder)) await state.remove(name);
    } else if (partialWidth(height, to) !== width && !isPartOf(kept, height, { index, width })) {
      await state.remove(tileName(tree, { level, index, width }));
    }
  }
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += writesAtOnce)
    await Promise.all(items.slice(at, at + writesAtOnce).map(work));
}
