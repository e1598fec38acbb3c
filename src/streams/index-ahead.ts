import { type Cut, formatCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { offsetEnd, splitVersion, versionOf } from '../domain/position.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { LaneProgress, StoredDocument } from '../ports/read-model.ts';
import { type Epoch, readEpochs } from './epochs.ts';

/**
 * An index that stands further than the history it is read from holds events that this history does not have: it is not gone
 * on with, or live and replay would part. Throws `VERSION_AHEAD` where progress leads the end of a closed epoch, as after a
 * log that was lost with what was not archived yet, or names an epoch that is not there.
 */
export function refuseProgressAhead(
  index: string,
  lanes: readonly LaneProgress[],
  epochs: readonly Epoch[],
): void {
  for (const { epoch, partition, next } of lanes) {
    const isKnown = epochs.some((known) => known.epoch === epoch);
    const end = epochs.find((known) => known.epoch === epoch + 1)?.previous?.next[partition];
    if (!isKnown || (end !== undefined && next > end))
      throw new Fault('VERSION_AHEAD', { index, epoch, partition, next, ...(isKnown ? { end } : {}) });
  }
}

/** Whether a cut lies in part behind the end of its epoch, as the next one tells it. */
export function isBehindItsEpoch({ epoch, next }: Cut, epochs: readonly Epoch[]): boolean {
  const end = epochs.find((known) => known.epoch === epoch + 1)?.previous?.next;
  return end !== undefined && next.some((offset, partition) => offset > end[partition]!);
}

/** Its epoch may have ended since a rebuild was planned, before what came too late: `VERSION_AHEAD`. */
export async function refuseEnded(
  truth: TruthStore,
  { index, until }: { readonly index: string; readonly until: Cut },
): Promise<void> {
  if (isBehindItsEpoch(until, await readEpochs(truth)))
    throw new Fault('VERSION_AHEAD', { index, cut: formatCut(until) });
}

/**
 * The same for documents that were loaded for a batch of `epoch`: a fold would pass over what is older than they are. One of
 * a later epoch is another process's, which is further.
 */
export function refuseDocumentsAhead(
  index: string,
  loaded: Iterable<StoredDocument>,
  epoch: number,
  logEnd: number,
): void {
  for (const { id, version } of loaded) {
    const at = splitVersion(version);
    if (at.epoch === epoch && at.offset >= logEnd)
      throw new Fault('VERSION_AHEAD', { index, id, epoch, offset: at.offset, logEnd });
  }
}

/** How far others may be: the end of a lane's log, and the newest epoch that anybody may have entered. */
export interface Ends {
  readonly logEnd: number;
  readonly newestEpoch: number;
}

/**
 * The highest version that an index may hold while `epoch` is folded into it: of a process that is further. Where a later
 * epoch is open, others may be in it already.
 */
export const versionMaxOf = (epoch: number, next: number, { logEnd, newestEpoch }: Ends): number =>
  newestEpoch > epoch
    ? versionOf({ epoch: newestEpoch, offset: offsetEnd - 1 })
    : versionOf({ epoch, offset: Math.max(logEnd, next) - 1 });

/**
 * Runs `work` with the ends as they were when a batch was read, and once more with the present ones where the index is ahead
 * of those: another process may have stored what came since.
 */
export async function withEnds<Result>(
  ends: Ends,
  endsNow: () => Promise<Ends>,
  work: (ends: Ends) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(ends);
  } catch (error) {
    if (!isFault(error, 'VERSION_AHEAD')) throw error;
    const present = await endsNow();
    if (present.logEnd <= ends.logEnd && present.newestEpoch <= ends.newestEpoch) throw error;
    return work(present);
  }
}
