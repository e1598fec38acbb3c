import { isFault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import { encodeRecord } from '../formats/segment.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { EventLog, LogHost } from '../ports/event-log.ts';
import { type ArchiveEnd, archiveEnd } from './chain.ts';
import type { Epoch } from './epochs.ts';

/**
 * Why the log of an epoch cannot be gone on with, in words: it is missing, or it is not the one that was archived. Undefined
 * where it holds all that was archived from it, or nothing was. Rejects with `LOG_UNAVAILABLE`: a log that cannot be reached
 * may not be lost.
 */
export async function whyLost(
  host: LogHost,
  store: ArchiveStore,
  epoch: Epoch,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { topic } = epoch;
  const archived = await archivedEnds(store, epoch);
  if (archived.every(({ next }) => next === 0)) return undefined;
  const log = await host.open(epoch).catch((error: unknown) => {
    if (isFault(error, 'TOPIC_MISSING')) return `${topic} is missing`;
    if (isFault(error, 'TOPIC_MISMATCH')) return `${topic} has another number of partitions`;
    throw error;
  });
  if (typeof log === 'string') return log;
  await using opened = log;
  return whyOther(opened, topic, archived, signal);
}

/** Where the archive of each lane of an epoch ends. */
export async function archivedEnds(store: ArchiveStore, of: Epoch): Promise<readonly ArchiveEnd[]> {
  const ends: ArchiveEnd[] = [];
  for (let partition = 0; partition < of.partitions; partition += 1)
    ends.push(await archiveEnd(store, { topic: of.name, epoch: of.epoch, partition }));
  return ends;
}

/** Why a log is not the one of which `archived` are the ends, in words: it ends before one, or holds another record there. */
export async function whyOther(
  log: EventLog,
  topic: string,
  archived: readonly ArchiveEnd[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const bounds = await log.bounds();
  for (const [partition, { next }] of archived.entries())
    if (bounds[partition]!.end < next)
      return `${topic} ends at ${bounds[partition]!.end} in partition ${partition}, and ${next} were archived`;
  await using reader = await log.reader(null);
  for (const [partition, { next, lastHash }] of archived.entries()) {
    if (lastHash === undefined || bounds[partition]!.first >= next) continue;
    const [record] = (await reader.lane(partition, next - 1).pull(signal)).records;
    const isSame = record?.offset === next - 1 && recordHash(encodeRecord(record)).equals(lastHash);
    if (!isSame) return `${topic} holds another record at ${next - 1} in partition ${partition}`;
  }
  return undefined;
}
