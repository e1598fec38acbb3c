import { type Fault, isFault } from '../domain/fault.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { closingLookMs, type EventLog } from '../ports/event-log.ts';
import { type Epoch, readClosing, readEpochs } from './epochs.ts';
import type { LaneSource, Pulled } from './lane-source.ts';

/**
 * How far lanes of the open epoch may be folded from its log while it is being closed: what comes behind the end is no part of
 * the log, and the end is told by the file of the next epoch, which may not be there yet. Whoever closes takes the end
 * `lateMs` and a look's age after the mark, so all that was in the log before that time is certain.
 */
export interface FoldLimit {
  /** Looks for the mark where the last look is old, and takes the ends when it is time. To be called at least that often. */
  look(): Promise<void>;
  /** Exclusive end of what may be folded of a partition; Infinity while the epoch is open. */
  until(partition: number): Promise<number>;
}

export interface LimitOptions {
  readonly truth: TruthStore;
  readonly clock: Clock;
  readonly epoch: Epoch;
  readonly log: Pick<EventLog, 'bounds'>;
  /** As `LogHost.lateMs`. */
  readonly lateMs: number;
  /** Told of looks that failed. */
  readonly onFault: (fault: Fault) => void;
}

export function foldLimit({ truth, clock, epoch, log, lateMs, onFault }: LimitOptions): FoldLimit {
  let lookedAt: number | undefined;
  let markedAt: number | undefined;
  let frozen: Promise<readonly number[]> | undefined;
  let looking: Promise<void> | undefined;

  const isYoung = (at: number | undefined): boolean =>
    at !== undefined && clock.now() - at < closingLookMs && at <= clock.now();

  async function ask(): Promise<void> {
    const [at, before] = [clock.now(), lookedAt];
    lookedAt = at;
    try {
      if ((await readClosing(truth, epoch)) === undefined) return;
    } catch (error) {
      // A store that is away closes no epoch: as with intake.
      if (!isFault(error)) throw error;
      onFault(error);
      return;
    }
    // Found by the first look, or by one after a long sleep, the mark may be old: then nothing is certain but what is there now.
    const timely = before !== undefined && at - before < 2 * closingLookMs;
    markedAt = timely ? at : at - lateMs;
  }

  async function look(): Promise<void> {
    if (markedAt === undefined && !isYoung(lookedAt)) {
      looking ??= ask().finally(() => {
        looking = undefined;
      });
      await looking;
    }
    if (isDue()) await ends();
  }

  const isDue = (): boolean => markedAt !== undefined && clock.now() - markedAt >= lateMs - closingLookMs;

  function ends(): Promise<readonly number[]> {
    frozen ??= freeze().catch((error: unknown) => {
      frozen = undefined;
      throw error;
    });
    return frozen;
  }

  /** Ends of the log, where no next epoch has taken its own before; else nothing more is folded from here. */
  async function freeze(): Promise<readonly number[]> {
    const ends = (await log.bounds()).map(({ end }) => end);
    return (await readEpochs(truth)).length > epoch.epoch ? ends.map(() => 0) : ends;
  }

  return {
    look,
    async until(partition) {
      await look();
      return isDue() ? ((await ends())[partition] ?? 0) : Number.POSITIVE_INFINITY;
    },
  };
}

/** A lane of the open epoch that ends at its limit; what is left the next session reads, up to the epoch's end. */
export function limitedSource(source: LaneSource, partition: number, limit: FoldLimit): LaneSource {
  return {
    ...source,
    async pull(): Promise<Pulled | undefined> {
      const pulled = await source.pull();
      if (pulled === undefined) return undefined;
      const until = await limit.until(partition);
      const { slice } = pulled;
      if (slice.next <= until) return pulled;
      const records = slice.records.filter(({ offset }) => offset < until);
      const { next } = source.progress();
      return until <= next ? undefined : { ...pulled, slice: { records, next: until } };
    },
  };
}
