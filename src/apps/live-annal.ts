import type { Ports } from '../composition/compose.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { Intake } from '../intake/submit.ts';
import type { EventLog } from '../ports/event-log.ts';
import { epochName } from '../streams/archive-names.ts';
import { type Epoch, readEpochs } from '../streams/epochs.ts';
import type { AnnalOfEpoch } from './annal.ts';
import type { Log, Runtime } from './runtime.ts';

/** All that works on one epoch. */
export interface Session {
  readonly epochs: readonly Epoch[];
  readonly log: EventLog;
  readonly intake: Intake | undefined;
  readonly runtime: Runtime;
  /** Ends the lanes and what watches; intake and log stay open. */
  stop(): Promise<void>;
}

export interface LiveOptions {
  readonly ports: Pick<Ports, 'archive' | 'logHost' | 'clock'>;
  readonly first: { readonly epochs: readonly Epoch[]; readonly log: EventLog };
  readonly openIntake: (log: EventLog, epochs: readonly Epoch[]) => Promise<Intake | undefined>;
  readonly begin: (epochs: readonly Epoch[], log: EventLog, intake: Intake | undefined) => Session;
  /** How often to look whether another epoch is open; null = never by itself. */
  readonly lookMs: number | null;
  readonly say: Log;
}

/** Goes on from epoch to epoch: whoever holds `runtime` or `intake` need not know. */
export interface LiveAnnal {
  readonly runtime: Runtime;
  /** The same for good; undefined where this process takes nothing in. */
  readonly intake: Intake | undefined;
  /** Looks whether another epoch is open, and goes over to it. */
  goOn(): Promise<void>;
  stop(): Promise<void>;
}

export async function liveAnnal(options: LiveOptions): Promise<LiveAnnal> {
  const { ports, first, lookMs, say } = options;
  const { truth } = ports.archive;
  const stopping = new AbortController();
  let takesIn = await options.openIntake(first.log, first.epochs);
  let session = options.begin(first.epochs, first.log, takesIn);
  let turning: Promise<void> = Promise.resolve();

  async function turn(): Promise<void> {
    if (stopping.signal.aborted) return;
    const before = session;
    const known = before.epochs.at(-1)!.epoch;
    if ((await truth.read(epochName(known + 1))) === undefined) return;
    const epochs = await readEpochs(truth);
    const log = await ports.logHost.open(epochs.at(-1)!);
    // What the old epoch did not take is answered before anything of the same sender can enter the new one.
    await before.intake?.closeEpoch();
    const intake = await options.openIntake(log, epochs);
    takesIn = intake;
    await before.stop();
    session = options.begin(epochs, log, intake);
    await before.intake?.[Symbol.asyncDispose]();
    await before.log[Symbol.asyncDispose]();
    const { epoch, topic, partitions } = epochs.at(-1)!;
    say('info', 'epoch entered', { epoch, topic, partitions });
  }

  /** One turn at a time, in the order in which they are asked for. */
  function goOn(): Promise<void> {
    const turned = turning.then(turn);
    turning = turned.then(settled, settled);
    return turned;
  }

  async function watch(everyMs: number): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await ports.clock.wait(everyMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) return;
      try {
        await goOn();
      } catch (error) {
        if (!isFault(error)) throw error;
        say('warn', 'next epoch not entered', { code: error.code, error: error.message });
      }
    }
  }

  const watching = lookMs === null ? Promise.resolve() : watch(lookMs);
  watching.catch((error: unknown) => queueMicrotask(() => Promise.reject(error)));
  const intake = takesIn === undefined ? undefined : intakeOf(() => takesIn!);
  return {
    runtime: runtimeOf(() => session.runtime, intake),
    intake,
    goOn,
    async stop() {
      stopping.abort();
      await watching;
      await turning;
      await takesIn?.[Symbol.asyncDispose]();
      await session.stop();
      await session.log[Symbol.asyncDispose]();
    },
  };
}

/** Whoever asked for a turn was told how it ended; the next one does not care. */
const settled = (): void => undefined;

const intakeOf = (current: () => Intake): Intake => ({
  submit: (submission) => current().submit(submission),
  submitEvents: (events, principal) => current().submitEvents(events, principal),
  republish: (events) => current().republish(events),
  closeEpoch: () => current().closeEpoch(),
  status: () => current().status(),
  [Symbol.asyncDispose]: () =>
    Promise.reject(new Fault('INTERNAL', { reason: 'intake is closed with what holds it' })),
});

function runtimeOf(current: () => Runtime, intake: Intake | undefined): Runtime {
  const asks: Omit<AnnalOfEpoch, 'epochs' | 'ports' | 'intake' | 'model' | 'watch'> = {
    projections: () => current().projections(),
    archive: () => current().archive(),
    missing: () => current().missing(),
    health: () => current().health(),
    cut: (projection) => current().cut(projection),
    reached: (...asked) => current().reached(...asked),
    moved: (...asked) => current().moved(...asked),
    plan: (...asked) => current().plan(...asked),
    rebuild: (...asked) => current().rebuild(...asked),
    rebuilds: () => current().rebuilds(),
    rebuildOf: (id) => current().rebuildOf(id),
    cancel: (id) => current().cancel(id),
    rollback: (projection) => current().rollback(projection),
    retire: (...asked) => current().retire(...asked),
    report: (id) => current().report(id),
    verify: (...asked) => current().verify(...asked),
    drills: (most) => current().drills(most),
    drillOf: (id) => current().drillOf(id),
    keepDrill: (note) => current().keepDrill(note),
    operation: (id) => current().operation(id),
    ended: (id) => current().ended(id),
  };
  return {
    ...asks,
    intake,
    get epochs() {
      return current().epochs;
    },
    get ports() {
      return current().ports;
    },
    get model() {
      return current().model;
    },
    get watch() {
      return current().watch;
    },
    get log() {
      return current().log;
    },
    get archiver() {
      return current().archiver;
    },
    get projectors() {
      return current().projectors;
    },
    stop: () => current().stop(),
  };
}
