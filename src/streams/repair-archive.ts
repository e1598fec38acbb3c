import { isFault } from '../domain/fault.ts';
import { parseVkey } from '../formats/note-key.ts';
import { tileWidth } from '../formats/tile.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { Finding } from './archive-finding.ts';
import { type LaneName, leavesName } from './archive-names.ts';
import { openSegment } from './chain.ts';
import { checkpointSizes, mendCheckpointTiles } from './checkpoint-tiles.ts';
import { completeLane } from './complete.ts';
import { readEpochs } from './epochs.ts';
import { openEventDecoders } from './event-decoders.ts';
import { restoreCuts } from './kept-cuts.ts';
import { baseFolder, baseHeadName, indexLane } from './lane-base.ts';
import { segmentLeaves } from './leaves.ts';
import { parseMetaLeaf } from './meta-log.ts';
import { indexFolder } from './segment-index.ts';
import { storedTiles } from './stored-tiles.ts';
import { readProgress } from './tree-files.ts';
import {
  checkpointName,
  laneTreeName,
  metaTreeName,
  newestCheckpointName,
  type TreeName,
  treeHeadName,
} from './tree-names.ts';
import { raiseNewest, readCheckpoint, readVkeys } from './tree-signing.ts';
import { openTreeWriter } from './tree-writer.ts';
import type { ArchiveReport } from './verify-archive.ts';
import { entriesOf } from './verify-tiles.ts';

/** What was made again, or why it was not. */
export interface Repaired {
  readonly epoch: number | null;
  readonly partition: number | null;
  /** Folder or blob. */
  readonly what: string;
  readonly done: boolean;
  readonly reason: string;
}

export interface RepairOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly report: ArchiveReport;
  readonly signal?: AbortSignal;
}

/**
 * Makes again what a report found wrong and what follows from the rest: leaf files, tiles, bundles, heads, the newest
 * checkpoint. Never writes truth. A lane with a fault in its truth is left as it is: what was derived from it before is
 * evidence of what it was. May run beside an archiver.
 */
export async function repairArchive(options: RepairOptions): Promise<readonly Repaired[]> {
  const { report } = options;
  const byLane = Map.groupBy(report.findings, ({ epoch, partition }) => `${epoch}/${partition}`);
  const repaired: Repaired[] = [];
  for (const found of byLane.values()) {
    const { epoch, partition } = found[0]!;
    const derived = found.filter(({ of }) => of === 'derived');
    if (derived.length === 0) continue;
    const tell = (what: string, done: boolean, reason: string): void =>
      void repaired.push({ epoch, partition, what, done, reason });
    if (found.length > derived.length) {
      for (const { blob } of derived)
        tell(blob, false, 'truth of this lane is at fault: what was derived from it is evidence');
      continue;
    }
    const lane = epoch === null || partition === null ? undefined : { topic: report.name, epoch, partition };
    await repairLane(options, lane, derived, tell);
  }
  return repaired;
}

type Tell = (what: string, done: boolean, reason: string) => void;

async function repairLane(
  options: RepairOptions,
  lane: LaneName | undefined,
  derived: readonly Finding[],
  tell: Tell,
): Promise<void> {
  const { store, clock, report, signal } = options;
  const tree = lane === undefined ? metaTreeName(report.log, report.name) : laneTreeName(report.log, lane);
  for (const { part, offset } of derived)
    if (part === 'leaves' && lane !== undefined && offset !== null)
      await makeLeaves(store, lane, offset, tell);
  if (derived.some(({ part }) => part === 'tile' || part === 'bundle' || part === 'head')) {
    await dropUnreadableHead(store, tree);
    if (lane === undefined) await makeCuts(store, report.name, tree);
    else await completeLane({ store, clock, log: report.log, signer: undefined, anew: true }, lane, signal);
    tell(`trees/${tree.folder}/`, true, 'made again from what is archived');
  }
  if (lane !== undefined && derived.some(({ part }) => part === 'index' || part === 'base'))
    await makeIndex(store, lane, tell, signal);
  if (derived.some(({ part }) => part === 'newest-checkpoint')) await makeNewest(store, tree, tell);
}

