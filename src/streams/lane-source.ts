import { Fault, isFault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Lane, LogReader } from '../ports/event-log.ts';
import type { LaneProgress } from '../ports/read-model.ts';
import type { Epoch } from './epochs.ts';
import { historyLane, type Slice } from './history-lane.ts';

export interface Pulled {
  readonly slice: Slice;
  /** The lane's log end as last seen. */
  readonly logEnd: number;
}

/** One lane of a projection: where it stands, and what lies next. `pull` gives undefined at its end or once aborted. */
export interface LaneSource {
  readonly epoch: Epoch;
  progress(): LaneProgress;
  moved(to: LaneProgress): void;
  pull(): Promise<Pulled | undefined>;
}

/** A lane of a closed epoch: from the archive alone, up to the epoch's end. */
export function historySource(options: {
  readonly store: ArchiveStore;
  readonly epoch: Epoch;
  readonly from: LaneProgress;
  readonly end: number;
  readonly signal: AbortSignal;
}): LaneSource {
  const { store, epoch, from, end, signal } = options;
  let progress = from;
  const lane = { topic: epoch.name, epoch: epoch.epoch, partition: from.partition };
  const slices = historyLane(store, lane, from.next, end);
  return {
    epoch,
    progress: () => progress,
    moved: (to) => {
      progress = to;
    },
    async pull() {
      if (signal.aborted) return undefined;
      const { value } = await slices.next();
      return value === undefined ? undefined : { slice: value, logEnd: end };
    },
  };
}

/**
 * A lane of the open epoch: from the log, and from the archive where the log has forgotten what comes next. Rejects with
 * `ARCHIVE_BEHIND` where the archive does not hold it either yet.
 */
export function liveSource(options: {
  readonly store: ArchiveStore;
  readonly reader: LogReader;
  readonly epoch: Epoch;
  readonly partition: number;
  readonly from: () => LaneProgress;
  readonly signal: AbortSignal;
}): LaneSource {
  const { store, reader, epoch, partition, signal } = options;
  let progress = options.from();
  let lane: Lane | undefined;
  let archived: AsyncGenerator<Slice, void> | undefined;
  let trimmedAt = -1;

  async function fromArchive(): Promise<Pulled | undefined> {
    const found = await archived!.next();
    if (!found.done) return { slice: found.value, logEnd: found.value.next };
    archived = undefined;
    return undefined;
  }

  return {
    epoch,
    progress: () => progress,
    moved: (to) => {
      progress = to;
    },
    async pull() {
      while (!signal.aborted) {
        if (archived !== undefined) {
          const pulled = await fromArchive();
          if (pulled !== undefined) return pulled;
        }
        lane ??= reader.lane(partition, progress.next);
        try {
          const { records, end } = await lane.pull(signal);
          return { slice: { records, next: records.at(-1)!.offset + 1 }, logEnd: end };
        } catch (error) {
          if (signal.aborted) return undefined;
          if (!isFault(error, 'LOG_TRIMMED')) throw error;
          if (trimmedAt === progress.next)
            throw new Fault('ARCHIVE_BEHIND', { epoch: epoch.epoch, partition, next: progress.next });
          trimmedAt = progress.next;
          lane = undefined;
          archived = historyLane(store, { topic: epoch.name, epoch: epoch.epoch, partition }, progress.next);
        }
      }
      return undefined;
    },
  };
}
