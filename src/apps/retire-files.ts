import { isFault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Archiver } from '../streams/archiver.ts';
import type { Log } from './runtime.ts';

const everyMs = 60_000;

/** Lets a log that has no retention of its own forget what stands in segments, now and then, until aborted. */
export function retireFiles(options: {
  readonly log: EventLog;
  readonly archiver: Archiver;
  readonly clock: Clock;
  readonly say: Log;
  readonly signal: AbortSignal;
}): void {
  const { log, archiver, clock, say, signal } = options;
  if (log.retire === undefined) return;
  const retire = log.retire.bind(log);

  async function retireOnce(): Promise<void> {
    const archivedTo = archiver.status().map(({ sealed }) => sealed);
    try {
      const files = await retire({ archivedTo, now: clock.now() });
      if (files > 0) say('info', 'log files retired', { files });
    } catch (error) {
      if (!isFault(error)) throw error;
      say('warn', 'log files not retired', { code: error.code, error: error.message });
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      await clock.wait(everyMs, signal);
      await retireOnce();
    }
  }
  run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
