import { type Cut, formatCut } from '../domain/cut.ts';
import { isFault } from '../domain/fault.ts';
import { tileWidth } from '../formats/tile.ts';
import { widthIn } from '../formats/tree-node.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Epoch } from './epochs.ts';
import { parseMetaLeaf } from './meta-log.ts';
import { readEntries } from './tree-files.ts';
import { metaTreeName, newestCheckpointName } from './tree-names.ts';
import { readCheckpoint } from './tree-signing.ts';

/** A signed checkpoint of the meta log, and the published cut that its last leaf tells. */
export interface CoveringCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly cut: string;
  /** UTC ms. */
  readonly time: number;
}

/**
 * The newest checkpoint of the meta log, if what it covers reaches `cut`: then that much of the archive was under a signature.
 * Null where none does yet: one is made each hour. A checkpoint that cannot be read covers nothing; `annal archive verify`
 * says what is wrong with it.
 */
export async function coveringCheckpoint(
  { state }: ArchiveStore,
  epochs: readonly Epoch[],
  cut: Cut,
): Promise<CoveringCheckpoint | null> {
  const { log, name } = epochs[0]!;
  const tree = metaTreeName(log, name);
  const blob = newestCheckpointName(tree);
  try {
    const found = await state.read(blob);
    if (found === undefined) return null;
    const { origin, size, root } = readCheckpoint(found.bytes, blob, tree, []);
    if (size === 0) return null;
    const index = Math.floor((size - 1) / tileWidth);
    const width = size >= (index + 1) * tileWidth ? tileWidth : widthIn(size, 0, index);
    const leaf = (await readEntries(state, tree, { index, width })).at(-1)!;
    const published = parseMetaLeaf(leaf.toString('utf8'), size - 1);
    if (!reaches(published.cut, cut)) return null;
    return {
      ...{ origin, size, root: root.toString('base64') },
      ...{ cut: formatCut(published.cut), time: published.time },
    };
  } catch (error) {
    if (isFault(error, 'ARCHIVE_CORRUPT') || isFault(error, 'NOTE_INVALID')) return null;
    throw error;
  }
}

const reaches = (published: Cut, cut: Cut): boolean =>
  published.epoch > cut.epoch ||
  (published.epoch === cut.epoch && cut.next.every((next, partition) => published.next[partition]! >= next));
