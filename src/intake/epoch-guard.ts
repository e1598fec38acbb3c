import { Fault, isFault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';
import { closingLookMs } from '../ports/event-log.ts';

/** Keeps intake from appending to an epoch that is closed. */
export interface EpochGuard {
  /**
   * Before an append: looks for the closing mark, unless the last look is young enough. Gives when it was looked; rejects with
   * `EPOCH_CLOSED`.
   */
  before(): Promise<number>;
  /**
   * After an append was answered, and before anybody hears of it. A process that stood still in between may have been waited
   * for in vain: what it then appended may stand behind the epoch's end. Rejects with `APPEND_UNKNOWN` where that may be so.
   */
  after(lookedAt: number): Promise<void>;
  /** From now on `before` rejects. */
  close(): void;
  readonly closed: boolean;
}

export interface GuardOptions {
  readonly epoch: number;
  readonly clock: Clock;
  /** Whether the epoch is marked closed. */
  readonly isClosed: () => Promise<boolean>;
  /** Told of looks that failed. */
  readonly onFault: (fault: Fault) => void;
}

/** A store that does not answer keeps an append waiting no longer than this. */
const lookWaitMs = 1_000;

/**
 * One look serves all partitions. A store that is away is no closed epoch: appending goes on, and is looked for again; whoever
 * closes the epoch meanwhile sees that the log still grows, and what comes behind its end is published again.
 */
export function epochGuard({ epoch, clock, isClosed, onFault }: GuardOptions): EpochGuard {
  let closed = false;
  let lookedAt: number | undefined;
  let looking: Promise<void> | undefined;

  const isYoung = (at: number | undefined): boolean =>
    at !== undefined && clock.now() - at < closingLookMs && at <= clock.now();

  async function ask(): Promise<void> {
    try {
      if (await isClosed()) closed = true;
    } catch (error) {
      if (!isFault(error)) throw error;
      onFault(error);
    }
  }

  function look(): Promise<void> {
    looking ??= (async () => {
      const at = clock.now();
      const waiting = new AbortController();
      const late = clock.wait(lookWaitMs, waiting.signal).catch((error: unknown) => {
        if (!waiting.signal.aborted) throw error;
      });
      const asked = ask();
      try {
        await Promise.race([asked, late]);
      } finally {
        waiting.abort();
        lookedAt = at;
        looking = undefined;
      }
    })();
    return looking;
  }

  return {
    async before() {
      if (!closed && !isYoung(lookedAt)) await look();
      if (closed) throw new Fault('EPOCH_CLOSED', { epoch });
      return lookedAt!;
    },
    async after(at) {
      if (isYoung(at)) return;
      if (!closed) await look();
      if (closed) throw new Fault('APPEND_UNKNOWN', { epoch, reason: 'the epoch was closed meanwhile' });
    },
    close() {
      closed = true;
    },
    get closed() {
      return closed;
    },
  };
}
