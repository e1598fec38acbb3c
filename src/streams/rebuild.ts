import { type Cut, formatCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { type RootBuilder, rootOf } from '../formats/root.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { ModelIndex, ReadModel, Unsearchable } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { archiveEnd, segmentFirsts } from './chain.ts';
import { withClaim } from './claim.ts';
import type { Epoch } from './epochs.ts';
import { type Filled, fillIndex } from './fill-index.ts';
import { type FoldCounts, type History, laneSpans } from './fold-history.ts';

/** What a rebuild will do, told before anything changes. */
export interface RebuildPlan {
  readonly projection: string;
  readonly version: number;
  /** All before it is folded: the archive's end. */
  readonly until: Cut;
  /** Offsets to read, over all epochs. */
  readonly events: number;
  readonly segments: number;
  /** The index that serves now and is replaced; null = none. */
  readonly replaces: string | null;
}

export interface RebuildProgress {
  readonly phase: 'fold' | 'read-back' | 'swap';
  readonly done: number;
  readonly total: number;
}

export interface RebuildReport {
  readonly id: string;
  readonly projection: string;
  readonly version: number;
  readonly index: string;
  readonly replaced: string | null;
  /** Text of the cut the index stands at. */
  readonly cut: string;
  readonly events: number;
  readonly segments: number;
  readonly documents: number;
  /** Documents that the engine cannot search: as many as were accepted at most. The first ones by name. */
  readonly unindexable: number;
  readonly unsearchable: readonly Unsearchable[];
  readonly outcomes: FoldCounts['outcomes'];
  /** Root of what was folded and of what was read back: equal, or there is no report. */
  readonly root: string;
  readonly foldMs: number;
  readonly readBackMs: number;
}

export interface RebuildContext {
  readonly store: ArchiveStore;
  readonly model: ReadModel;
  readonly clock: Clock;
  readonly epochs: readonly Epoch[];
  readonly decoders: History['decoders'];
  /** So many documents may stay without being found by a search; 0 by default. */
  readonly acceptUnindexable?: number;
}

const unsearchableShown = 10;

/** The archive's end: of the newest epoch, per partition. */
export async function archiveCut(store: ArchiveStore, epochs: readonly Epoch[]): Promise<Cut> {
  const epoch = epochs.at(-1);
  if (epoch === undefined) throw new Fault('EPOCH_INVALID', { reason: 'the archive has no epoch' });
  const next: number[] = [];
  for (let partition = 0; partition < epoch.partitions; partition += 1)
    next.push((await archiveEnd(store, { topic: epoch.name, epoch: epoch.epoch, partition })).next);
  return { epoch: epoch.epoch, next };
}

export async function planRebuild(context: RebuildContext, projection: Projection): Promise<RebuildPlan> {
  const { store, model, epochs } = context;
  const until = await archiveCut(store, epochs);
  const spans = laneSpans({ epochs, until });
  let segments = 0;
  for (const { epoch, partition } of spans)
    segments += (await segmentFirsts(store.truth, { topic: epoch.name, epoch: epoch.epoch, partition }))
      .length;
  return {
    projection: projection.definition.projection,
    version: projection.definition.version,
    until,
    events: spans.reduce((sum, span) => sum + span.end, 0),
    segments,
    replaces: (await model.serving(projection.definition))?.name ?? null,
  };
}

/**
 * Builds a fresh index of a projection from the archive alone, up to the plan's cut; reads back all of it and compares
 * its root with the root of the fold; then, and only then, makes it the serving one. Readers keep the old index until
 * then. Rejects with `REBUILD_DIFFERS`, `REBUILD_UNINDEXABLE`, `REBUILD_RUNNING`, `SWAP_REFUSED`, `ARCHIVE_CORRUPT`; nothing
 * is swapped then.
 */
export async function rebuild(
  context: RebuildContext,
  projection: Projection,
  plan: RebuildPlan,
  id: string,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<RebuildReport> {
  const { store, model, clock } = context;
  const claim = { state: store.state, clock, projection: plan.projection };
  return withClaim(claim, { id, kind: 'rebuild' }, async (lost) => {
    const until = AbortSignal.any([signal, lost]);
    await dropLeftovers(model, projection);
    const index = await model.create(projection.definition, suffixOf(id));
    try {
      const started = clock.now();
      const filled = await fill(context, projection, plan, index, onProgress, until);
      const foldMs = clock.now() - started;
      const root = filled.root.root();
      const readBack = await rootOfIndex(index, filled.root.size, onProgress, until);
      if (readBack.root() !== root)
        throw new Fault('REBUILD_DIFFERS', {
          projection: plan.projection,
          folded: root,
          readBack: readBack.root(),
          documents: filled.root.size,
          found: readBack.size,
        });
      const unsearchable = filled.unindexable.slice(0, unsearchableShown);
      if (filled.unindexable.length > (context.acceptUnindexable ?? 0))
        throw new Fault('REBUILD_UNINDEXABLE', {
          projection: plan.projection,
          unindexable: filled.unindexable.length,
          first: unsearchable.map(({ id, reason }) => `${id}: ${reason}`).join('; '),
        });
      until.throwIfAborted();
      onProgress({ phase: 'swap', done: 0, total: 1 });
      await model.swap(plan.projection, plan.replaces, index.name);
      if (plan.replaces !== null) await model.drop(plan.replaces);
      return {
        id,
        projection: plan.projection,
        version: plan.version,
        index: index.name,
        replaced: plan.replaces,
        cut: formatCut(plan.until),
        events: filled.counts.records,
        segments: plan.segments,
        documents: filled.root.size,
        unindexable: filled.unindexable.length,
        unsearchable,
        outcomes: filled.counts.outcomes,
        root,
        foldMs,
        readBackMs: clock.now() - started - foldMs,
      };
    } catch (error) {
      // What made the rebuild fail is what is told; what cannot be dropped now goes before the next one.
      await dropUnlessServing(model, projection, index.name).catch(onlyFaults);
      throw error;
    }
  });
}

/** Index names take `[a-z0-9]`, at most 24: the end of a UUID is what differs. */
const suffixOf = (id: string): string => id.replaceAll('-', '').slice(-12);

/** What killed rebuilds have left: under the claim nobody else builds. Indexes of other logs are theirs. */
async function dropLeftovers(model: ReadModel, { definition }: Projection): Promise<void> {
  for (const { name, projection, serving } of await model.list()) {
    if (serving || projection !== definition.projection) continue;
    try {
      if ((await model.open(name, definition)) !== undefined) await model.drop(name);
    } catch (error) {
      if (!isFault(error, 'MODEL_OF_ANOTHER_LOG')) throw error;
    }
  }
}

function onlyFaults(error: unknown): void {
  if (!isFault(error)) throw error;
}

async function dropUnlessServing(model: ReadModel, projection: Projection, name: string): Promise<void> {
  const serving = await model.serving(projection.definition);
  if (serving?.name !== name) await model.drop(name);
}

/** Fills the index with the whole history, and saves where its lanes ended. */
async function fill(
  context: RebuildContext,
  projection: Projection,
  { until, events: total }: RebuildPlan,
  index: ModelIndex,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<Filled> {
  const task = { projection, until, index, signal };
  const filled = await fillIndex(context, task, (done) => onProgress({ phase: 'fold', done, total }));
  await index.saveProgress(filled.lanes);
  await index.refresh();
  return filled;
}

async function rootOfIndex(
  index: ModelIndex,
  total: number,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<RootBuilder> {
  const root = rootOf();
  for await (const documents of index.scan()) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) root.add(id, version, body);
    onProgress({ phase: 'read-back', done: root.size, total });
  }
  return root;
}
