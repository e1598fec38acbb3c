import type { Clock } from '../ports/clock.ts';

export interface Deadline extends AsyncDisposable {
  /** Resolves after the time, or when the deadline is disposed of. Never rejects. */
  readonly passed: Promise<void>;
}

/** Starts counting now; to be disposed of, else its timer keeps the process alive. */
export function deadlineIn(clock: Clock, waitMs: number): Deadline {
  const timer = new AbortController();
  const passed = clock.wait(waitMs, timer.signal).catch((error: unknown) => {
    if (!timer.signal.aborted) throw error;
  });
  return {
    passed,
    async [Symbol.asyncDispose]() {
      timer.abort();
      await passed;
    },
  };
}
