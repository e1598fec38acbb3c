import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { closingLookMs, type EventLog } from '../ports/event-log.ts';
import { endReader, sealEpoch } from './epoch-end.ts';
import { type Epoch, type EpochEnd, markClosing } from './epochs.ts';

/** What the turn from an epoch to the next is at. `close` ends with `seal`. */
export type TurnPhase = 'read' | 'drain' | 'archive' | 'seal' | 'open';

/** Points of a turn at which a crash must do no harm, in order. Tests stop the process there. */
export type TurnPoint = 'topic-made' | 'closing-written' | 'drained' | 'archived' | 'sealed' | 'opened';

export interface ClosingWorld {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly epoch: Epoch;
  /** The epoch's log; undefined where it is lost: then its archive is all there is. */
  readonly log: EventLog | undefined;
  /** As `LogHost.lateMs`. */
  readonly lateMs: number;
  /** Stops the intake of this process; resolves once no append of it is under way. */
  readonly drain: () => Promise<void>;
  /** Resolves once the archive holds all before `next`. */
  readonly archiveTo: (next: readonly number[], signal: AbortSignal) => Promise<void>;
  readonly onPhase: (phase: TurnPhase) => void;
  readonly probe?: (point: TurnPoint) => void | Promise<void>;
}

/** So many looks in a row may show that somebody still appends. */
const looksMax = 24;

/**
 * Closes an epoch for good and answers where it ends: marks it closed, waits until nobody appends any more, and until all of it
 * is in segments. Done again, after a crash or by two at once, it goes on where it was and answers the same, unless something
 * came in between; what counts is the end that the file of the next epoch names. Most of the reading comes before the mark,
 * while events are still taken in. Rejects with `EPOCH_BUSY`, with what `archiveTo` rejects with, and with the signal's reason.
 */
export async function closeEpoch(world: ClosingWorld, signal: AbortSignal): Promise<EpochEnd> {
  const { store, clock, epoch, log, onPhase } = world;
  const probe = async (point: TurnPoint): Promise<void> => world.probe?.(point);
  const reader = endReader(store, epoch);
  onPhase('read');
  await reader.read(signal);
  const closedAt = new Date(clock.now()).toISOString();
  const mark = { v: 1, epoch: epoch.epoch, log: epoch.log, lost: log === undefined, closedAt } as const;
  await markClosing(store.truth, mark);
  await probe('closing-written');
  onPhase('drain');
  await world.drain();
  const ends = log === undefined ? [] : await untilQuiet(log, world, signal);
  await probe('drained');
  onPhase('archive');
  if (log !== undefined) await world.archiveTo(ends, signal);
  await probe('archived');
  onPhase('seal');
  await sealEpoch(store, clock, epoch);
  await probe('sealed');
  const end = await reader.read(signal);
  for (const [partition, next] of ends.entries())
    if (end.next[partition]! < next)
      throw new Fault('ARCHIVE_BEHIND', {
        epoch: epoch.epoch,
        partition,
        next: end.next[partition],
        end: next,
      });
  return end;
}

/**
 * The log's ends once no append can be under way: every intake has looked for the mark by then, and what was sent before has
 * arrived. Somebody who does not look shows by what comes in meanwhile.
 */
async function untilQuiet(
  log: EventLog,
  { clock, lateMs, epoch }: ClosingWorld,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const ends = async (): Promise<readonly number[]> => (await log.bounds()).map(({ end }) => end);
  if (lateMs === 0) return ends();
  await clock.wait(lateMs, signal);
  let before = await ends();
  for (let looks = 1; looks <= looksMax; looks += 1) {
    await clock.wait(closingLookMs, signal);
    const present = await ends();
    if (present.every((end, partition) => end === before[partition])) return present;
    before = present;
  }
  throw new Fault('EPOCH_BUSY', { topic: epoch.topic, waitedMs: lateMs + looksMax * closingLookMs });
}
