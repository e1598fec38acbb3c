import type { Clock } from '../../src/ports/clock.ts';

/** Time that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time to the next thing that waits for it, again and again, until `promise` settles. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Moves time by so much, stopping wherever something waits. */
  advance(waitMs: number): Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** Lets everything run that needs no time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function manualClock(start = 1_763_600_000_000): ManualClock {
  let now = start;
  const timers = new Set<Timer>();

  const earliest = (): Timer | undefined => [...timers].sort((a, b) => a.at - b.at)[0];

  function fireNext(timer: Timer): void {
    now = Math.max(now, timer.at);
    timers.delete(timer);
    timer.fire();
  }

  return {
    now: () => now,
    wait(waitMs, signal) {
      return new Promise<void>((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const timer = { at: now + waitMs, fire: resolve };
        timers.add(timer);
        signal?.addEventListener('abort', () => {
          timers.delete(timer);
          reject(signal.reason);
        });
      });
    },
    async until(promise) {
      let isSettled = false;
      const done = (): void => {
        isSettled = true;
      };
      promise.then(done, done);
      for (;;) {
        await settle();
        if (isSettled) return promise;
        const timer = earliest();
        if (timer === undefined) throw new Error('nothing waits for time, and the promise has not settled');
        fireNext(timer);
      }
    },
    async advance(waitMs) {
      const end = now + waitMs;
      for (;;) {
        await settle();
        const timer = earliest();
        if (timer === undefined || timer.at > end) break;
        fireNext(timer);
      }
      now = end;
      await settle();
    },
  };
}
