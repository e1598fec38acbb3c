import type { Cut } from '../domain/cut.ts';
import { type NoteSigner, parseVkey } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { completeLane, lanesOf } from './complete.ts';
import { type CoveringCheckpoint, coveringCheckpoint } from './covering-checkpoint.ts';
import type { Epoch } from './epochs.ts';
import { publishCut } from './meta-log.ts';
import { readProgress } from './tree-files.ts';
import { laneTreeName, metaTreeName, newestCheckpointName, type TreeName } from './tree-names.ts';
import { keepVkey, readCheckpoint } from './tree-signing.ts';

export interface CoverOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly signer: NoteSigner;
}

/** Another writer may be first each time; then its cut may reach as far. */
const attemptsMax = 5;

/**
 * The checkpoint of the meta log that reaches `cut`. Where there is none yet one is made: the trees of the newest epoch are
 * brought up to the archive, a cut is published, and signed. May run beside archivers and whoever publishes cuts. Null where
 * what is signed is by another key: who trusts that one alone would find the newest checkpoint unsigned; and where others were
 * first each time. Throws `ARCHIVE_FORK`, `ARCHIVE_CORRUPT`, `NOTE_INVALID`, and faults of the store.
 */
export async function coverCut(
  { store, clock, signer }: CoverOptions,
  epochs: readonly Epoch[],
  cut: Cut,
  signal: AbortSignal,
): Promise<CoveringCheckpoint | null> {
  const newest = epochs.at(-1)!;
  const { log, name, epoch, partitions } = newest;
  const meta = metaTreeName(log, name);
  for (let attempt = 1; ; attempt += 1) {
    const found = await coveringCheckpoint(store, epochs, cut);
    if (found !== null || attempt > attemptsMax || !(await signsHere(store, meta, signer))) return found;
    await keepVkey(store.truth, signer);
    if (cut.epoch === epoch) await bringUp(store, clock, newest, cut, signal);
    await publishCut({ store, clock, log, name, epoch, partitions, signer, signMs: 0 });
  }
}

/** Trees trail the archive by about a minute: those that do not reach the cut take in what it holds. */
async function bringUp(
  store: ArchiveStore,
  clock: Clock,
  epoch: Epoch,
  cut: Cut,
  signal: AbortSignal,
): Promise<void> {
  for (const { partitions: _, ...lane } of lanesOf([epoch])) {
    signal.throwIfAborted();
    const tree = await readProgress(store.state, laneTreeName(epoch.log, lane));
    if ((tree?.progress.next ?? 0) < cut.next[lane.partition]!)
      await completeLane({ store, clock, log: epoch.log, signer: undefined }, lane, signal);
  }
}

/** Whether the newest checkpoint is by this key, or nobody made one. */
async function signsHere({ state }: ArchiveStore, tree: TreeName, signer: NoteSigner): Promise<boolean> {
  const blob = newestCheckpointName(tree);
  const found = await state.read(blob);
  if (found === undefined) return true;
  return readCheckpoint(found.bytes, blob, tree, [parseVkey(signer.vkey)]).known.length > 0;
}
