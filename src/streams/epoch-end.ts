import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { archiveLimits, openArchiveWriter, yielded } from './archive-lane.ts';
import type { LaneName } from './archive-names.ts';
import type { Epoch, EpochEnd } from './epochs.ts';
import { historyLane } from './history-lane.ts';

const sealTriesMax = 50;

/**
 * Where an epoch's archive ends, and the greatest append time before that. Append times are no part of a name, so all records
 * are read: once, however often it is asked, each call going on where the one before came to.
 */
export interface EndOfEpoch {
  /** The end as the archive has it now. Rejects with the signal's reason. */
  read(signal?: AbortSignal): Promise<EpochEnd>;
}

export function endReader(store: ArchiveStore, epoch: Epoch): EndOfEpoch {
  const next = new Array<number>(epoch.partitions).fill(0);
  let timeMax = epoch.previous?.timeMax ?? 0;

  async function readLane(lane: LaneName, signal: AbortSignal | undefined): Promise<void> {
    const { partition } = lane;
    for await (const slice of historyLane(store, lane, next[partition]!)) {
      signal?.throwIfAborted();
      next[partition] = slice.next;
      for (const { appendTime } of slice.records) timeMax = Math.max(timeMax, appendTime);
    }
  }

  return {
    async read(signal) {
      for (const partition of next.keys())
        await readLane({ topic: epoch.name, epoch: epoch.epoch, partition }, signal);
      return { epoch: epoch.epoch, next: [...next], timeMax };
    },
  };
}

/**
 * Makes segments of what stands in the tails of an epoch, so that nothing of a closed one is left where it could change. Any
 * number may do so at once, beside archivers too.
 */
export async function sealEpoch(store: ArchiveStore, clock: Clock, epoch: Epoch): Promise<void> {
  const limits = { ...archiveLimits, sealMs: 0 };
  for (let partition = 0; partition < epoch.partitions; partition += 1) {
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    for (let tries = 1; ; tries += 1) {
      const writer = await openArchiveWriter({ store, clock, limits }, lane);
      if (writer.sealed === writer.end.next) break;
      if ((await writer.sealIfDue()) !== yielded) break;
      if (tries === sealTriesMax)
        throw new Fault('STORE_UNAVAILABLE', { lane: partition, reason: 'others write it' });
    }
  }
}
