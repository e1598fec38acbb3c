import { Fault, isFault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Archiver } from '../streams/archiver.ts';
import { archiveEnd } from '../streams/chain.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { Projector } from '../streams/projector.ts';
import type { Log } from './runtime.ts';

/** Looking for the archive's end reads its tails. */
const archivePollMs = 1_000;

export interface CatchUp {
  /**
   * Waits until the archive is as far as the log was when asked, so that a plan made then covers what was acknowledged
   * before. Gives that end; undefined where the log is away: the archive is then all there is to go by. Rejects with
   * `ARCHIVE_BEHIND` where the archiver does not get there in time, and with the signal's reason.
   */
  archived(signal: AbortSignal): Promise<readonly number[] | undefined>;
  /** Waits until the archive holds all before `next` of the open epoch. Rejects as `archived`. */
  archivedTo(next: readonly number[], signal: AbortSignal): Promise<void>;
  /**
   * Waits until a projection has stored all before `next`: what a crash stored ahead of its progress is then part of it. A
   * projection that cannot get there is left as it is.
   */
  projected(projector: Projector, next: readonly number[], signal: AbortSignal): Promise<void>;
}

export function catchUp(world: {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly open: Epoch;
  /** Where it runs in this process. */
  readonly archiver: Archiver | undefined;
  readonly waitMs: number;
  readonly say: Log;
}): CatchUp {
  const { store, clock, log, open, archiver, waitMs, say } = world;

  /** Aborts the work's signal with `late` when time is up. */
  async function within(
    late: Fault,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const [over, timeout] = [new AbortController(), new AbortController()];
    const timing = clock.wait(waitMs, over.signal).then(
      () => timeout.abort(late),
      (error: unknown) => {
        if (!over.signal.aborted) throw error;
      },
    );
    try {
      await work(AbortSignal.any([signal, timeout.signal]));
    } finally {
      over.abort();
      await timing;
    }
  }

  async function archivedElsewhere(next: readonly number[], signal: AbortSignal): Promise<void> {
    for (const [partition, end] of next.entries()) {
      const lane = { topic: open.name, epoch: open.epoch, partition };
      while ((await archiveEnd(store, lane)).next < end) await clock.wait(archivePollMs, signal);
    }
  }

  function archivedTo(next: readonly number[], signal: AbortSignal): Promise<void> {
    const late = new Fault('ARCHIVE_BEHIND', { epoch: open.epoch, end: next.join('.'), waitMs });
    return within(late, signal, (until) =>
      archiver === undefined ? archivedElsewhere(next, until) : archiver.reach(next, until),
    );
  }

  return {
    async archived(signal) {
      let next: number[];
      try {
        next = (await log.bounds()).map(({ end }) => end);
      } catch (error) {
        if (!isFault(error, 'LOG_UNAVAILABLE')) throw error;
        say('warn', 'log away', { code: error.code, error: error.message });
        return undefined;
      }
      await archivedTo(next, signal);
      return next;
    },
    archivedTo,
    async projected(projector, next, signal) {
      const late = new Fault('MODEL_UNAVAILABLE', { reason: 'it does not catch up with the log', waitMs });
      try {
        await within(late, signal, (until) => projector.reach(next, until));
      } catch (error) {
        if (!isFault(error)) throw error;
        say('warn', 'projection behind', { code: error.code, error: error.message });
      }
    },
  };
}
