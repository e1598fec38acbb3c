import { v7 as uuidV7 } from 'uuid';
import { Fault, isFault } from '../domain/fault.ts';
import type { Projection } from '../projections/projection.ts';
import { projectionNamed, projections } from '../projections/registry.ts';
import { liveClaim, withClaim } from '../streams/claim.ts';
import type { Member } from '../streams/fill-by-claims.ts';
import type { FillIndex } from '../streams/fill-index.ts';
import { claimStaleMs } from '../streams/heartbeat.ts';
import { type RolledBack, retire, rollback } from '../streams/kept-indexes.ts';
import type { Projector } from '../streams/projector.ts';
import { discard } from '../streams/rebuild.ts';
import { isResumable, markCancelled, type RebuildJob, readJob } from '../streams/rebuild-job.ts';
import type { RebuildProgress } from '../streams/rebuild-pace.ts';
import { type AsOf, type RebuildContext, type RebuildPlan, resumedBy } from '../streams/rebuild-plan.ts';
import { planPresent, rebuildPresent } from '../streams/rebuild-present.ts';
import { type KeptReport, readReport, reportIds } from '../streams/rebuild-report.ts';
import { noteFailure } from '../streams/shared-runs.ts';
import { takePart } from '../streams/take-part.ts';
import type { Operation } from './annal.ts';
import { asOfIn } from './asked-cut.ts';
import type { CatchUp } from './catch-up.ts';
import { covering } from './covering.ts';
import type { Operations } from './operations.ts';
import type { Log } from './runtime.ts';

export interface RebuildOptions {
  /** It is refused at its end where the engine cannot search more documents; 0 by default. */
  readonly acceptUnindexable?: number;
  /** Whether an index may give way to one of no events: where the log was lost, that is what there is. */
  readonly acceptEmpty?: boolean;
  /** Threads that fold and store: as many chains of lanes at a time; 1 by default. */
  readonly workers?: number;
  /** A cut or a moment in the past, as somebody wrote it: the index is left beside the one that serves. */
  readonly asOf?: string;
  /** This process is one of several that do it together. */
  readonly share?: Share;
}

/** One of several processes that rebuild together, each with an archive and an index that all of them reach. */
export interface Share {
  readonly member: Member;
  /** As of `takePart`. */
  readonly run: string;
}

/** Rebuilds of every process that shares this archive, as far as their records tell. */
export interface Rebuilds {
  /** Waits until the archive has what the log held. Rejects with `MOMENT_INVALID`, `CUT_INVALID`, `ARCHIVE_BEHIND`. */
  plan(projection: string, asOf?: string): Promise<RebuildPlan>;
  /** Starts a rebuild, or goes on with the one that was left. Rejects with `REBUILD_RUNNING`. */
  rebuild(projection: string, options?: RebuildOptions): Promise<Operation>;
  /** Newest first: what runs or was left, here or elsewhere, and what is done, as far as reports are kept. */
  rebuilds(): Promise<readonly Operation[]>;
  rebuildOf(id: string): Promise<Operation | undefined>;
  /** Ends a rebuild, wherever it runs, and clears it away. Rejects with `OPERATION_UNKNOWN` where none of this id is left. */
  cancel(id: string): Promise<void>;
  /** Lets the kept index serve again: see `rollback` of streams. */
  rollback(projection: string): Promise<RolledBack>;
  /** Drops a kept index, and gives its name: see `retire` of streams. */
  retire(projection: string, index?: string): Promise<string>;
  report(id: string): Promise<KeptReport | undefined>;
}

export interface RebuildsGround {
  readonly context: RebuildContext;
  readonly running: Operations<Operation>;
  readonly caughtUp: CatchUp;
  readonly projectorOf: (name: string) => Projector | undefined;
  /** That of the index that is kept. */
  readonly keptProjectorOf: (name: string) => Projector | undefined;
  /** Fills by so many threads; undefined where one thread does it. */
  readonly fillBy?: ((workers: number) => FillIndex | undefined) | undefined;
  /** Whether processes besides this one may have lanes. */
  readonly others: boolean;
  readonly say: Log;
}

