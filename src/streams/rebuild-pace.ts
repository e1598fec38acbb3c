import type { LaneRecords } from './fill-index.ts';
import type { LaneSpan } from './fold-history.ts';

/** How far a lane of the fold is. */
export interface LaneDone {
  readonly epoch: number;
  readonly partition: number;
  readonly done: number;
  readonly total: number;
}

/** How far the lanes of a history are, in its order; such that hold nothing are left out. */
export function lanesDone(spans: readonly LaneSpan[], folded: readonly LaneRecords[]): readonly LaneDone[] {
  const known = new Map(folded.map(({ epoch, partition, records }) => [`${epoch}-${partition}`, records]));
  return spans
    .filter(({ end }) => end > 0)
    .map(({ epoch: { epoch }, partition, end }) => ({
      ...{ epoch, partition, done: known.get(`${epoch}-${partition}`) ?? 0, total: end },
    }));
}

/** How far a rebuild or verification is; what it cannot tell yet is left out. */
export interface RebuildProgress {
  readonly phase: 'fold' | 'read-back' | 'swap';
  /** Events while it folds, documents while it reads back. */
  readonly done: number;
  readonly total: number;
  /** Documents stored so far, while it folds. */
  readonly documents?: number;
  readonly eventsPerSecond?: number;
  readonly documentsPerSecond?: number;
  readonly lanes?: readonly (LaneDone & { readonly eventsPerSecond?: number })[];
  /** Until all of it is done, as the rates so far have it. */
  readonly leftMs?: number;
}

/** What an earlier rebuild of the projection took. */
export interface Durations {
  readonly foldMs: number;
  readonly readBackMs: number;
}

/** What reading back takes of what folding takes, where no rebuild has told yet. */
const readBackShare = 0.3;
/** Rates of less than this are told of nothing. */
const measuredMs = 250;

/** A lane since it was last seen to stand where it began, up to when it was last seen to move. */
interface LaneMoved {
  readonly from: number;
  readonly fromAt: number;
  readonly done: number;
  readonly doneAt: number;
}

/**
 * Adds rates and the time left to what a rebuild tells of itself. Rates are of what was done since the first word of a phase, so
 * that what an earlier process did counts as done and not as fast; those of lanes, of the time in which they moved, for one is
 * folded after the other.
 */
export function paceOf(
  now: () => number,
  earlier: Durations | undefined,
): (told: RebuildProgress) => RebuildProgress {
  let begun: { readonly told: RebuildProgress; readonly at: number } | undefined;
  let moved: LaneMoved[] = [];
  const share =
    earlier === undefined || earlier.foldMs < measuredMs
      ? readBackShare
      : earlier.readBackMs / earlier.foldMs;

  function moves(lane: LaneDone, nth: number, at: number): LaneMoved {
    const before = moved[nth];
    if (before === undefined) return { from: lane.done, fromAt: at, done: lane.done, doneAt: at };
    if (lane.done > before.done) return { ...before, done: lane.done, doneAt: at };
    return before.done === before.from ? { ...before, fromAt: at, doneAt: at } : before;
  }

  return (told) => {
    if (begun === undefined || begun.told.phase !== told.phase || told.done < begun.told.done) {
      begun = { told, at: now() };
      moved = [];
    }
    const { told: first, at } = begun;
    const tookMs = now() - at;
    moved = (told.lanes ?? []).map((lane, nth) => moves(lane, nth, now()));
    if (tookMs < measuredMs) return told;
    const rate = (done: number, before: number): number => ((done - before) / tookMs) * 1_000;
    const perSecond = rate(told.done, first.done);
    const lanes = told.lanes?.map((lane, nth) => {
      const { from, fromAt, done, doneAt } = moved[nth]!;
      const ms = doneAt - fromAt;
      return { ...lane, eventsPerSecond: ms === 0 ? 0 : Math.round(((done - from) / ms) * 1_000) };
    });
    const documents =
      told.phase === 'read-back'
        ? perSecond
        : told.documents === undefined
          ? undefined
          : rate(told.documents, first.documents ?? 0);
    const left = perSecond > 0 ? ((told.total - told.done) / perSecond) * 1_000 : undefined;
    const after = told.phase === 'fold' && perSecond > 0 ? (told.total / perSecond) * 1_000 * share : 0;
    return {
      ...told,
      ...(told.phase === 'fold' ? { eventsPerSecond: Math.round(perSecond) } : {}),
      ...(documents === undefined ? {} : { documentsPerSecond: Math.round(documents) }),
      ...(lanes === undefined ? {} : { lanes }),
      ...(left === undefined ? {} : { leftMs: Math.round(left + after) }),
    };
  };
}
