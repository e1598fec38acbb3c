import { Fault, isFault } from '../domain/fault.ts';
import type { Projection } from '../projections/projection.ts';
import { type Claim, liveClaim } from './claim.ts';
import { readEpochs } from './epochs.ts';
import { fillByClaims, type Member } from './fill-by-claims.ts';
import { laneSpans } from './fold-history.ts';
import { patiently } from './patiently.ts';
import { rebuild } from './rebuild.ts';
import { isResumable, type RebuildJob, readJob, removeWork } from './rebuild-job.ts';
import { noteMs } from './rebuild-notes.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import type { AsOf } from './rebuild-plan.ts';
import { type AnyEpochs, planPresent } from './rebuild-present.ts';
import { type RebuildReport, readReport } from './rebuild-report.ts';
import { beginRun, failureOf, noteFailure, readRun, type SharedRun } from './shared-runs.ts';

/** How often to look what came of the work of the others. */
const lookMs = 1_000;

export interface PartAsked {
  readonly projection: Projection;
  readonly asOf?: AsOf | undefined;
  readonly member: Member;
  /** Names what belongs together: who comes when it is over gets what came of it, and begins nothing. See `isRunName`. */
  readonly run: string;
  readonly newId: () => string;
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Takes part in a rebuild that several processes do together, on whatever machines: each calls this. Whoever has the claim plans,
 * proves and swaps, and folds like the others meanwhile; where it falls silent, another one goes on from the step it had come
 * to. Gives the report of the rebuild in each of them, or rejects in each with what it failed of. Rejects with `REBUILD_RUNNING`
 * where somebody rebuilds the projection otherwise; whoever verifies it is waited for.
 */
export async function takePart(context: AnyEpochs, asked: PartAsked): Promise<RebuildReport> {
  const { projection, run, signal } = asked;
  const { store, clock } = context;
  const { projection: name } = projection.definition;
  /** The filling that there is nothing to do for any more. */
  let filled = '';
  for (;;) {
    signal.throwIfAborted();
    const known = await readRun(store.state, name, run);
    const claim = await liveClaim(store.state, name, clock);
    const job = await readJob(store.state, name);
    // After the claim: report and failure are written before it is let go.
    const over = known === undefined ? undefined : await endOf(context, name, known.id);
    if (over !== undefined) return over;
    if (claim === undefined) {
      if (job?.cancelled === true && job.id === known?.id) throw await cancelled(context, job);
      const led = await lead(context, asked, known);
      if (led !== undefined) return led;
    } else if (job !== undefined && job.id === claim.id) {
      await refuseOthers(context, asked, claim, job);
      const filling = `${job.id} ${job.fence}`;
      if (job.step === 'fill' && filled !== filling && (await help(context, asked, job))) filled = filling;
      else if (job.progress !== null) asked.onProgress(job.progress);
    }
    await clock.wait(lookMs, signal);
  }
}

/** The report of a rebuild that is done; throws what it failed of. */
async function endOf(
  { store }: AnyEpochs,
  projection: string,
  id: string,
): Promise<RebuildReport | undefined> {
  const kept = await readReport(store.state, projection, id);
  if (kept !== undefined) return kept.report;
  const failure = await failureOf(store.state, projection, id);
  if (failure !== undefined) throw failure;
  return undefined;
}

/** Somebody wanted it gone, and whoever led it was gone before. */
async function cancelled({ store }: AnyEpochs, { projection, id }: RebuildJob): Promise<Fault> {
  const fault = new Fault('REBUILD_CANCELLED', { projection, id });
  await noteFailure(store.state, projection, id, fault);
  return fault;
}

/** A rebuild of one process alone is no place for others, nor is that of another run or fold. */
async function refuseOthers(
  { store }: AnyEpochs,
  { projection, run }: PartAsked,
  claim: Claim,
  job: RebuildJob,
): Promise<void> {
  const { definition, frozen } = projection;
  const name = definition.projection;
  const isRun = (await readRun(store.state, name, run))?.id === job.id;
  if (job.shared === true && isRun && job.version === definition.version && job.fold === frozen) return;
  throw new Fault('REBUILD_RUNNING', { projection: name, id: claim.id, kind: claim.kind });
}

/** Does the rebuild, or goes on with the one that was left. Undefined where another process has it, or an epoch ended meanwhile. */
async function lead(
  context: AnyEpochs,
  { projection, asOf, member, run, newId, onProgress, signal }: PartAsked,
  known: SharedRun | undefined,
): Promise<RebuildReport | undefined> {
  const { state, truth } = context.store;
  const { projection: name } = projection.definition;
  const { plan, epochs } = await planPresent(context, projection, asOf);
  const id = plan.resumes?.id ?? newId();
  if (!(await beginRun(state, name, { run, known, id }))) return undefined;
  const hasTurned = async (error: unknown): Promise<boolean> =>
    isFault(error, 'VERSION_AHEAD') && (await readEpochs(truth)).length > epochs.length;
  const onFailed = async (error: unknown): Promise<void> => {
    const isOver = !isResumable(error, signal) || (isFault(error, 'SWAP_REFUSED') && !signal.aborted);
    if (!isOver || (await hasTurned(error))) return;
    const fault = isFault(error) ? error : new Fault('INTERNAL', { reason: String(error) }, error);
    await noteFailure(state, name, id, fault);
  };
  const leading = { ...context, epochs, fill: fillByClaims(member), leads: member.by, onFailed };
  try {
    return await rebuild(leading, projection, plan, id, onProgress, signal);
  } catch (error) {
    if (isFault(error, 'REBUILD_RUNNING') || (await hasTurned(error))) return undefined;
    throw error;
  }
}

/**
 * Fills the index of a rebuild that another process leads, together with it. True once there is nothing left to fill; false where
 * there is no index yet, or the rebuild ended or went on meanwhile.
 */
async function help(
  context: AnyEpochs,
  { projection, member, onProgress, signal }: PartAsked,
  { id, index: indexName, until }: RebuildJob,
): Promise<boolean> {
  const { store, model, clock, patienceMs = 0 } = context;
  const { projection: name } = projection.definition;
  const epochs = await readEpochs(store.truth);
  const total = laneSpans({ epochs, until }).reduce((sum, { end }) => sum + end, 0);
  const [gone, over] = [new AbortController(), new AbortController()];
  const isStill = async (): Promise<boolean> => {
    const job = await readJob(store.state, name);
    return job?.id === id && !job.cancelled && job.step === 'fill';
  };
  const watching = (async () => {
    for (;;) {
      await clock.wait(noteMs, over.signal);
      const still = await isStill().catch((error: unknown) => {
        // A store that is away for a while says nothing about the rebuild.
        if (isFault(error) && error.remedy === 'retry') return true;
        throw error;
      });
      if (!still) gone.abort(new Fault('REBUILD_CANCELLED', { projection: name, id }));
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) gone.abort(error);
  });
  const stop = AbortSignal.any([signal, gone.signal]);
  try {
    const index = await model.open(indexName, projection.definition);
    if (index === undefined) return false;
    const task = { projection, until, index, signal: stop, record: { id, clock } };
    const patience = { clock, patienceMs, signal: stop };
    await patiently(
      () =>
        fillByClaims(member)({ ...context, epochs }, task, ({ records, documents }) =>
          onProgress({ phase: 'fold', done: records, total, documents }),
        ),
      patience,
    );
    return true;
  } catch (error) {
    // What ended under its hands is looked for once more by whoever called.
    if (signal.aborted || (await isStill())) throw error;
    return false;
  } finally {
    over.abort();
    await watching;
    // What this process put down after the rebuild was cleared away is nobody's.
    if ((await readJob(store.state, name))?.id !== id) await removeWork(store.state, id);
  }
}
