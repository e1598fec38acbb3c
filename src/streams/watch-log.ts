import { Fault, isFault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { Batch, EventLog, Lane, LogReader } from '../ports/event-log.ts';
import { logAges } from './log-ages.ts';

/** A lane that was given up and has not moved since. */
export interface StalledLane {
  /** Of the readers it belongs to; null where it reads alone. */
  readonly group: string | null;
  readonly partition: number;
  /** Where it stands, and where the log ended when it was given up. */
  readonly next: number;
  readonly end: number;
}

/** An eye on a log that does not rely on its lanes. */
export interface LogWatch extends AsyncDisposable {
  /** The same log. A pull of its lanes also rejects with `LANE_STALLED`: see `watchLog`. */
  readonly log: EventLog;
  stalled(): readonly StalledLane[];
  /** How often a lane was given up, by partition. */
  readonly stalls: readonly number[];
  /** For how long records at or behind `next` have been in the log, as far as was looked; 0 where there are none. */
  ageMs(partition: number, next: number): number;
}

export interface WatchOptions {
  readonly clock: Clock;
  /** A lane that waits for so long though the log has more is given up. */
  readonly stallMs: number;
  readonly onStall: (lane: StalledLane) => void;
}

/** Between two looks at the log's bounds. */
const lookMaxMs = 5_000;

interface Pulling {
  readonly group: string | null;
  readonly partition: number;
  readonly next: () => number;
  behindSince: number | undefined;
  readonly giveUp: (fault: Fault) => void;
}

const nameOf = ({ group, partition }: { group: string | null; partition: number }): string =>
  `${partition} ${group ?? ''}`;

/**
 * Compares, on a way of its own, what lanes wait for with what the log holds. A lane that gets nothing for `stallMs` though
 * the log's end lies beyond its `next` is given up with `LANE_STALLED`, whatever it waits for: who pulled it asks for a new
 * one, which comes with a new connection. Clients that fall silent after a network fault are the commonest trouble of hosted
 * Kafka. Disposing ends the looking; the log stays open.
 */
export function watchLog(log: EventLog, { clock, stallMs, onStall }: WatchOptions): LogWatch {
  const ages = logAges();
  const pulling = new Set<Pulling>();
  const stuck = new Map<string, StalledLane & { readonly at: number }>();
  const stalls = new Array<number>(log.partitions).fill(0);
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<void>();

  const look = async (): Promise<void> => {
    const bounds = await log.bounds();
    const now = clock.now();
    for (const [partition, { end }] of bounds.entries()) ages.see(partition, end, now);
    for (const lane of [...pulling]) {
      const { partition } = lane;
      const next = lane.next();
      const end = bounds[partition]?.end ?? 0;
      lane.behindSince = end > next ? (lane.behindSince ?? now) : undefined;
      if (lane.behindSince !== undefined && now - lane.behindSince >= stallMs) giveUp(lane, next, end);
    }
  };

  const giveUp = (lane: Pulling, next: number, end: number): void => {
    const { group, partition } = lane;
    const told = { group, partition, next, end };
    stalls[partition]! += 1;
    stuck.set(nameOf(told), { ...told, at: clock.now() });
    pulling.delete(lane);
    onStall(told);
    lane.giveUp(new Fault('LANE_STALLED', { partition, next, end, waitedMs: stallMs }));
  };

  const looking = (async () => {
    while (!stopping.signal.aborted) {
      try {
        // A look that hangs is left behind: it holds nothing.
        await Promise.race([look(), stopped.promise]);
      } catch (error) {
        // A log that is away is told by those who need it; there is nothing to compare.
        if (!isFault(error)) throw error;
      }
      // Only stopping ends the wait early.
      await clock.wait(Math.min(lookMaxMs, stallMs / 4), stopping.signal).catch(() => undefined);
    }
  })();

  function watched(lane: Lane, group: string | null, from: number): Lane {
    const { partition } = lane;
    let next = from;
    const here = (): number => Math.max(next, lane.next ?? next);
    const moved = ({ records }: Batch): void => {
      next = records.at(-1)!.offset + 1;
      const stood = stuck.get(nameOf({ group, partition }));
      if (stood !== undefined && next > stood.next) stuck.delete(nameOf(stood));
    };
    return {
      partition,
      get next() {
        return here();
      },
      async pull(signal) {
        const stop = new AbortController();
        const given = Promise.withResolvers<never>();
        const entry: Pulling = {
          ...{ group, partition, behindSince: undefined },
          next: here,
          giveUp(fault) {
            given.reject(fault);
            stop.abort(fault);
          },
        };
        pulling.add(entry);
        try {
          // One that hangs may not even hear that it is over.
          const pulled = lane.pull(AbortSignal.any([signal, stop.signal]));
          const batch = await Promise.race([pulled, given.promise]);
          moved(batch);
          return batch;
        } finally {
          pulling.delete(entry);
        }
      },
    };
  }

  const readerOf = (reader: LogReader, group: string | null): LogReader => ({
    assignments: (signal) => reader.assignments(signal),
    lane: (partition, next) => watched(reader.lane(partition, next), group, next),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  });

  return {
    log: {
      epoch: log.epoch,
      partitions: log.partitions,
      append: (partition, records) => log.append(partition, records),
      bounds: () => log.bounds(),
      ...(log.retire === undefined ? {} : { retire: (known) => log.retire!(known) }),
      reader: async (group) => readerOf(await log.reader(group), group),
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    },
    stalled: () =>
      // Nobody waits there any more: the partition went to another process, which tells of itself.
      [...stuck.values()].filter(
        (lane) => clock.now() - lane.at < stallMs || [...pulling].some((own) => nameOf(own) === nameOf(lane)),
      ),
    stalls,
    ageMs: (partition, next) => ages.ageMs(partition, next, clock.now()),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      stopped.resolve();
      await looking;
    },
  };
}
