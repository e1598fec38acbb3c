import { formatCut } from '../domain/cut.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LaneName } from '../streams/archive-names.ts';
import { completeLane, lanesOf } from '../streams/complete.ts';
import type { Epoch } from '../streams/epochs.ts';
import { type CutPublisher, cutTimes, publishCuts } from '../streams/publish-cuts.ts';
import { readProgress } from '../streams/tree-files.ts';
import { laneTreeName } from '../streams/tree-names.ts';
import type { Log } from './runtime.ts';

/**
 * Publishes cuts of the newest epoch while this process has the lease for that. Whoever gets the lease first completes the
 * trees of the epochs before, which nobody archives any more.
 */
export function startCutPublisher(world: {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly epochs: readonly Epoch[];
  readonly signer: NoteSigner | undefined;
  readonly signMs: number;
  readonly say: Log;
}): CutPublisher {
  const { store, clock, epochs, signer, signMs, say } = world;
  const { log, name, epoch, partitions } = epochs.at(-1)!;

  async function completeEarlier(signal: AbortSignal): Promise<void> {
    for (const lane of lanesOf(epochs.slice(0, -1))) {
      signal.throwIfAborted();
      if (await isComplete(lane)) continue;
      const { size, added } = await completeLane({ store, clock, log, signer }, lane, signal);
      if (added > 0)
        say('info', 'tree completed', { epoch: lane.epoch, partition: lane.partition, size, added });
    }
  }

  /** By two small reads: an epoch that ended does not change any more. */
  async function isComplete(lane: LaneName): Promise<boolean> {
    const end = epochs.find((next) => next.epoch === lane.epoch + 1)?.previous?.next[lane.partition];
    const found = await readProgress(store.state, laneTreeName(log, lane));
    if (end === undefined || found === undefined || found.progress.next < end) return false;
    const { size, signed } = found.progress;
    return signer === undefined || size === 0 || signed?.size === size;
  }

  return publishCuts({
    ...{ store, clock, log, name, epoch, partitions, signer, signMs },
    ...cutTimes,
    onLease: completeEarlier,
    onNotice: (notice) => {
      if (notice.kind === 'fault') {
        const { code, message } = notice.fault;
        say('warn', 'cut not published', { code, error: message });
      } else say('debug', 'cut published', { cut: formatCut(notice.cut.cut), index: notice.cut.index });
    },
  });
}
