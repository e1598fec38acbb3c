import { Fault, isFault } from '../domain/fault.ts';
import type { AskedMoment } from '../domain/moment.ts';
import { formatPosition, type Position } from '../domain/position.ts';
import type { ArchiveStore, TruthStore } from '../ports/archive.ts';
import type { LaneName } from './archive-names.ts';
import { openSegment, segmentFirsts } from './chain.ts';
import { historyLane } from './history-lane.ts';

/** Where a lane is looked at from: an offset of its own, or the time since which its records were appended (UTC ms). */
export interface Since {
  readonly time: number;
  readonly position: Position | undefined;
}

/**
 * A moment as an archive knows it: that of a position is the append time of its record. Rejects with `MOMENT_INVALID` where
 * the archive has no such record.
 */
export async function sinceOf(store: ArchiveStore, topic: string, moment: AskedMoment): Promise<Since> {
  if ('time' in moment) return { time: moment.time, position: undefined };
  const { position } = moment;
  const { epoch, partition, offset } = position;
  for await (const { records } of historyLane(store, { topic, epoch, partition }, offset, offset + 1))
    for (const record of records) return { time: record.appendTime, position };
  throw new Fault('MOMENT_INVALID', {
    given: `@${formatPosition(position)}`,
    reason: 'no record stands there',
  });
}

/** First offset of the segment from which on a lane has all that a moment asks for; 0 where it has no segments. */
export async function startOf(truth: TruthStore, lane: LaneName, { time, position }: Since): Promise<number> {
  const firsts = await segmentFirsts(truth, lane);
  if (position?.epoch === lane.epoch && position.partition === lane.partition)
    return firsts.findLast((first) => first <= position.offset) ?? 0;
  // Append times grow along a lane: the last segment that begins before the moment is the one.
  let [low, high] = [0, firsts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const at = await timeOf(truth, lane, firsts.slice(middle, high + 1));
    if (at < time) low = middle;
    else high = middle - 1;
  }
  return firsts[low] ?? 0;
}

/** Append time of the first record of some segments; of none, or one that cannot be read, later than anything. */
async function timeOf(truth: TruthStore, lane: LaneName, firsts: readonly number[]): Promise<number> {
  for (const first of firsts) {
    try {
      const segment = await openSegment(truth, lane, first);
      for (const view of segment?.views() ?? []) return view.appendTime;
    } catch (error) {
      // It is found when its turn comes; looking from further back never misses it.
      if (isFault(error, 'ARCHIVE_CORRUPT')) return Number.POSITIVE_INFINITY;
      throw error;
    }
  }
  return Number.POSITIVE_INFINITY;
}
