import { isFault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { HeldJob } from './rebuild-job.ts';
import type { RebuildProgress } from './rebuild-pace.ts';

/** So often a rebuild writes down how far it is, and sees whether somebody wants it gone. */
export const noteMs = 5_000;

/**
 * Runs `work` and writes meanwhile how far it is into the record of the rebuild. The signal that `work` gets aborts by `signal`,
 * and when the record says that the rebuild was cancelled or is another's. A store that is away for a while costs notes only.
 */
export async function notingJob<Result>(
  held: HeldJob,
  clock: Clock,
  signal: AbortSignal,
  work: (until: AbortSignal, note: (progress: RebuildProgress) => void) => Promise<Result>,
): Promise<Result> {
  const [over, ended] = [new AbortController(), new AbortController()];
  let told: RebuildProgress | null = null;
  const noting = (async () => {
    for (;;) {
      await clock.wait(noteMs, over.signal);
      try {
        await held.note({ progress: told });
      } catch (error) {
        if (!isFault(error)) throw error;
        if (error.remedy === 'retry') continue;
        ended.abort(error);
        return;
      }
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) ended.abort(error);
  });
  try {
    return await work(AbortSignal.any([signal, ended.signal]), (progress) => {
      told = progress;
    });
  } finally {
    over.abort();
    await noting;
  }
}
