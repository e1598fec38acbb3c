import { Fault, isFault } from '../domain/fault.ts';
import { splitVersion } from '../domain/position.ts';
import type { LaneProgress, StoredDocument } from '../ports/read-model.ts';
import type { Epoch } from './epochs.ts';

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

/**
 * Runs `work` with the log's end as it was when a batch was read, and once more with the present one where the index is ahead
 * of that: another process may have stored what came since.
 */
export async function withLogEnd<Result>(
  logEnd: number,
  endNow: () => Promise<number>,
  work: (logEnd: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(logEnd);
  } catch (error) {
    if (!isFault(error, 'VERSION_AHEAD')) throw error;
    const present = await endNow();
    if (present <= logEnd) throw error;
    return work(present);
  }
}
