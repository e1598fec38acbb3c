import { Fault } from '../domain/fault.ts';
import { entryBundle, tileWidth } from '../formats/tile.ts';
import { levelsOf, partialWidth } from '../formats/tree-edge.ts';
import type { ArchiveStore, TruthStore } from '../ports/archive.ts';
import { readEntries, readTile } from './tree-files.ts';
import { checkpointsOf, type TreeName, tileName } from './tree-names.ts';

/** Sizes of the checkpoints that the truth holds, ascending. */
export async function checkpointSizes(truth: TruthStore, tree: TreeName): Promise<readonly number[]> {
  const prefix = checkpointsOf(tree);
  const sizes: number[] = [];
  for await (const { name } of truth.list(prefix)) {
    const digits = /^[0-9]{20}$/.exec(name.slice(prefix.length));
    if (digits === null)
      throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'not a name of a checkpoint' });
    sizes.push(Number(digits[0]));
  }
  return sizes;
}

/**
 * Writes again the partial tiles of every checkpoint whose tiles are not full in a tree of `size`: they were there when it was
 * made, and a tree that was made anew has only those of its own size. Answers whether there is a checkpoint of that too.
 */
export async function mendCheckpointTiles(
  { truth, state }: ArchiveStore,
  tree: TreeName,
  size: number,
): Promise<boolean> {
  const sizes = await checkpointSizes(truth, tree);
  for (const older of sizes.filter((one) => one < size)) {
    for (let level = 0; level < levelsOf(older); level += 1) {
      const width = partialWidth(level, older);
      const index = Math.floor(older / tileWidth ** (level + 1));
      const isFull = index < Math.floor(size / tileWidth ** (level + 1));
      if (width === 0 || isFull) continue;
      const now = { index, width: partialWidth(level, size) };
      const tile = await readTile(state, tree, { ...now, level });
      await state.replace(tileName(tree, { level, index, width }), tile.subarray(0, width * 32));
      if (level > 0) continue;
      const entries = await readEntries(state, tree, now);
      const bundle = tileName(tree, { level: 'entries', index, width });
      await state.replace(bundle, entryBundle(entries.slice(0, width)));
    }
  }
  return sizes.includes(size);
}
