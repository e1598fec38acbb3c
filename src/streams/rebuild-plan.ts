import { type Cut, formatCut } from '../domain/cut.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReadModel } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { firstOf, segmentsOf, tailName } from './archive-names.ts';
import type { BarrierOptions } from './barrier.ts';
import type { CoveringCheckpoint } from './covering-checkpoint.ts';
import type { Epoch } from './epochs.ts';
import type { FillIndex } from './fill-index.ts';
import { type History, type LaneSpan, laneSpans } from './fold-history.ts';
import { archiveCut, checkCut, cutAtTime } from './history-cut.ts';
import { isBehindItsEpoch } from './index-ahead.ts';
import type { KeptFold } from './index-fold.ts';
import { predecessor } from './kept-indexes.ts';
import { type RebuildJob, type RebuildKind, readJob } from './rebuild-job.ts';
import { measuredReport, type RebuildReport } from './rebuild-report.ts';

export interface RebuildContext {
  readonly store: ArchiveStore;
  readonly model: ReadModel;
  readonly clock: Clock;
  readonly epochs: readonly Epoch[];
  readonly decoders: History['decoders'];
  /** Fills an index: in this thread by default. */
  readonly fill?: FillIndex;
  /** So many documents may stay without being found by a search; 0 by default. */
  readonly acceptUnindexable?: number;
  /** How the lanes are stopped for the moment of a swap; without it they are not. */
  readonly barrier?: Partial<BarrierOptions>;
  /** Whether it fails (`REBUILD_EMPTY`) where no event is before the cut and another index would give way. */
  readonly refuseEmpty?: boolean;
  /** So long it waits in all for servers that are away or too busy, before it stops and can be gone on with. */
  readonly patienceMs?: number;
  /** Signs reports; without one they are kept unsigned. */
  readonly signer?: NoteSigner;
  /** Gives the checkpoint that reaches a cut, for the report; by default what is there already is looked for. */
  readonly cover?: (
    epochs: readonly Epoch[],
    cut: Cut,
    signal: AbortSignal,
  ) => Promise<CoveringCheckpoint | null>;
  /** Name of this process, where it leads a rebuild that several share. */
  readonly leads?: string;
  /** Told of a failure while the claim is still held. */
  readonly onFailed?: (error: unknown) => Promise<void>;
  /** Folds of indexes that are of another version than this program's. */
  readonly keptFold?: KeptFold;
  /** Keeps the code of a projection and gives its hash; undefined where it has none of it. */
  readonly keepFold?: (projection: Projection) => Promise<string | undefined>;
}

/** What a rebuild will do, told before anything changes. */
export interface RebuildPlan {
  readonly kind: RebuildKind;
  readonly projection: string;
  readonly version: number;
  /** All before it is folded: the archive's end, or the past cut that was asked for. */
  readonly until: Cut;
  /** Offsets to read, over all epochs. */
  readonly events: number;
  readonly segments: number;
  /** Of the segments and tails to read, compressed as they lie. */
  readonly bytes: number;
  /** As many as the serving index holds: an estimate. Null where none serves. */
  readonly documents: number | null;
  /**
   * What is asked of the blob store, by class of price: reads (one a segment and tail), listings (one a lane and 5,000 names),
   * and writes a minute while it runs (claim and record).
   */
  readonly blobs: { readonly reads: number; readonly lists: number; readonly writesPerMinute: number };
  /** By the rates of an earlier report of this projection, as of `measuredReport`; null until there is one. */
  readonly estimatedMs: number | null;
  /** The index that serves now and is replaced; null = none, or it stays as it is. */
  readonly replaces: string | null;
  /** The kept index that goes with the swap: the one replaced is kept in its place. */
  readonly drops: string | null;
  /** A rebuild that was left and is gone on with; its cut is then this plan's. */
  readonly resumes: Pick<RebuildJob, 'id' | 'step' | 'startedAt'> | null;
  /** A rebuild that was left and cannot be gone on with, or was asked for otherwise: it is cleared away. */
  readonly discards: string | null;
}

/** Where a history ends: at the archive's end, at a cut, or at a time (UTC ms). */
export type AsOf = { readonly cut: Cut } | { readonly time: number };

