import { defer, lastValueFrom, merge, type Observable } from 'rxjs';
import type { ArchiveStore } from '../ports/archive.ts';
import type { LaneProgress } from '../ports/read-model.ts';
import type { Epoch } from './epochs.ts';
import { laneSpans } from './fold-history.ts';
import { historySource, type LaneSource } from './lane-source.ts';

export interface ClosedEpochs {
  readonly store: ArchiveStore;
  /** All; the last one is open. */
  readonly epochs: readonly Epoch[];
  /** Of every lane that was entered. */
  readonly entered: () => Iterable<LaneProgress>;
  readonly from: (epoch: Epoch, partition: number) => LaneProgress;
  readonly fold: (source: LaneSource) => Observable<unknown>;
}

/** Folds lanes of closed epochs, from the archive alone; each epoch only once the one before has ended in all lanes. */
export function closedEpochs(
  { store, epochs, entered, from, fold }: ClosedEpochs,
  signal: AbortSignal,
): Observable<unknown> {
  const open = epochs.at(-1)!;
  const until = { epoch: open.epoch, next: new Array<number>(open.partitions).fill(0) };
  const spans = Map.groupBy(laneSpans({ epochs, until }), (span) => span.epoch);
  return defer(async () => {
    for (const [epoch, ofEpoch] of spans) {
      if (epoch === open || [...entered()].some((lane) => lane.epoch > epoch.epoch)) continue;
      const sources = ofEpoch.map(({ partition, end }) =>
        fold(historySource({ store, epoch, from: from(epoch, partition), end, signal })),
      );
      // Not forkJoin: it ends all as soon as one has nothing to do.
      await lastValueFrom(merge(...sources), { defaultValue: undefined });
      if (signal.aborted) return;
    }
  });
}
