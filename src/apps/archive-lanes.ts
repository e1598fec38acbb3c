import type { Fault } from '../domain/fault.ts';
import { isFault } from '../domain/fault.ts';
import { parseNote } from '../formats/note.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { LaneName } from '../streams/archive-names.ts';
import type { ArchiveStatus } from '../streams/archiver.ts';
import { archiveEnd, segmentFirsts } from '../streams/chain.ts';
import type { Epoch } from '../streams/epochs.ts';
import { readProgress } from '../streams/tree-files.ts';
import { laneTreeName, newestCheckpointName, type TreeName } from '../streams/tree-names.ts';
import type { LogWatch } from '../streams/watch-log.ts';

/** How far the archive of one partition of the open epoch is. Offsets are exclusive ends. */
export interface ArchiveLaneStatus {
  readonly partition: number;
  /** Log end minus what is archived, in offsets. */
  readonly lag: number;
  readonly archived: number;
  readonly logEnd: number;
  /** Where the log begins by now: beyond `archived`, what lies between is gone. */
  readonly logFirst: number;
  /** For how long the oldest record that is not archived has been in the log; 0 where there is none. */
  readonly ageMs: number;
  /** First offset of the last segment; null before the first. */
  readonly lastSegment: number | null;
  readonly tree: { readonly size: number; readonly next: number } | null;
  /** The newest checkpoint: leaves, when it was made (UTC ms), and the names of the keys that signed it. */
  readonly checkpoint: {
    readonly size: number;
    readonly at: number;
    readonly signedBy: readonly string[];
  } | null;
  readonly fault: Fault | null;
}

export interface ArchiveWorld {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly open: Epoch;
  readonly log: EventLog;
  readonly watch: Pick<LogWatch, 'ageMs'>;
  /** A process that began to watch after it cannot tell ages before it. */
  readonly watchedSince: number;
  /** Lanes of this process, which need no reading. */
  readonly own: readonly ArchiveStatus[] | undefined;
}

const youngMs = 60_000;
const readMs = 2_000;
const lanesAtOnce = 8;

/** How far the archive of the open epoch is, lane by lane. */
export async function archiveLanes(world: ArchiveWorld): Promise<readonly ArchiveLaneStatus[]> {
  const bounds = await world.log.bounds();
  const lanes: ArchiveLaneStatus[] = [];
  for (let start = 0; start < bounds.length; start += lanesAtOnce) {
    const some = bounds.slice(start, start + lanesAtOnce);
    lanes.push(...(await Promise.all(some.map((bound, at) => statusOf(world, start + at, bound)))));
  }
  return lanes;
}

async function statusOf(
  world: ArchiveWorld,
  partition: number,
  { first: logFirst, end: logEnd }: { readonly first: number; readonly end: number },
): Promise<ArchiveLaneStatus> {
  const { store, open, own } = world;
  const name: LaneName = { topic: open.name, epoch: open.epoch, partition };
  const lane = own?.[partition];
  const archived = lane?.state === 'running' ? lane.next : (await archiveEnd(store, name)).next;
  const tree = laneTreeName(open.log, name);
  const progress = lane?.tree?.progress ?? (await readProgress(store.state, tree))?.progress;
  const { signed = null } = progress ?? {};
  return {
    ...{ partition, archived, logEnd, logFirst, lag: Math.max(0, logEnd - archived) },
    ageMs: logEnd > archived ? await ageOf(world, partition, archived) : 0,
    lastSegment: (await segmentFirsts(store.truth, name)).at(-1) ?? null,
    tree: progress === undefined ? null : { size: progress.size, next: progress.next },
    checkpoint: signed === null ? null : { ...signed, signedBy: await signersOf(store, tree) },
    fault: lane?.fault ?? null,
  };
}

async function signersOf({ state }: ArchiveStore, tree: TreeName): Promise<readonly string[]> {
  const found = await state.read(newestCheckpointName(tree));
  try {
    return found === undefined ? [] : parseNote(found.bytes).signatures.map(({ name }) => name);
  } catch (error) {
    // What it is worth is for a verification to say.
    if (isFault(error, 'NOTE_INVALID')) return [];
    throw error;
  }
}

/** By the watch; a process that just started asks the log for the record, where it can be had. */
async function ageOf(world: ArchiveWorld, partition: number, next: number): Promise<number> {
  const { clock, log, watch, watchedSince } = world;
  const watched = watch.ageMs(partition, next);
  if (clock.now() - watchedSince > youngMs) return watched;
  try {
    await using reader = await log.reader(null);
    const signal = AbortSignal.timeout(readMs);
    for await (const held of reader.assignments(signal)) {
      if (!held.has(partition)) continue;
      const [record] = (await reader.lane(partition, next).pull(signal)).records;
      return record === undefined || record.appendTime < 0
        ? watched
        : Math.max(watched, clock.now() - record.appendTime);
    }
  } catch (error) {
    // The log tells no more than that there is something.
    if (!isFault(error) && !(error instanceof Error && /^(?:Abort|Timeout)Error$/.test(error.name)))
      throw error;
  }
  return watched;
}