const namesPerList = 5_000;
const writesPerMinute = 24;

/** Rejects with `CUT_INVALID` for a cut that the archive does not have. */
export async function planRebuild(
  context: RebuildContext,
  projection: Projection,
  asOf?: AsOf,
): Promise<RebuildPlan> {
  const { store, model, epochs } = context;
  const { definition } = projection;
  const { projection: name, version } = definition;
  const kind: RebuildKind = asOf === undefined ? 'rebuild' : 'as-of';
  const left = await readJob(store.state, name);
  const resumed = await resumedBy(context, projection, asOf);
  const until = resumed?.until ?? (await cutAskedFor(context, asOf));
  const spans = laneSpans({ epochs, until });
  const serving = await model.serving(definition);
  const holds = (await model.list()).find((index) => index.name === serving?.name);
  const reading = await readingOf(store, spans);
  const events = spans.reduce((sum, span) => sum + span.end, 0);
  const replaces = serving?.name === resumed?.index ? (resumed?.replaces ?? null) : (serving?.name ?? null);
  return {
    ...{ kind, projection: name, version, until, events, ...reading },
    documents: holds?.documents ?? null,
    estimatedMs: estimate(await measuredReport(store.state, name, events), events, holds?.documents),
    replaces: kind === 'as-of' ? null : replaces,
    drops: kind === 'as-of' ? null : ((await predecessor(context, projection))?.index.name ?? null),
    resumes:
      resumed === undefined ? null : { id: resumed.id, step: resumed.step, startedAt: resumed.startedAt },
    discards: left === undefined || resumed !== undefined ? null : left.id,
  };
}

/** The cut that is meant; without one, the archive's end. Rejects with `CUT_INVALID`. */
export async function cutAskedFor(
  { store, epochs }: Pick<RebuildContext, 'store' | 'epochs'>,
  asOf: AsOf | undefined,
): Promise<Cut> {
  const end = await archiveCut(store, epochs);
  if (asOf === undefined) return end;
  if ('time' in asOf) return cutAtTime(store, epochs, end, asOf.time);
  checkCut(asOf.cut, epochs, end);
  return asOf.cut;
}

/** The rebuild that was left, if it is the one that is asked for: then its work counts. */
export async function resumedBy(
  context: RebuildContext,
  { definition, frozen }: Projection,
  asOf: AsOf | undefined,
): Promise<RebuildJob | undefined> {
  const left = await readJob(context.store.state, definition.projection);
  if (left === undefined || left.cancelled) return undefined;
  if (left.version !== definition.version || left.fold !== frozen) return undefined;
  if (isBehindItsEpoch(left.until, context.epochs)) return undefined;
  if (asOf === undefined) return left.kind === 'rebuild' ? left : undefined;
  const asked = await cutAskedFor(context, asOf);
  return left.kind === 'as-of' && formatCut(asked) === formatCut(left.until) ? left : undefined;
}

/** What it takes to read spans: segments and tails, and what is asked of the blob store for them. */
export async function readingOf(
  { truth, state }: ArchiveStore,
  spans: readonly LaneSpan[],
): Promise<Pick<RebuildPlan, 'segments' | 'bytes' | 'blobs'>> {
  let [segments, bytes, tails, lists] = [0, 0, 0, 0];
  for (const { epoch, partition, end } of spans) {
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    let names = 0;
    for await (const blob of truth.list(segmentsOf(lane))) {
      names += 1;
      if ((firstOf(blob.name) ?? 0) >= end) continue;
      segments += 1;
      bytes += blob.bytes;
    }
    lists += Math.max(1, Math.ceil(names / namesPerList));
    const tail = await state.read(tailName(lane));
    if (tail === undefined) continue;
    tails += 1;
    bytes += tail.bytes.length;
  }
  return { segments, bytes, blobs: { reads: segments + tails, lists, writesPerMinute } };
}

function estimate(
  last: RebuildReport | undefined,
  events: number,
  documents: number | undefined,
): number | null {
  if (last === undefined) return null;
  const readBack =
    last.documents === 0 ? 0 : (last.readBackMs / last.documents) * (documents ?? last.documents);
  return Math.round((last.foldMs / last.events) * events + readBack);
}
