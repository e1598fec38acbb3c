import { isFault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';

const firstWaitMs = 1_000;
const waitMostMs = 15_000;

/**
 * Does `work`, and again after a while where it failed for what may pass; longer each time, until it has waited for `patienceMs` in
 * all. Work has to be such that a part of it done twice is done once. Rejects with the last failure, or any other at once.
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  {
    clock,
    patienceMs,
    signal,
  }: { readonly clock: Clock; readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<Result> {
  let waitedMs = 0;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, waitMostMs)) {
    try {
      return await work();
    } catch (error) {
      const passes = isFault(error) && error.remedy === 'retry' && !signal.aborted;
      if (!passes || waitedMs + waitMs > patienceMs) throw error;
    }
    await clock.wait(waitMs, signal);
    waitedMs += waitMs;
  }
}
