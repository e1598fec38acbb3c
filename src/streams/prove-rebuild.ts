import { type Cut, formatCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import { exchangedRoot, rootOf } from '../formats/root.ts';
import { searchDigest } from '../formats/search-digest.ts';
import type { ModelIndex, Unsearchable } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { type Changed, changedSince, countsAfter } from './changed-since.ts';
import { compareModel, type Difference } from './compare-model.ts';
import { inSteps } from './few-at-a-time.ts';
import type { History } from './fold-history.ts';
import { type Followed, followToEnd } from './handover.ts';
import { refuseEnded } from './index-ahead.ts';
import { refuseUnsearchable } from './prove-searchable.ts';
import { type ReadBack, readBack } from './read-back.ts';
import type { Filling, HeldJob, ProvenAt } from './rebuild-job.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import type { RebuildContext, RebuildPlan } from './rebuild-plan.ts';

/** A filled index that nobody but its rebuild writes. */
export interface ToProve {
  readonly context: RebuildContext;
  readonly projection: Projection;
  readonly plan: RebuildPlan;
  readonly held: HeldJob;
  readonly index: ModelIndex;
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly signal: AbortSignal;
}

/** Where following took less, what is left of the archive is what came within it. */
const lagMs = 2_000;
/** A log that is faster than what follows it is proven where this many rounds have come to. */
const roundsMax = 10;
const namedMax = 10;

/** Brings the index as far as the archive goes, until it is less than two seconds behind; one at a past cut stays there. */
async function followed({ context, projection, held, index, signal }: ToProve): Promise<Followed> {
  const { clock, epochs } = context;
  const { kind, until } = held.job;
  if (kind === 'as-of') return { until, epochs, records: 0 };
  let records = 0;
  for (let round = 1; ; round += 1) {
    const began = clock.now();
    const reached = await followToEnd(context, projection, index, signal);
    records += reached.records;
    if (clock.now() - began < lagMs || round === roundsMax) return { ...reached, records };
  }
}

/**
 * All that has to hold before an index may serve, at the cut C to which it was brought: the root of what is read back is the one
 * of the fold, and a search finds it. What the fold gave at its own cut H stands in `filled`; the entities that changed since are
 * folded anew from the archive, as they were at H and as they are at C. Rejects with `REBUILD_DIFFERS`, `REBUILD_UNINDEXABLE`,
 * `REBUILD_UNSEARCHABLE`, `REBUILD_EMPTY`, and with `VERSION_AHEAD` where an epoch ended before H.
 */
export async function prove(work: ToProve, filled: Filling): Promise<void> {
  const { context, held, index, signal } = work;
  const { clock } = context;
  const started = clock.now();
  const { until, epochs, records } = await followed(work);
  await refuseEnded(context.store.truth, held.job);
  // What is read back is on disk: a node that dies after the proof takes nothing with it.
  if (records > 0) await index.refresh();
  const history = { ...context, epochs, until };
  const changed =
    held.job.kind === 'as-of'
      ? undefined
      : await changedSince(work.projection, history, held.job.until, { clock, signal });
  const read = await readAll(work, filled, changed);
  const counts = countsAfter({ records: filled.events, outcomes: filled.outcomes }, changed);
  await refuseDifferent(work, history, read, { filled, changed });
  // What the engine said when it refused one says more than the code that is kept.
  const unsearchable = read.unindexable.map(
    (one) => filled.unsearchable.find(({ id }) => id === one.id) ?? one,
  );
  refuseUnindexable(work, read.search.unindexable, unsearchable);
  refuseUnsearchable(work.plan.projection, read.search);
  refuseEmpty(work, counts.records, until);
  const proven: ProvenAt = {
    ...{ cut: formatCut(until), root: read.root.root(), documents: read.root.size },
    ...{ events: counts.records, outcomes: counts.outcomes, followed: changed?.records ?? 0 },
    ...{ unindexable: read.search.unindexable, unsearchable },
  };
  const readBackMs = held.job.readBackMs + clock.now() - started;
  await held.note({ step: 'swap', search: read.search, proven, readBackMs });
}

/** Reads all of the index, which is what searches should find, too. */
function readAll(work: ToProve, filled: Filling, changed: Changed | undefined): Promise<ReadBack> {
  const { context, index, projection, signal, onProgress } = work;
  const asFolded = searchDigest();
  for (const hex of [filled.search, changed?.before.search, changed?.after.search])
    if (hex !== undefined) asFolded.join(hex);
  const more = changed === undefined ? 0 : changed.after.root.size - changed.before.root.size;
  const total = filled.documents + more;
  const onRead = (done: number): void => onProgress({ phase: 'read-back', done, total });
  const rest = (): Promise<void> => context.clock.wait(0);
  return readBack(index, projection, { onRead, signal, asFolded: asFolded.hex(), rest });
}

/** What was read holds each changed document as it is at C, and with those of H in their place it is what was folded. */
async function refuseDifferent(
  work: ToProve,
  history: History,
  { root }: ReadBack,
  { filled, changed }: { readonly filled: Filling; readonly changed: Changed | undefined },
): Promise<void> {
  const { context, index, projection, plan, signal } = work;
  const rest = (): Promise<void> => context.clock.wait(0);
  const [after, before] = [changed?.after.root ?? rootOf(), changed?.before.root ?? rootOf()];
  const atFold = await inSteps(exchangedRoot(root, after, before), rest);
  if (atFold === filled.root) return;
  await using snapshot = await index.snapshot();
  const { differences, expectedRoot } = await compareModel({
    ...{ history, projection, index: index.name, snapshot, signal, onProgress: () => undefined },
    pace: rest,
  });
  throw new Fault('REBUILD_DIFFERS', {
    ...{ projection: plan.projection, cut: formatCut(history.until) },
    ...{ folded: expectedRoot, readBack: root.root(), documents: filled.documents, found: root.size },
    ...{ differing: differences.length, first: named(differences) },
    ...(expectedRoot === root.root()
      ? { reason: 'folded again it is equal: the fold gave something else' }
      : {}),
  });
}

const named = (differences: readonly Difference[]): string =>
  differences
    .slice(0, namedMax)
    .map(({ id, what }) => `${id}: ${what}`)
    .join('; ');

function refuseUnindexable(
  { context: { acceptUnindexable = 0 }, plan }: ToProve,
  unindexable: number,
  first: readonly Unsearchable[],
): void {
  if (unindexable <= acceptUnindexable) return;
  const told = first.map(({ id, reason }) => `${id}: ${reason}`).join('; ');
  throw new Fault('REBUILD_UNINDEXABLE', { projection: plan.projection, unindexable, first: told });
}

/** The first index of a log may be empty, as the log is. */
function refuseEmpty({ context, plan }: ToProve, events: number, until: Cut): void {
  if (context.refuseEmpty !== true || events > 0 || (plan.replaces === null && plan.kind !== 'as-of')) return;
  throw new Fault('REBUILD_EMPTY', { projection: plan.projection, cut: formatCut(until) });
}
