import { Fault, isFault } from '../../domain/fault.ts';
import type { Batch, Lane, LogReader } from '../../ports/event-log.ts';
import type { Partition } from './partition.ts';

/** A reader of a log that one process owns: each reader of each group holds all partitions, for good. */
export function fileReader(partitions: readonly Partition[]): LogReader {
  const lanes = new Map<number, () => void>();
  const all: ReadonlySet<number> = new Set(partitions.keys());
  const closed = new AbortController();
  return {
    async *assignments(signal) {
      yield all;
      await aborted(signal, closed.signal);
    },
    lane(partition, next) {
      const source = partitions[partition];
      if (source === undefined) throw new RangeError(`partition ${partition} of ${partitions.length}`);
      lanes.get(partition)?.();
      const { lane, end } = fileLane(source, partition, next);
      if (closed.signal.aborted) end();
      lanes.set(partition, end);
      return lane;
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      for (const end of lanes.values()) end();
      lanes.clear();
    },
  };
}

/** Resolves once one of the signals aborts. */
const aborted = (...signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const stop = () => {
      for (const signal of signals) signal.removeEventListener('abort', stop);
      resolve();
    };
    if (signals.some((signal) => signal.aborted)) stop();
    else for (const signal of signals) signal.addEventListener('abort', stop);
  });

/** A lane over `source` and how to end it from outside. */
function fileLane(
  source: Partition,
  partition: number,
  start: number,
): { readonly lane: Lane; readonly end: () => void } {
  let next = start;
  let pulling = false;
  let spent: { readonly reason: unknown } | undefined;
  let wakeNow = () => {};

  async function nextBatch(signal: AbortSignal): Promise<Batch> {
    for (;;) {
      signal.throwIfAborted();
      if (spent !== undefined) throw spent.reason;
      const { first, end } = source.bounds();
      if (next > end) throw new Fault('LOG_FORK', { partition, next, end });
      if (next < first) throw new Fault('LOG_TRIMMED', { partition, next, first });
      if (next < end) {
        const batch = await source.read(next).catch((error: unknown) => {
          // Its file may have been removed meanwhile: look at the bounds again.
          if (source.bounds().first > next) return undefined;
          throw isFault(error) ? error : new Fault('LOG_UNAVAILABLE', { partition, next }, error);
        });
        if (batch === undefined) continue;
        signal.throwIfAborted();
        return batch;
      }
      await grown(signal);
    }
  }

  /** Resolves when there may be something new: more records, an abort, the end of the lane. */
  const grown = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = () => {
        forget();
        signal.removeEventListener('abort', wake);
        wakeNow = () => {};
        resolve();
      };
      const forget = source.onceGrown(wake);
      signal.addEventListener('abort', wake);
      wakeNow = wake;
    });

  const lane: Lane = {
    partition,
    async pull(signal) {
      if (pulling) throw new RangeError('a lane is pulled once at a time');
      pulling = true;
      try {
        const batch = await nextBatch(signal);
        next = batch.records.at(-1)!.offset + 1;
        return batch;
      } catch (reason) {
        spent ??= { reason };
        throw reason;
      } finally {
        pulling = false;
      }
    },
  };
  return {
    lane,
    end() {
      spent ??= { reason: new Fault('LANE_REVOKED', { partition }) };
      wakeNow();
    },
  };
}
