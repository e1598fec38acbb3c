import { lastValueFrom, type Observable } from 'rxjs';
import type { LogReader } from '../ports/event-log.ts';

/**
 * Runs a lane for each partition the reader holds: starts it when the partition is given, and when it is taken away
 * aborts its signal and waits for its end before anything else. Resolves once `signal` has aborted and every lane has
 * ended; rejects with the error of a lane, after the others have ended.
 */
export async function holdLanes(
  reader: LogReader,
  signal: AbortSignal,
  lane: (partition: number, signal: AbortSignal) => Observable<unknown>,
): Promise<void> {
  const running = new Map<number, { readonly cancel: AbortController; readonly done: Promise<unknown> }>();
  const failed = new AbortController();
  const ending = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  try {
    for await (const held of reader.assignments(until)) {
      for (const [partition, { cancel, done }] of running) {
        if (held.has(partition)) continue;
        running.delete(partition);
        cancel.abort();
        await done;
      }
      for (const partition of held) {
        if (running.has(partition)) continue;
        const cancel = new AbortController();
        const signals = AbortSignal.any([signal, ending.signal, cancel.signal]);
        const done = lastValueFrom(lane(partition, signals), { defaultValue: undefined }).catch(
          (error: unknown) => failed.abort(error),
        );
        running.set(partition, { cancel, done });
      }
    }
  } finally {
    ending.abort();
    await Promise.all([...running.values()].map(({ done }) => done));
  }
  if (failed.signal.aborted) throw failed.signal.reason;
}
