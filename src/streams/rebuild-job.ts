import { type Cut, formatCut, parseCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { ArchiveStore, ETag, StateStore } from '../ports/archive.ts';
import type { Unsearchable } from '../ports/read-model.ts';
import { jobName, workOf } from './archive-names.ts';
import type { LaneRecords } from './fill-index.ts';
import type { FoldCounts } from './fold-history.ts';
import { heldRecord } from './held-record.ts';
import type { Kept } from './kept-indexes.ts';
import type { SearchProof } from './prove-searchable.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import type { MemberDone } from './unit-claims.ts';

/** rebuild: to serve. as-of: at a past cut, to stand beside what serves. */
export type RebuildKind = 'rebuild' | 'as-of';

/** What comes next: filling the index, proving it, letting it serve. */
export type RebuildStep = 'fill' | 'prove' | 'swap';

/** What was folded and stored, once all of it was. */
export interface Filling {
  readonly root: string;
  readonly documents: number;
  readonly events: number;
  readonly outcomes: FoldCounts['outcomes'];
  /** Events of each lane. */
  readonly lanes: readonly LaneRecords[];
  readonly unindexable: number;
  /** Digest of what searches should find. */
  readonly search: string;
  /** The first ones of them. */
  readonly unsearchable: readonly Unsearchable[];
  /** Who folded and stored how much, where several processes shared it. */
  readonly members?: readonly MemberDone[];
}

/** What an index holds, folded and read back, at the cut at which it was proven. */
export interface ProvenAt {
  readonly cut: string;
  readonly root: string;
  readonly documents: number;
  readonly events: number;
  readonly outcomes: FoldCounts['outcomes'];
  /** Those of the events that came after the cut of the fold, and went in as lanes would take them. */
  readonly followed: number;
  readonly unindexable: number;
  readonly unsearchable: readonly Unsearchable[];
}

/**
 * A rebuild under way, as the archive's state records it: all that somebody else needs to go on with it. It is written
 * before its index is made and goes at its end, so an index that no record names is nobody's.
 */
export interface RebuildJob {
  readonly id: string;
  readonly kind: RebuildKind;
  readonly projection: string;
  readonly version: number;
  /** Of the projection that folds: `Projection.frozen`. */
  readonly fold: string;
  readonly until: Cut;
  readonly index: string;
  /** Several processes share it: who comes later takes part. */
  readonly shared?: boolean;
  /** What served when it was planned, and has to when it swaps. */
  readonly replaces: string | null;
  /** Of the claim under which it was written last. */
  readonly fence: number;
  /** UTC ms. */
  readonly startedAt: number;
  readonly step: RebuildStep;
  readonly filled: Filling | null;
  /** That a search finds what is in the index, and what all of it came to, once it was proven. */
  readonly search: SearchProof | null;
  readonly proven: ProvenAt | null;
  /** The swap that was on record before its own: given back if it does not come to swap. */
  readonly before: Kept['swap'];
  /** Worked on it so far, by all who did. */
  readonly foldMs: number;
  readonly readBackMs: number;
  /** How often it was gone on with. */
  readonly resumed: number;
  readonly progress: RebuildProgress | null;
  /** Somebody wants it gone: whoever works on it clears it away. */
  readonly cancelled: boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const steps: readonly unknown[] = ['fill', 'prove', 'swap'] satisfies RebuildStep[];
const jobKinds: readonly unknown[] = ['rebuild', 'as-of'] satisfies RebuildKind[];

const bytesOf = ({ until, ...job }: RebuildJob): Buffer =>
  Buffer.from(`${JSON.stringify({ v: 1, ...job, until: formatCut(until) })}\n`);

/** What is no record of a rebuild is none: nobody can go on with it. */
function parse(bytes: Buffer): RebuildJob | undefined {
  let found: { readonly [Name in keyof RebuildJob]?: unknown } & { readonly v?: unknown };
  try {
    found = JSON.parse(bytes.toString('utf8')) as typeof found;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { v, id, kind, projection, version, fold, index, replaces, step } = found;
  const until = isText(found.until) ? parseCut(found.until) : undefined;
  const texts = [id, projection, fold, index].every(isText) && (replaces === null || isText(replaces));
  const counts = [version, found.fence, found.startedAt, found.foldMs, found.readBackMs, found.resumed];
  const whole = texts && counts.every(Number.isSafeInteger) && until !== undefined;
  if (v !== 1 || !whole || !steps.includes(step) || !jobKinds.includes(kind)) return undefined;
  const { v: _, ...job } = found as typeof found & Omit<RebuildJob, 'until'>;
  return { ...job, proven: job.proven ?? null, until };
}

/** The rebuild of a projection that is under way or was left, if there is one. */
export async function readJob(state: StateStore, projection: string): Promise<RebuildJob | undefined> {
  return (await readRecord(state, projection)).job;
}

async function readRecord(
  state: StateStore,
  projection: string,
): Promise<{ readonly job: RebuildJob | undefined; readonly etag: ETag | null }> {
  const found = await state.read(jobName(projection));
  return found === undefined ? { job: undefined, etag: null } : { job: parse(found.bytes), etag: found.etag };
}

/** The record of a rebuild in the hands of whoever has its claim. */
export interface HeldJob {
  readonly job: RebuildJob;
  /**
   * Writes a change. Rejects with `REBUILD_CANCELLED` once somebody wants the rebuild gone, with `REBUILD_RUNNING` where
   * another holder has it: whoever gets that has nothing to do with its index any more.
   */
  note(change: Partial<RebuildJob>): Promise<void>;
}

/** Writes the record, over whatever was there: only under the claim, whose fence it carries. */
export async function holdJob(state: StateStore, begun: RebuildJob): Promise<HeldJob> {
  const { projection, id, fence } = begun;
  const stillOurs = (found: Buffer | undefined): void => {
    const job = found === undefined ? undefined : parse(found);
    if (job?.id !== id || job.fence !== fence)
      throw new Fault('REBUILD_RUNNING', { projection, reason: 'it was taken over' });
    if (job.cancelled) throw new Fault('REBUILD_CANCELLED', { projection, id });
  };
  const { etag } = await readRecord(state, projection);
  const record = heldRecord({ state, name: jobName(projection), bytesOf, stillOurs }, begun, etag);
  await record.note((now) => now);
  return {
    get job() {
      return record.now;
    },
    note: (change) => record.note((now) => ({ ...now, ...change })),
  };
}

/**
 * Asks whoever works on a rebuild to end it and clear it away; false where there is none of this id. Whoever it is sees it
 * with the next note.
 */
export async function markCancelled(state: StateStore, projection: string, id: string): Promise<boolean> {
  for (;;) {
    const { job, etag } = await readRecord(state, projection);
    if (job?.id !== id) return false;
    if (job.cancelled) return true;
    const written = await state.write(jobName(projection), bytesOf({ ...job, cancelled: true }), etag);
    if (written !== 'changed') return true;
  }
}

/** Removes what only a rebuild under way needs: its work first, so that a crash leaves the record that names it. */
export async function endJob({ state }: ArchiveStore, { projection, id }: RebuildJob): Promise<void> {
  await removeWork(state, id);
  await state.remove(jobName(projection));
}

/** Removes finished pieces of a rebuild: they are of an index that is gone. */
export async function removeWork(state: StateStore, id: string): Promise<void> {
  const names: string[] = [];
  for await (const { name } of state.list(workOf(id))) names.push(name);
  for (const name of names) await state.remove(name);
}

/** Whether a failure leaves a rebuild that can be gone on with: what passes, a stop, a swap that saw another index. */
export function isResumable(error: unknown, stopped: AbortSignal): boolean {
  if (isFault(error, 'REBUILD_CANCELLED')) return false;
  if (stopped.aborted) return !isFault(stopped.reason, 'REBUILD_CANCELLED');
  return isFault(error) && (error.remedy === 'retry' || error.code === 'SWAP_REFUSED');
}