const reportsListed = 20;
const cancelLookMs = 250;
/** A node that starts again, or a queue that drains, takes no longer. */
const patienceMs = 120_000;

/** The projection of a name. Throws `PROJECTION_UNKNOWN`. */
export function known(name: string): Projection {
  const projection = projectionNamed(name);
  if (projection === undefined) throw new Fault('PROJECTION_UNKNOWN', { projection: name });
  return projection;
}

export function rebuildsOf(ground: RebuildsGround): Rebuilds {
  const { running, caughtUp, projectorOf, others, say } = ground;
  const context = covering(ground.context, say);
  const { store, clock } = context;
  const { state } = store;
  const names = projections.map(({ definition }) => definition.projection);

  const begun = (id: string, projection: string): Operation => ({
    ...{ id, kind: 'rebuild', projection, progress: null, rebuilt: null, verified: null, fault: null },
    state: 'running',
    resumable: false,
  });

  async function start(name: string, options: RebuildOptions = {}): Promise<Operation> {
    const projection = known(name);
    const asOf = asOfIn(options.asOf, clock.now());
    if (options.share !== undefined) return startPart(projection, options.share, { ...options, asOf });
    const claim = await liveClaim(state, name, clock);
    if (claim !== undefined)
      throw new Fault('REBUILD_RUNNING', { projection: name, id: claim.id, kind: claim.kind });
    const id = (await resumedBy(context, projection, asOf))?.id ?? uuidV7();
    const fill = ground.fillBy?.(options.workers ?? 1);
    const accepting = { ...acceptingOf(name, options), ...(fill === undefined ? {} : { fill }) };
    return running.start(begun(id, name), async (change, signal) => {
      const onProgress = (progress: RebuildProgress): void => change({ progress });
      try {
        await caughtUp.archived(signal);
        const rebuilt = await rebuildPresent(accepting, { projection, id, asOf, onProgress, signal });
        await goOver(name);
        if (context.signer === undefined) say('warn', 'report unsigned', { projection: name, id });
        return { rebuilt };
      } catch (error) {
        const isCancelled = isFault(error, 'REBUILD_CANCELLED');
        const code = isFault(error) ? { code: error.code } : {};
        say(isCancelled ? 'info' : 'error', 'rebuild failed', {
          ...{ projection: name, id, ...code, error: String(error) },
        });
        change({ resumable: isResumable(error, signal) });
        if (!signal.aborted || isFault(error)) throw error;
        throw new Fault('REBUILD_INTERRUPTED', { projection: name, id }, error);
      }
    });
  }

  function acceptingOf(name: string, { acceptUnindexable = 0, acceptEmpty = false }: RebuildOptions) {
    const projector = projectorOf(name);
    const barrier = { others, ...(projector === undefined ? {} : { hold: () => projector.hold() }) };
    return { ...context, barrier, acceptUnindexable, refuseEmpty: !acceptEmpty, patienceMs };
  }

  function startPart(
    projection: Projection,
    { member, run }: Share,
    { asOf, ...options }: Omit<RebuildOptions, 'asOf'> & { readonly asOf: AsOf | undefined },
  ): Operation {
    const { projection: name } = projection.definition;
    return running.start(begun(uuidV7(), name), async (change, signal) => {
      const onProgress = (progress: RebuildProgress): void => change({ progress });
      const asked = { projection, asOf, member, run, newId: uuidV7, onProgress, signal };
      try {
        await caughtUp.archived(signal);
        return { rebuilt: await takePart(acceptingOf(name, options), asked) };
      } catch (error) {
        if (!signal.aborted || isFault(error)) throw error;
        throw new Fault('REBUILD_INTERRUPTED', { projection: name, run }, error);
      }
    });
  }

  /** The lanes of this process go over at once; others see within a second what serves. */
  async function goOver(name: string): Promise<void> {
    for (const projector of [ground.projectorOf(name), ground.keptProjectorOf(name)]) {
      const resume = await projector?.pause();
      resume?.();
    }
  }

  async function back(name: string): Promise<RolledBack> {
    const rolledBack = await rollback(context, known(name), uuidV7());
    await goOver(name);
    return rolledBack;
  }

  /** What its record tells of a rebuild that is not this process's, or not any more. */
  async function onRecord(job: RebuildJob): Promise<Operation> {
    const { id, projection, progress } = job;
    const claim = await liveClaim(state, projection, clock);
    const told = { ...begun(id, projection), progress };
    return claim?.id === id
      ? told
      : {
          ...told,
          state: 'failed',
          resumable: true,
          fault: new Fault('REBUILD_INTERRUPTED', { projection, id }),
        };
  }

  const isDone = ({ report }: KeptReport): Operation => ({
    ...begun(report.id, report.projection),
    ...{ state: 'done', rebuilt: report },
  });

  async function jobOf(id: string): Promise<RebuildJob | undefined> {
    for (const name of names) {
      const job = await readJob(state, name);
      if (job?.id === id) return job;
    }
    return undefined;
  }

  async function report(id: string): Promise<KeptReport | undefined> {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) return undefined;
    for (const name of names) {
      const found = await readReport(state, name, id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function rebuildOf(id: string): Promise<Operation | undefined> {
    const here = running.find(id);
    if (here !== undefined) return here.kind === 'rebuild' ? here : undefined;
    const job = await jobOf(id);
    if (job !== undefined) return onRecord(job);
    const kept = await report(id);
    return kept === undefined ? undefined : isDone(kept);
  }

  async function rebuilds(): Promise<readonly Operation[]> {
    const found = new Map<string, Operation>();
    for (const name of names) {
      for (const id of (await reportIds(state, name)).slice(0, reportsListed)) {
        const kept = await readReport(state, name, id);
        if (kept !== undefined) found.set(id, isDone(kept));
      }
      const job = await readJob(state, name);
      if (job !== undefined) found.set(job.id, await onRecord(job));
    }
    for (const operation of running.all())
      if (operation.kind === 'rebuild') found.set(operation.id, operation);
    // Their ids begin with the time at which they began.
    return [...found.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async function cancel(id: string): Promise<void> {
    if (
      running.find(id)?.kind === 'rebuild' &&
      (await running.cancel(id, new Fault('REBUILD_CANCELLED', { id })))
    )
      return;
    const deadline = clock.now() + 2 * claimStaleMs;
    for (let isKnown = false; ; isKnown = true) {
      const job = await jobOf(id);
      if (job === undefined) {
        if (isKnown) return;
        throw new Fault('OPERATION_UNKNOWN', { id });
      }
      const { projection } = job;
      const claim = await liveClaim(state, projection, clock);
      if (claim === undefined) await clearAway(projection, id);
      else if (clock.now() > deadline) throw new Fault('REBUILD_RUNNING', { projection, id: claim.id });
      else await markCancelled(state, projection, id);
      await clock.wait(cancelLookMs);
    }
  }

  /** Nobody works on it: its holder was stopped. */
  async function clearAway(name: string, id: string): Promise<void> {
    const claim = { state, clock, projection: name };
    try {
      await withClaim(claim, { id, kind: 'rebuild' }, async () => {
        const job = await readJob(state, name);
        if (job?.id !== id) return;
        const cancelled = new Fault('REBUILD_CANCELLED', { projection: name, id });
        if (job.shared === true) await noteFailure(state, name, id, cancelled);
        await discard(context, known(name), job);
      });
    } catch (error) {
      // Somebody began a moment ago; the next look tells.
      if (!isFault(error, 'REBUILD_RUNNING')) throw error;
    }
  }

  return {
    async plan(name, asked) {
      const asOf = asOfIn(asked, clock.now());
      const projection = known(name);
      await caughtUp.archived(new AbortController().signal);
      return (await planPresent(context, projection, asOf)).plan;
    },
    rebuild: start,
    rebuilds,
    rebuildOf,
    cancel,
    rollback: back,
    retire: (name, index) => retire(context, known(name), uuidV7(), index),
    report,
  };
}
