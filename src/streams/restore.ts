import { Fault, isFault } from '../domain/fault.ts';
import { formatPosition } from '../domain/position.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog, LogHost } from '../ports/event-log.ts';
import type { SchemaRegistry } from '../ports/schema-registry.ts';
import type { Epoch } from './epochs.ts';
import type { LaneSpan } from './fold-history.ts';
import { patiently } from './patiently.ts';
import { registryIds } from './restore-framing.ts';
import { beatMs, beginRestore, type HeldRestore, type RestoreJob, takeUpRestore } from './restore-job.ts';
import { type RestorePlan, spansOf, topicFor } from './restore-plan.ts';
import { appendBytesOf, isRestorable, publishLane } from './restore-publish.ts';
import { type WalkOptions, walkHistory } from './restore-walk.ts';
import { type ComparedLane, compareLane, openRestored, topicRecords } from './restored-lane.ts';

export interface RestoreContext {
  readonly store: ArchiveStore;
  readonly host: LogHost;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  /** All epochs, oldest first. */
  readonly epochs: readonly Epoch[];
  readonly signal: AbortSignal;
  readonly onProgress: (what: 'records published' | 'records compared', done: number, total: number) => void;
  /** Points at which a crash must do no harm. Tests stop the process there. */
  readonly probe?: (point: 'begun' | 'appended' | 'published') => void | Promise<void>;
}

/** A record that no append can hold: it is in the archive alone. */
export interface Omitted {
  readonly position: string;
  readonly bytes: number;
}

export interface RestoreReport {
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  /** Of them, appended by this run; the others were there. */
  readonly published: number;
  /** How many, and the first ones. */
  readonly omitted: number;
  readonly omittedFirst: readonly Omitted[];
  readonly lanes: readonly ComparedLane[];
  /** Whether every lane is, and nothing was left out. */
  readonly equal: boolean;
  readonly publishMs: number;
  readonly compareMs: number;
}

const omittedTold = 100;
const recordsPerLook = 1_000;
const patienceMs = 60_000;

/**
 * Publishes what a plan says into its topic, or goes on where that ends, and reads it back. Rejects with `RESTORE_RUNNING`, with
 * `RESTORE_DIFFERS` where the topic holds something else than how the archive begins, with `TOPIC_FORBIDDEN`, `TOPIC_MISSING`,
 * `TOPIC_MISMATCH`, `TOPIC_UNFIT`, and with the faults of archive, log and registry: then the same plan goes on.
 */
export async function restore(context: RestoreContext, plan: RestorePlan): Promise<RestoreReport> {
  const { host, epochs, clock } = context;
  const job = await jobOf(context, plan);
  const over = new AbortController();
  const beating = beat(clock, job, over);
  try {
    await using log = await openRestored(host, topicFor(job.job));
    const signal = AbortSignal.any([context.signal, over.signal]);
    const spans = spansOf(epochs, plan.until, plan.asked.epoch);
    const report = await published({ ...context, signal, log, job: job.job, spans }, plan);
    await patiently(() => job.note({ state: 'finished' }), { clock, patienceMs, signal });
    return report;
  } catch (error) {
    if (over.signal.aborted) throw over.signal.reason;
    // Left as working, whoever goes on with it waits until nothing can come to the topic any more.
    if (!isFault(error, 'APPEND_UNKNOWN')) await job.note({ state: 'stopped' }).catch(() => undefined);
    throw error;
  } finally {
    over.abort();
    await beating;
  }
}

interface Running extends RestoreContext {
  readonly log: EventLog;
  readonly job: RestoreJob;
  readonly spans: readonly LaneSpan[];
}

