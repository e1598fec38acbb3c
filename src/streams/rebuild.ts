import { formatCut, parseCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { hashBuckets } from '../formats/root.ts';
import type { ModelIndex } from '../ports/read-model.ts';
import { indexName } from '../ports/search-values.ts';
import type { Projection } from '../projections/projection.ts';
import { withClaim } from './claim.ts';
import { coveringCheckpoint } from './covering-checkpoint.ts';
import { inSteps } from './few-at-a-time.ts';
import { fillIndex } from './fill-index.ts';
import { laneSpans } from './fold-history.ts';
import { refuseEnded } from './index-ahead.ts';
import { changeKept, dropLeftovers } from './kept-indexes.ts';
import { patiently } from './patiently.ts';
import { prove } from './prove-rebuild.ts';
import {
  endJob,
  type Filling,
  type HeldJob,
  holdJob,
  isResumable,
  type RebuildJob,
  readJob,
  removeWork,
} from './rebuild-job.ts';
import { notingJob } from './rebuild-notes.ts';
import { lanesDone, paceOf, type RebuildProgress } from './rebuild-pace.ts';
import type { RebuildContext, RebuildPlan } from './rebuild-plan.ts';
import { keepReport, measuredReport, type RebuildReport } from './rebuild-report.ts';
import { leaveBeside, type Proven, swapIn } from './rebuild-swap.ts';

const unsearchableShown = 10;

/** What a rebuild works with, under its claim. `signal` aborts at a stop, a cancellation, or when the claim or record is lost. */
interface Work extends Proven {
  readonly plan: RebuildPlan;
  readonly onProgress: (progress: RebuildProgress) => void;
}

/**
 * Builds a fresh index of a projection from the archive alone, up to the plan's cut; follows the archive from there to where it
 * ends now; reads back all of it, compares its root with the root of the fold, and proves that a search finds it; then, and
 * only then, makes it the serving one and keeps the one before. Readers keep the old index until then. At a past cut it is left
 * beside what serves.
 *
 * Stopped at any step, by a signal or a kill, it is gone on with by the next plan: the same id, the same index, from the step it
 * had come to. So is one that failed for what may pass, and one whose swap was refused. Any other failure, and a cancellation
 * (an abort by `REBUILD_CANCELLED`), leaves nothing. Rejects with `REBUILD_DIFFERS`, `REBUILD_EMPTY`, `REBUILD_UNINDEXABLE`,
 * `REBUILD_UNSEARCHABLE`, `REBUILD_RUNNING`, `REBUILD_CANCELLED`, `SWAP_REFUSED`, `ARCHIVE_CORRUPT`, and with `VERSION_AHEAD`
 * where an epoch ended meanwhile before the plan's cut; nothing is swapped then.
 */
export async function rebuild(
  context: RebuildContext,
  projection: Projection,
  plan: RebuildPlan,
  id: string,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<RebuildReport> {
  const { store, clock } = context;
  const claim = { state: store.state, clock, projection: plan.projection };
  const own = plan.resumes?.id ?? id;
  return withClaim(claim, { id: own, kind: 'rebuild' }, async (lost, fence, announce) => {
    const held = await takeJob(context, projection, plan, own, fence);
    const earlier = await measuredReport(store.state, plan.projection, plan.events);
    const pace = paceOf(clock.now, earlier);
    try {
      return await notingJob(held, clock, AbortSignal.any([signal, lost]), async (until, note) => {
        const told = (progress: RebuildProgress): void => {
          const paced = pace(progress);
          note(paced);
          onProgress(paced);
        };
        const index = await openIndex(context, projection, held);
        return run({ context, projection, plan, held, index, announce, onProgress: told, signal: until });
      });
    } catch (error) {
      // Whoever took it over works on the same index.
      const isOthers = lost.aborted || isFault(error, 'REBUILD_RUNNING');
      if (!isOthers) await context.onFailed?.(error);
      // What made the rebuild fail is what is told; what cannot be dropped now goes before the next one.
      if (!isOthers && !isResumable(error, signal))
        await discard(context, projection, held.job).catch(onlyFaults);
      throw error;
    }
  });
}

/** Clears a rebuild away that was left: its index, unless it serves by now, its work, its record. Only under the claim. */
export async function discard(
  context: RebuildContext,
  projection: Projection,
  job: RebuildJob,
): Promise<void> {
  const { store, model } = context;
  const serving = await model.serving(projection.definition);
  if (serving?.name !== job.index) {
    await changeKept(store.state, job.projection, ({ swap, beside }) => ({
      swap: swap?.to.index === job.index ? job.before : swap,
      beside: beside.filter(({ index }) => index !== job.index),
    }));
    await model.drop(job.index);
  }
  await endJob(store, job);
}

function onlyFaults(error: unknown): void {
  if (!isFault(error)) throw error;
}

/** The record of what was left, with the new fence; or, in its place, that of a rebuild that begins. */
async function takeJob(
  context: RebuildContext,
  projection: Projection,
  plan: RebuildPlan,
  id: string,
  fence: number,
): Promise<HeldJob> {
  const { store, clock } = context;
  const { definition, frozen } = projection;
  const shared = context.leads !== undefined;
  const left = await readJob(store.state, plan.projection);
  if (left !== undefined && left.id === plan.resumes?.id) {
    if (left.cancelled) throw new Fault('REBUILD_CANCELLED', { projection: plan.projection, id: left.id });
    const { replaces } = plan;
    return holdJob(store.state, { ...left, shared, replaces, fence, resumed: left.resumed + 1 });
  }
  if (left !== undefined) await discard(context, projection, left);
  await dropLeftovers(context, projection);
  return holdJob(store.state, {
    ...{ id, fence, kind: plan.kind, projection: plan.projection, version: plan.version, fold: frozen },
    ...{ until: plan.until, replaces: plan.replaces, index: indexName(definition, suffixOf(id)), shared },
    ...{ startedAt: clock.now(), step: 'fill', filled: null, search: null, proven: null, before: null },
    ...{ foldMs: 0, readBackMs: 0, resumed: 0, progress: null, cancelled: false },
  });
}

/** Index names take `[a-z0-9]`, at most 24: the end of a UUID is what differs. */
const suffixOf = (id: string): string => id.replaceAll('-', '').slice(-12);

/**
 * The index of the record. One that is not there any more, or never was, is filled from the start; it notes the fold that fills
 * it, whose code is kept before.
 */
async function openIndex(
  context: RebuildContext,
  projection: Projection,
  held: HeldJob,
): Promise<ModelIndex> {
  const { store, model, keepFold } = context;
  const { definition, frozen: fold } = projection;
  const found = await model.open(held.job.index, definition);
  if (found !== undefined) return found;
  if (held.job.resumed > 0) {
    await removeWork(store.state, held.job.id);
    await held.note({ step: 'fill', filled: null });
  }
  const bundle = await keepFold?.(projection);
  const made = { ...definition, fold, ...(bundle === undefined ? {} : { bundle }) };
  return model.create(made, suffixOf(held.job.id));
}

async function run(work: Work): Promise<RebuildReport> {
  const { context, projection, held, signal } = work;
  const patience = { clock: context.clock, patienceMs: context.patienceMs ?? 0, signal };
  const filled = held.job.filled ?? (await patiently(() => fill(work), patience));
  // A record that says nothing of a proof is of a program that proved less.
  if (held.job.step === 'prove' || held.job.proven === null)
    await patiently(() => prove(work, filled), patience);
  await refuseEnded(context.store.truth, held.job);
  signal.throwIfAborted();
  work.onProgress({ phase: 'swap', done: 0, total: 1 });
  await (held.job.kind === 'rebuild' ? swapIn(work) : leaveBeside(work));
  const report = await reportOf(work);
  await keepReport(context.store.state, report, context.signer);
  // The record goes last but for what no record names: a crash before goes on here.
  await endJob(context.store, held.job);
  await dropLeftovers(context, projection).catch(onlyFaults);
  work.onProgress({ phase: 'swap', done: 1, total: 1 });
  return report;
}

/** Fills the index with the whole history, and saves where its lanes ended. */
async function fill({ context, projection, plan, held, index, onProgress, signal }: Work): Promise<Filling> {
  const started = context.clock.now();
  const { events: total } = plan;
  const record = { id: held.job.id, clock: context.clock };
  const task = { projection, until: held.job.until, index, signal, record };
  const spans = laneSpans({ epochs: context.epochs, until: held.job.until });
  const { root, counts, lanes, folded, unindexable, search, members } = await (context.fill ?? fillIndex)(
    context,
    task,
    ({ records, documents, lanes: done }) =>
      onProgress({ phase: 'fold', done: records, total, documents, lanes: lanesDone(spans, done) }),
  );
  await index.saveProgress(lanes);
  await Promise.all([index.refresh(), inSteps(hashBuckets(root), () => context.clock.wait(0))]);
  const filled: Filling = {
    root: root.root(),
    documents: root.size,
    events: counts.records,
    outcomes: counts.outcomes,
    lanes: folded,
    unindexable: unindexable.length,
    search,
    unsearchable: unindexable.slice(0, unsearchableShown),
    ...(members === undefined ? {} : { members }),
  };
  const foldMs = held.job.foldMs + context.clock.now() - started;
  await held.note({ step: 'prove', filled, foldMs });
  return filled;
}

async function reportOf({ context, plan, held, index, signal }: Work): Promise<RebuildReport> {
  const { store, epochs, clock } = context;
  const cover = context.cover ?? ((...[known, reached]) => coveringCheckpoint(store, known, reached));
  const { job } = held;
  const { cut, root, documents, events, outcomes, followed, unindexable, unsearchable } = job.proven!;
  const perSecond = (count: number, ms: number): number | null =>
    ms === 0 ? null : Math.round((count / ms) * 1_000);
  return {
    ...{ id: job.id, kind: job.kind, log: epochs[0]!.log },
    ...{ projection: job.projection, version: job.version, fold: job.fold },
    bundle: index.definition.bundle ?? null,
    ...{ index: index.name, replaced: job.replaces, cut, folded: formatCut(job.until) },
    checkpoint: await cover(epochs, parseCut(cut)!, signal),
    ...{ events, followed, segments: plan.segments, documents },
    ...{ unindexable, unsearchable, outcomes },
    search: job.search,
    ...{ root, startedAt: job.startedAt, endedAt: clock.now(), resumed: job.resumed },
    ...{ foldMs: job.foldMs, readBackMs: job.readBackMs },
    lanes: (job.filled?.lanes ?? []).map(({ records, ...lane }) => ({
      ...{ ...lane, events: records, eventsPerSecond: perSecond(records, job.foldMs) },
    })),
    eventsPerSecond: perSecond(events - followed, job.foldMs),
    documentsPerSecond: perSecond(documents, job.foldMs + job.readBackMs),
    ...(context.leads === undefined || job.filled?.members === undefined
      ? {}
      : { ledBy: context.leads, members: job.filled.members }),
  };
}
