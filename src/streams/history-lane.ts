import type { LogRecord } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type LaneName, tailName } from './archive-names.ts';
import { chainEnd, firstAtOrAfter, readTailBlob, segmentsFrom, tailRecords } from './chain.ts';

/** What lies next in a lane: records up to `next`, ascending; none where offsets are recorded as missing. */
export interface Slice<Item extends LogRecord = LogRecord> {
  readonly records: readonly Item[];
  readonly next: number;
}

const recordsPerSliceMax = 10_000;
const bytesPerSliceMax = 8 * 1024 * 1024;

/**
 * A lane read from the archive alone: the chain of segments from the one that holds `from`, then the tail, up to `end`
 * (exclusive; Infinity = all there is). Of a segment one slice is decompressed at a time, while the next one is fetched.
 * Throws `ARCHIVE_CORRUPT` where segments do not follow one another, and `ARCHIVE_BEHIND` where the archive ends before a
 * finite `end`.
 */
export async function* historyLane(
  store: ArchiveStore,
  lane: LaneName,
  from: number,
  end = Number.POSITIVE_INFINITY,
  recordsPerSlice = recordsPerSliceMax,
): AsyncGenerator<Slice<RecordView>, void> {
  let next = from;
  while (next < end) {
    const reached = yield* chainSlices(store, lane, next, end, recordsPerSlice);
    if (reached >= end) return;
    next = reached;
    const tail = await readTailBlob(store, lane);
    const first = tail === undefined ? undefined : firstAtOrAfter(tail.bytes, lane, next);
    if (tail === undefined || first !== next) {
      // A seal and a trim may have come in between.
      if ((await chainEnd(store.truth, lane)).next > next) continue;
      if (first === undefined) break;
      throw new Fault('ARCHIVE_CORRUPT', {
        blob: tailName(lane),
        reason: 'records before the tail are missing',
        offset: next,
      });
    }
    for (const slice of slices(tailRecords(tail.bytes, lane, next), end, recordsPerSlice)) {
      next = slice.next;
      yield slice;
    }
    if (end === Number.POSITIVE_INFINITY || next >= end) return;
  }
  if (end !== Number.POSITIVE_INFINITY && next < end)
    throw new Fault('ARCHIVE_BEHIND', {
      topic: lane.topic,
      epoch: lane.epoch,
      partition: lane.partition,
      next,
      end,
    });
}

async function* chainSlices(
  store: ArchiveStore,
  lane: LaneName,
  from: number,
  end: number,
  recordsPerSlice: number,
): AsyncGenerator<Slice<RecordView>, number> {
  let next = from;
  for await (const segment of segmentsFrom(store.truth, lane, from, true)) {
    if (segment.header.kind === 'data') {
      for (const slice of slices(after(segment.views(), next), end, recordsPerSlice)) {
        next = slice.next;
        yield slice;
        if (next >= end) return next;
      }
    } else {
      next = Math.min(segment.header.next, end);
      yield { records: [], next };
    }
    if (next >= end) return next;
  }
  return next;
}

function* after(views: Iterable<RecordView>, from: number): Generator<RecordView> {
  for (const view of views) if (view.offset >= from) yield view;
}

function* slices(
  views: Iterable<RecordView>,
  end: number,
  recordsPerSlice: number,
): Generator<Slice<RecordView>> {
  let records: RecordView[] = [];
  let bytes = 0;
  for (const view of views) {
    if (view.offset >= end) break;
    records.push(view);
    bytes += view.end - view.start;
    if (records.length === recordsPerSlice || bytes >= bytesPerSliceMax) {
      yield { records, next: view.offset + 1 };
      [records, bytes] = [[], 0];
    }
  }
  const last = records.at(-1);
  if (last !== undefined) yield { records, next: last.offset + 1 };
}
