import { type TilePlace, tilePath } from '../formats/tile.ts';
import type { LaneName } from './archive-names.ts';

/** A tree of the archive: what its checkpoints call it, and its folder below `trees/` and `checkpoints/`. */
export interface TreeName {
  readonly origin: string;
  readonly folder: string;
}

const sizeDigits = 20;

/** The tree of one partition of one epoch. `log` is the log's id. */
export const laneTreeName = (log: string, { topic, epoch, partition }: LaneName): TreeName => ({
  origin: `annal/${log}/${topic}/${epoch}/${partition}`,
  folder: `${topic}/${epoch}/${partition}`,
});

/** The meta log: one tree for all epochs of a log. */
export const metaTreeName = (log: string, topic: string): TreeName => ({
  origin: `annal/${log}`,
  folder: `${topic}/meta`,
});

/** State: what tlog-tiles calls the prefix of a log. */
export const treePrefix = ({ folder }: TreeName): string => `trees/${folder}/`;
export const tileName = (tree: TreeName, { level, index, width }: TilePlace): string =>
  treePrefix(tree) + tilePath(level, index, width);
/** State: how far tiles and signatures are; derived, and written after what it tells of. */
export const treeHeadName = (tree: TreeName): string => `${treePrefix(tree)}head.json`;
/** State: the newest checkpoint, where readers of tlog-tiles look for it. */
export const newestCheckpointName = (tree: TreeName): string => `${treePrefix(tree)}checkpoint`;
/** Truth: every checkpoint that was signed, by its size. */
export const checkpointsOf = ({ folder }: TreeName): string => `checkpoints/${folder}/`;
export const checkpointName = (tree: TreeName, size: number): string =>
  checkpointsOf(tree) + String(size).padStart(sizeDigits, '0');

export const keysPrefix = 'keys/';
/** Truth: a public key under which checkpoints were signed, by its key id. */
export const vkeyName = (keyId: Uint8Array): string =>
  `${keysPrefix}${Buffer.from(keyId).toString('hex')}.vkey`;