async function makeLeaves(store: ArchiveStore, lane: LaneName, first: number, tell: Tell): Promise<void> {
  const segment = await openSegment(store.truth, lane, first);
  if (segment === undefined) return;
  await store.state.replace(leavesName(lane, first), segmentLeaves(lane, segment));
  tell(leavesName(lane, first), true, 'made again from its segment');
}

/** Whatever is left of both goes first: a base goes on from its head. */
async function makeIndex(
  store: ArchiveStore,
  lane: LaneName,
  tell: Tell,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { state, truth } = store;
  const partitions = (await readEpochs(truth)).find(({ epoch }) => epoch === lane.epoch)?.partitions;
  if (partitions === undefined) return;
  await state.remove(baseHeadName(lane));
  for (const folder of [baseFolder(lane), indexFolder(lane)])
    for await (const { name } of state.list(folder)) await state.remove(name);
  await indexLane(store, { ...lane, partitions }, openEventDecoders(truth), signal);
  tell(indexFolder(lane), true, 'made again from its segments');
  tell(baseFolder(lane), true, 'made again from its segments');
}

/** A head that says nothing keeps a tree from being made. */
async function dropUnreadableHead({ state }: ArchiveStore, tree: TreeName): Promise<void> {
  try {
    await readProgress(state, tree);
  } catch (error) {
    if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
    await state.remove(treeHeadName(tree));
  }
}

/** The tree of the meta log, from the cuts in the truth; those since then from its bundles, as far as they are cuts. */
async function makeCuts(store: ArchiveStore, name: string, tree: TreeName): Promise<void> {
  const { state } = store;
  for (;;) {
    const before = (await readProgress(state, tree))?.progress;
    const writer = await openTreeWriter({ state, tree, anew: true });
    await restoreCuts(store, name, writer);
    const tiles = before === undefined ? undefined : storedTiles(state, tree, before);
    while (tiles !== undefined && writer.size < before!.size) {
      const index = Math.floor(writer.size / tileWidth);
      const width = Math.min(tileWidth, before!.size - index * tileWidth);
      const entries = entriesOf(await tiles.bundle(index), width);
      const from = writer.size % tileWidth;
      const texts = (entries ?? []).slice(from).map((entry) => entry.toString('utf8'));
      if (texts.length === 0 || !texts.every((text) => isCut(text))) break;
      for (const text of texts) writer.append(text, writer.size + 1);
    }
    if ((await writer.store()) === 'changed') continue;
    await mendCheckpointTiles(store, tree, writer.size);
    return;
  }
}

function isCut(text: string): boolean {
  try {
    parseMetaLeaf(text, 0);
    return true;
  } catch (error) {
    if (isFault(error, 'ARCHIVE_CORRUPT')) return false;
    throw error;
  }
}

async function makeNewest({ truth, state }: ArchiveStore, tree: TreeName, tell: Tell): Promise<void> {
  const blob = newestCheckpointName(tree);
  const size = (await checkpointSizes(truth, tree)).at(-1);
  const bytes = size === undefined ? undefined : await truth.read(checkpointName(tree, size));
  if (size === undefined || bytes === undefined) {
    await state.remove(blob);
    return tell(blob, true, 'removed: nothing was signed');
  }
  const verifiers = (await readVkeys(truth)).map(parseVkey);
  try {
    const found = await state.read(blob);
    if (found !== undefined) readCheckpoint(found.bytes, blob, tree, verifiers);
  } catch (error) {
    if (!isFault(error, 'NOTE_INVALID')) throw error;
    await state.remove(blob);
  }
  await raiseNewest(state, tree, size, bytes, verifiers);
  tell(blob, true, 'the newest of the truth');
}
