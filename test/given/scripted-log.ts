import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { EventLog, Lane, NewRecord } from '../../src/ports/event-log.ts';

/**
 * What the world does to one append. ok = appended and told; refused = not appended, and told so; reply-lost = appended, no
 * answer; request-lost = not appended, no answer; halted = the log needs somebody.
 */
export type Fate = 'ok' | 'refused' | 'reply-lost' | 'request-lost' | 'halted';
/** A promise: the append takes until then; ok where it resolves to nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: what waits for nothing but time.
export type Fortune = Fate | Promise<Fate | void>;

/** A log in memory that obeys its port, while the world does to it what the test says. */
export interface ScriptedLog extends EventLog {
  readonly records: readonly LogRecord[][];
  /** Asked for each append, in order; ok by default. */
  fortune: (partition: number) => Fortune;
  /** Appends as they were asked for. */
  readonly appends: { readonly partition: number; readonly records: readonly NewRecord[] }[];
  /** Forgets the records of a partition before an offset. */
  trim(partition: number, before: number): void;
}

/** Throws where a caller breaks the port's rule of one append in flight per partition. */
export function scriptedLog({ partitions = 2, epoch = 1, batchMax = 100 } = {}): ScriptedLog {
  const records: LogRecord[][] = Array.from({ length: partitions }, () => []);
  const firsts = new Array<number>(partitions).fill(0);
  const inFlight = new Set<number>();
  const wakers = new Set<() => void>();

  function put(partition: number, added: readonly NewRecord[]): number {
    const own = records[partition]!;
    const first = own.length;
    own.push(...added.map((record, i) => ({ ...record, offset: first + i, appendTime: 1_763_600_000_000 })));
    for (const wake of [...wakers]) wake();
    return first;
  }

  async function suffer(partition: number, added: readonly NewRecord[]): Promise<number> {
    const fortune = (await log.fortune(partition)) ?? 'ok';
    if (fortune === 'refused') throw new Fault('LOG_UNAVAILABLE', { partition });
    if (fortune === 'halted') throw new Fault('LOG_CORRUPT', { partition });
    if (fortune === 'request-lost') throw new Fault('APPEND_UNKNOWN', { partition });
    const first = put(partition, added);
    if (fortune === 'reply-lost') throw new Fault('APPEND_UNKNOWN', { partition });
    return first;
  }

  function laneFrom(partition: number, from: number): Lane {
    let next = from;
    const own = records[partition]!;
    return {
      partition,
      async pull(signal) {
        for (;;) {
          signal.throwIfAborted();
          if (next > own.length) throw new Fault('LOG_FORK', { partition, next, end: own.length });
          const first = firsts[partition]!;
          if (next < first) throw new Fault('LOG_TRIMMED', { partition, next, first });
          const batch = own.slice(next, next + batchMax);
          if (batch.length > 0) {
            next += batch.length;
            return { records: batch, end: own.length };
          }
          await new Promise<void>((resolve) => {
            wakers.add(resolve);
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      },
    };
  }

  const log: ScriptedLog = {
    ...{ epoch, partitions, records, appends: [] },
    fortune: () => 'ok',
    trim(partition, before) {
      firsts[partition] = before;
    },
    async append(partition, added) {
      if (inFlight.has(partition)) throw new RangeError('two appends in flight to one partition');
      inFlight.add(partition);
      log.appends.push({ partition, records: added });
      try {
        return { first: await suffer(partition, added), appendTime: 1_763_600_000_000 };
      } finally {
        inFlight.delete(partition);
      }
    },
    bounds: async () => records.map((own, partition) => ({ first: firsts[partition]!, end: own.length })),
    reader: async () => ({
      async *assignments(signal) {
        yield new Set(records.keys());
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve(), { once: true });
        });
      },
      lane: laneFrom,
      [Symbol.asyncDispose]: async () => undefined,
    }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return log;
}
