import { Fault } from '../domain/fault.ts';
import { readEntryBundle, type TilePlace, tileWidth } from '../formats/tile.ts';
import { levelsOf, partialWidth, type TreeEdge, treeEdge } from '../formats/tree-edge.ts';
import type { ETag, StateStore } from '../ports/archive.ts';
import { type TreeName, tileName, treeHeadName } from './tree-names.ts';

/** How far a tree's files are. Derived: written after the tiles it tells of. */
export interface TreeProgress {
  /** Leaves in tiles and bundles. */
  readonly size: number;
  /** Offset after the last of them. */
  readonly next: number;
  /** Base64. */
  readonly root: string;
  /** The size of which a checkpoint was last made, or is being made: its partial tiles stay. */
  readonly kept: number | null;
  /** The newest checkpoint that was made, and when (UTC ms). */
  readonly signed: { readonly size: number; readonly at: number } | null;
}

/** A tree as its files hold it: its progress, and what is needed to go on. */
export interface StoredTree {
  readonly progress: TreeProgress | undefined;
  readonly etag: ETag | null;
  readonly edge: TreeEdge;
  /** Entries of the partial bundle. */
  readonly entries: readonly Buffer[];
}

const hashBytes = 32;

export async function readProgress(
  state: StateStore,
  tree: TreeName,
): Promise<{ readonly progress: TreeProgress; readonly etag: ETag } | undefined> {
  const name = treeHeadName(tree);
  const found = await state.read(name);
  return found === undefined ? undefined : { progress: parseProgress(found.bytes, name), etag: found.etag };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseProgress(bytes: Buffer, blob: string): TreeProgress {
  const corrupt = (cause?: unknown): Fault =>
    new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no progress of a tree' }, cause);
  let found: Partial<TreeProgress> & { readonly v?: unknown };
  try {
    found = JSON.parse(bytes.toString('utf8')) as typeof found;
  } catch (error) {
    throw corrupt(error);
  }
  const { v, size, next, root, kept, signed } = found;
  if (v !== 1 || !isCount(size) || !isCount(next) || typeof root !== 'string') throw corrupt();
  if (signed === undefined || kept === undefined || (kept !== null && !isCount(kept))) throw corrupt();
  if (signed !== null && (!isCount(signed.size) || !isCount(signed.at))) throw corrupt();
  return { size, next, root, kept, signed };
}

export const progressBytes = (progress: TreeProgress): Buffer =>
  Buffer.from(`${JSON.stringify({ v: 1, ...progress })}\n`);

/**
 * A tile of a tree of some size, or the full tile where the partial one is gone by now; its first `width` hashes (or the whole
 * bundle). Throws `ARCHIVE_CORRUPT` where neither is there or it is too short.
 */
export async function readTile(state: StateStore, tree: TreeName, place: TilePlace): Promise<Buffer> {
  const name = tileName(tree, place);
  const found =
    (await state.read(name)) ??
    (place.width < tileWidth ? await state.read(tileName(tree, { ...place, width: tileWidth })) : undefined);
  if (found === undefined) throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'missing' });
  if (place.level === 'entries') return found.bytes;
  const { length } = found.bytes;
  if (length < place.width * hashBytes || length % hashBytes !== 0)
    throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: `${length} bytes` });
  return found.bytes.subarray(0, place.width * hashBytes);
}

/** The first `width` entries of a bundle. Throws as `readTile`. */
export async function readEntries(
  state: StateStore,
  tree: TreeName,
  place: Pick<TilePlace, 'index' | 'width'>,
): Promise<readonly Buffer[]> {
  const bundle: TilePlace = { ...place, level: 'entries' };
  const bytes = await readTile(state, tree, bundle);
  const corrupt = (reason: string): Fault =>
    new Fault('ARCHIVE_CORRUPT', { blob: tileName(tree, bundle), reason });
  try {
    const entries = readEntryBundle(bytes);
    if (entries.length >= place.width) return entries.slice(0, place.width);
    throw corrupt(`${entries.length} entries`);
  } catch (error) {
    throw error instanceof RangeError ? corrupt(error.message) : error;
  }
}

/** The edge of the tree at `size`, from its partial tiles. */
export async function readEdge(state: StateStore, tree: TreeName, size: number): Promise<TreeEdge> {
  const tiles = new Map<number, Buffer>();
  for (let level = 0; level < levelsOf(size); level += 1) {
    const width = partialWidth(level, size);
    const index = Math.floor(size / tileWidth ** (level + 1));
    if (width > 0) tiles.set(level, await readTile(state, tree, { level, index, width }));
  }
  return treeEdge(size, tiles);
}

/**
 * Takes a tree up where its files end; nothing is hashed again but the edge. Throws `ARCHIVE_CORRUPT` where the tiles do not
 * give the root that the progress tells.
 */
export async function openTree(state: StateStore, tree: TreeName): Promise<StoredTree> {
  for (;;) {
    const found = await readProgress(state, tree);
    try {
      return await openAt(state, tree, found);
    } catch (error) {
      // Another writer went on, and partial tiles of the size before are gone.
      if ((await readProgress(state, tree))?.etag === found?.etag) throw error;
    }
  }
}

async function openAt(
  state: StateStore,
  tree: TreeName,
  found: { readonly progress: TreeProgress; readonly etag: ETag } | undefined,
): Promise<StoredTree> {
  const size = found?.progress.size ?? 0;
  const edge = await readEdge(state, tree, size);
  if (found !== undefined && edge.head().root.toString('base64') !== found.progress.root)
    throw new Fault('ARCHIVE_CORRUPT', { blob: treeHeadName(tree), reason: 'the tiles have another root' });
  const width = partialWidth(0, size);
  const index = Math.floor(size / tileWidth);
  const entries = width === 0 ? [] : await readEntries(state, tree, { index, width });
  return { progress: found?.progress, etag: found?.etag ?? null, edge, entries };
}
