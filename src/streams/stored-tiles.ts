import { type Fault, isFault } from '../domain/fault.ts';
import { tileWidth } from '../formats/tile.ts';
import { widthIn } from '../formats/tree-node.ts';
import type { StateStore } from '../ports/archive.ts';
import { readProgress, readTile, type TreeProgress } from './tree-files.ts';
import type { TreeName } from './tree-names.ts';

/** The tiles and bundles of a tree as they were at one size, while somebody may go on writing it. */
export interface StoredTiles {
  readonly tree: TreeName;
  readonly progress: TreeProgress;
  /** Hashes of a tile, as many as the tree has there; the fault where it cannot be read. */
  tile(level: number, index: number): Promise<Buffer | Fault>;
  /** Bytes of a bundle, of at least as many entries as the tree has there. */
  bundle(index: number): Promise<Buffer | Fault>;
}

/** Of the size that `progress` tells. Where a tile is gone because the tree grew, the larger one is read. */
export function storedTiles(state: StateStore, tree: TreeName, progress: TreeProgress): StoredTiles {
  async function read<T>(
    level: number,
    index: number,
    readAt: (width: number) => Promise<T>,
  ): Promise<{ readonly found: T; readonly width: number } | Fault> {
    const width = widthIn(progress.size, level, index);
    for (let now = progress; ; ) {
      try {
        return { found: await readAt(widthIn(now.size, level, index)), width };
      } catch (error) {
        if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
        const later = await newer(state, tree, now);
        if (later === undefined || width === tileWidth) return error;
        now = later;
      }
    }
  }

  return {
    tree,
    progress,
    async tile(level, index) {
      const answer = await read(level, index, (width) => readTile(state, tree, { level, index, width }));
      return 'found' in answer ? answer.found.subarray(0, answer.width * 32) : answer;
    },
    async bundle(index) {
      const answer = await read(0, index, (width) =>
        readTile(state, tree, { level: 'entries', index, width }),
      );
      return 'found' in answer ? answer.found : answer;
    },
  };
}

async function newer(
  state: StateStore,
  tree: TreeName,
  { size }: TreeProgress,
): Promise<TreeProgress | undefined> {
  try {
    const progress = (await readProgress(state, tree))?.progress;
    return progress !== undefined && progress.size > size ? progress : undefined;
  } catch (error) {
    // A head that cannot be read tells of no other size; it is found where heads are looked at.
    if (isFault(error, 'ARCHIVE_CORRUPT')) return undefined;
    throw error;
  }
}