async function published(run: Running, plan: RestorePlan): Promise<RestoreReport> {
  const { clock, job, probe } = run;
  await probe?.('begun');
  const startedAt = clock.now();
  const { published, omitted } = await publish(run, plan);
  await probe?.('published');
  const publishedAt = clock.now();
  const lanes = await compared(run, plan);
  return {
    ...{ topic: job.topic, partitions: job.partitions, published, lanes },
    records: lanes.reduce((sum, { topic }) => sum + topic.records, 0),
    omitted: omitted.length,
    omittedFirst: omitted.slice(0, omittedTold),
    equal: omitted.length === 0 && lanes.every(({ equal }) => equal),
    publishMs: publishedAt - startedAt,
    compareMs: clock.now() - publishedAt,
  };
}

async function jobOf(context: RestoreContext, plan: RestorePlan): Promise<HeldRestore> {
  const { clock, host, signal } = context;
  const hands = { state: context.store.state, clock };
  if (plan.resumes !== null) return takeUpRestore(hands, plan.resumes, host.lateMs, signal);
  const { topic, k, partitions, asked, until } = plan;
  const [startedAt, owner] = [clock.now(), crypto.randomUUID()];
  const begun = { topic, k, owner, partitions, asked, until, startedAt, workedAt: startedAt };
  const held = await beginRestore(hands, { ...begun, state: 'working' });
  if (held === undefined) throw new Fault('RESTORE_RUNNING', { topic });
  return held;
}

/** Says every few seconds that the run is being worked on; ends it where somebody else has it. */
async function beat(clock: Clock, job: HeldRestore, over: AbortController): Promise<void> {
  while (!over.signal.aborted) {
    try {
      await clock.wait(beatMs, over.signal);
      await job.note({});
    } catch (error) {
      if (over.signal.aborted) return;
      // A store that is away for a moment ends no run: the next beat tells.
      if (error instanceof Fault && error.remedy === 'retry') continue;
      over.abort(error);
    }
  }
}

async function publish(
  run: Running,
  { events }: RestorePlan,
): Promise<{ readonly published: number; readonly omitted: readonly Omitted[] }> {
  const { log, job, clock, host, signal } = run;
  const bounds = await log.bounds();
  await using reader = await log.reader(null);
  const registryIdOf = registryIds(run.store.truth, run.registry, run.epochs[0]!.name);
  let [published, seen] = [0, 0];
  const omitted: Omitted[] = [];
  const lanes = bounds.map((found, partition) =>
    publishLane({
      ...{ log, topic: job.topic, partition, bounds: found, clock, lateMs: host.lateMs, signal },
      ...{ there: topicRecords(reader, partition, found), registryIdOf },
      async onAppended(records) {
        published += records;
        await run.probe?.('appended');
      },
    }),
  );
  await walkHistory({
    ...walking(run),
    take(placed) {
      seen += 1;
      if (seen % recordsPerLook === 0) run.onProgress('records published', seen, events);
      if (isRestorable(placed.view)) return lanes[placed.partition]!.take(placed);
      omitted.push({ position: formatPosition(placed.position), bytes: appendBytesOf(placed.view) });
      return undefined;
    },
  });
  for (const lane of lanes) await lane.end();
  return { published, omitted };
}

const walking = ({ store, spans, job, signal }: Running): Omit<WalkOptions, 'take'> => ({
  ...{ store, spans, signal, partitions: job.partitions },
});

/** Reads both sides once more, from their beginning. */
async function compared(run: Running, { events }: RestorePlan): Promise<readonly ComparedLane[]> {
  const { log, signal } = run;
  const bounds = await log.bounds();
  await using reader = await log.reader(null);
  const lanes = bounds.map((found, partition) =>
    compareLane(partition, topicRecords(reader, partition, found)),
  );
  let seen = 0;
  await walkHistory({
    ...walking(run),
    take(placed) {
      seen += 1;
      if (seen % recordsPerLook === 0) run.onProgress('records compared', seen, events);
      return isRestorable(placed.view) ? lanes[placed.partition]!.take(placed, signal) : undefined;
    },
  });
  const ended: ComparedLane[] = [];
  for (const lane of lanes) ended.push(await lane.end(signal));
  return ended;
}
