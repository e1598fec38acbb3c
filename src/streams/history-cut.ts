import { type Cut, formatCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { LaneName } from './archive-names.ts';
import { archiveEnd, segmentFirsts } from './chain.ts';
import type { Epoch } from './epochs.ts';
import { historyLane } from './history-lane.ts';
import { readIndex } from './segment-index.ts';

/** The archive's end: of the newest epoch, per partition. */
export async function archiveCut(store: ArchiveStore, epochs: readonly Epoch[]): Promise<Cut> {
  const epoch = epochs.at(-1);
  if (epoch === undefined) throw new Fault('EPOCH_INVALID', { reason: 'the archive has no epoch' });
  const next: number[] = [];
  for (let partition = 0; partition < epoch.partitions; partition += 1)
    next.push((await archiveEnd(store, { topic: epoch.name, epoch: epoch.epoch, partition })).next);
  return { epoch: epoch.epoch, next };
}

/** Throws `CUT_INVALID` for a cut that the history does not have, or not yet. */
export function checkCut(cut: Cut, epochs: readonly Epoch[], end: Cut): void {
  const epoch = epochs.find((known) => known.epoch === cut.epoch);
  const ends =
    cut.epoch === end.epoch
      ? end.next
      : epochs.find((known) => known.epoch === cut.epoch + 1)?.previous?.next;
  const isWithin =
    epoch !== undefined &&
    ends !== undefined &&
    cut.next.length === epoch.partitions &&
    cut.next.every((next, partition) => next <= ends[partition]!);
  if (isWithin) return;
  throw new Fault('CUT_INVALID', { cut: formatCut(cut), archived: formatCut(end) });
}

/**
 * The cut of all that was appended at or before `time` (UTC ms): per partition the first position whose time, as a running
 * maximum, is later. It lies in the newest epoch that began by then, or in the first one.
 */
export async function cutAtTime(
  store: ArchiveStore,
  epochs: readonly Epoch[],
  end: Cut,
  time: number,
): Promise<Cut> {
  const epoch = epochs.findLast(({ previous }) => previous === null || previous.timeMax <= time);
  if (epoch === undefined) throw new Fault('EPOCH_INVALID', { reason: 'the archive has no epoch' });
  const ends = epochs[epoch.epoch]?.previous?.next ?? end.next;
  const next: number[] = [];
  for (const [partition, laneEnd] of ends.entries()) {
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    next.push(await offsetAtTime(store, lane, laneEnd, { time, floor: epoch.previous?.timeMax ?? 0 }));
  }
  return { epoch: epoch.epoch, next };
}

async function offsetAtTime(
  store: ArchiveStore,
  lane: LaneName,
  end: number,
  { time, floor }: { readonly time: number; readonly floor: number },
): Promise<number> {
  let [from, timeMax] = [0, floor];
  // From the newest back: most moments that are asked for lie there.
  for (const first of (await segmentFirsts(store.truth, lane)).reverse()) {
    const index = await readIndex(store, lane, first);
    if (index === undefined || (index.timeMaxBefore ?? floor) > time) continue;
    [from, timeMax] = [first, Math.max(floor, index.timeMaxBefore ?? floor)];
    break;
  }
  if (from >= end) return end;
  for await (const slice of historyLane(store, lane, from, end))
    for (const { offset, appendTime } of slice.records) {
      timeMax = Math.max(timeMax, appendTime);
      if (timeMax > time) return offset;
    }
  return end;
}
