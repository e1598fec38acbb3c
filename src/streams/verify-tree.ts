import { isFault } from '../domain/fault.ts';
import { type StoredTiles, storedTiles } from './stored-tiles.ts';
import { readProgress } from './tree-files.ts';
import { treeHeadName } from './tree-names.ts';
import type { SignedHead, TreePlace } from './verify-checkpoints.ts';
import { type TilesVerdict, verifyTiles } from './verify-tiles.ts';

/** The tiles of a tree, and what they say by themselves. */
export interface TreeFound {
  readonly tiles: StoredTiles | undefined;
  readonly verdict: TilesVerdict;
}

/** The tiles of a tree at the size that its head tells; undefined where there is none, or none that can be read: that is found. */
export async function tilesOf({ store, tree, findings, lane }: TreePlace): Promise<StoredTiles | undefined> {
  try {
    const read = await readProgress(store.state, tree);
    return read === undefined ? undefined : storedTiles(store.state, tree, read.progress);
  } catch (error) {
    if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
    const reason = String(error.facts.reason);
    const blob = treeHeadName(tree);
    findings.add({ part: 'head', wrong: 'unreadable', of: 'derived', blob, ...lane, reason });
    return undefined;
  }
}

const nothing: TilesVerdict = { proven: 0, wrong: new Set(), knownOf: () => undefined, refuted: [] };

/**
 * Checks tiles from leaf `from` on. What a checkpoint says against them is settled by the records where those are read (`deep`),
 * else it is the checkpoint that is told.
 */
export async function verifyTree(
  place: TreePlace,
  tiles: StoredTiles | undefined,
  {
    heads,
    from,
    deep,
  }: { readonly heads: readonly SignedHead[]; readonly from: number; readonly deep: boolean },
): Promise<TreeFound> {
  if (tiles === undefined) return { tiles, verdict: nothing };
  const before = place.findings.derived;
  const verdict = await verifyTiles(place, tiles, heads, from);
  if (!deep && place.findings.derived === before)
    for (const { blob, size } of verdict.refuted)
      place.findings.add({
        ...{ part: 'checkpoint', wrong: 'altered', of: 'truth', blob, ...place.lane, leaf: size },
        reason: 'the tiles have another root',
      });
  return { tiles, verdict };
}
