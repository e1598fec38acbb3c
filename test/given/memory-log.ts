import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { EventLog } from '../../src/ports/event-log.ts';

/** A log of one partition that a test writes by hand: offsets may be sparse, the head may go, the topic be made again. */
export interface MemoryLog extends EventLog {
  records: LogRecord[];
  /** Start of what the log still holds. */
  first: number;
  /** Offsets at or above it are not given by lanes yet, though they are in the log. */
  hidden: number;
  wake(): void;
}

export function memoryLog(epoch = 1): MemoryLog {
  const waiting = new Set<() => void>();
  const end = (): number => (log.records.at(-1)?.offset ?? log.first - 1) + 1;
  const log: MemoryLog = {
    epoch,
    partitions: 1,
    records: [],
    first: 0,
    hidden: Number.POSITIVE_INFINITY,
    wake() {
      for (const woken of [...waiting]) woken();
    },
    append: () => Promise.reject(new Error('a test writes this log by hand')),
    bounds: async () => [{ first: log.first, end: end() }],
    reader: async () => ({
      async *assignments(signal) {
        yield new Set([0]);
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve(), { once: true });
        });
      },
      lane(partition, from) {
        let next = from;
        return {
          partition,
          async pull(signal) {
            for (;;) {
              signal.throwIfAborted();
              if (next > end()) throw new Fault('LOG_FORK', { partition, next, end: end() });
              if (next < log.first) throw new Fault('LOG_TRIMMED', { partition, next, first: log.first });
              const records = log.records.filter(({ offset }) => offset >= next && offset < log.hidden);
              const last = records.at(-1);
              if (last !== undefined) {
                next = last.offset + 1;
                return { records, end: end() };
              }
              const woken = Promise.withResolvers<void>();
              waiting.add(woken.resolve);
              signal.addEventListener('abort', () => woken.resolve(), { once: true });
              await woken.promise;
              waiting.delete(woken.resolve);
            }
          },
        };
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return log;
}
