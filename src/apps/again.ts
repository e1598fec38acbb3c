import type { Clock } from '../ports/clock.ts';

/**
 * Does `work` once in `everyMs`, reckoned from begin to begin; one that takes longer is followed by the next at once. Rejects
 * with the signal's reason once it aborts, and with whatever `work` rejects with.
 */
export async function again(
  clock: Clock,
  everyMs: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<never> {
  for (;;) {
    signal.throwIfAborted();
    const begunAt = clock.now();
    await work();
    await clock.wait(Math.max(0, begunAt + everyMs - clock.now()), signal);
  }
}
