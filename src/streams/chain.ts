import { Fault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import type { RecordView } from '../formats/record-view.ts';
import { readSegment, readTail, type SegmentFile, type WholeHeader } from '../formats/segment.ts';
import type { SegmentHeader } from '../formats/segment-meta.ts';
import type { ArchiveStore, ETag, TruthStore } from '../ports/archive.ts';
import { firstOf, type LaneName, segmentName, segmentsOf, tailName } from './archive-names.ts';

/** The end of what a lane's archive holds: where the next record goes, and the hash of the record before it. */
export interface ArchiveEnd {
  readonly next: number;
  /** SHA-256 of the record at `next - 1`; undefined where there is none (nothing archived, or a hole or gap). */
  readonly lastHash: Buffer | undefined;
}

export interface Tail {
  readonly etag: ETag;
  readonly bytes: Buffer;
}

/** Reads a segment and checks that it is the one its name says. Undefined where there is no such blob. */
export async function openSegment(
  truth: TruthStore,
  lane: LaneName,
  first: number,
): Promise<SegmentFile<WholeHeader> | undefined> {
  const name = segmentName(lane, first);
  const bytes = await truth.read(name);
  if (bytes === undefined) return undefined;
  const segment = readSegment(bytes, name);
  const { topic, epoch, partition } = segment.header;
  if (
    topic !== lane.topic ||
    epoch !== lane.epoch ||
    partition !== lane.partition ||
    segment.header.first !== first
  )
    throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'the header names another place' });
  return segment;
}

/** First offsets of a lane's segments at or after `after`, ascending. */
export async function segmentFirsts(truth: TruthStore, lane: LaneName, after = -1): Promise<number[]> {
  const firsts: number[] = [];
  const prefix = segmentsOf(lane);
  const start = after > 0 ? segmentName(lane, after - 1) : undefined;
  for await (const { name } of truth.list(prefix, start)) {
    const first = firstOf(name);
    if (first === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'not a name of a segment' });
    firsts.push(first);
  }
  return firsts;
}

/**
 * Segments of the chain that reach beyond `from`, in order; `ahead`: each fetched while the one before it is being read, so that
 * two are in memory. Throws `ARCHIVE_CORRUPT` where one does not follow the other.
 */
export async function* segmentsFrom(
  truth: TruthStore,
  lane: LaneName,
  from: number,
  ahead = false,
): AsyncGenerator<SegmentFile<WholeHeader>, void> {
  const firsts = await segmentFirsts(truth, lane);
  if (firsts.length === 0) return;
  const start = firsts.findLastIndex((first) => first <= from);
  if (start < 0)
    throw new Fault('ARCHIVE_CORRUPT', {
      blob: segmentName(lane, from),
      reason: 'the first segment is missing',
      offset: from,
    });
  let next = from;
  for await (const { first, segment } of fetched(truth, lane, firsts.slice(start), ahead)) {
    if (segment === undefined || first > next)
      throw new Fault('ARCHIVE_CORRUPT', {
        blob: segmentName(lane, Math.min(first, next)),
        reason: 'missing',
        offset: next,
      });
    if (segment.header.next <= next) continue;
    yield segment;
    next = segment.header.next;
  }
}

interface Fetched {
  readonly first: number;
  readonly segment: SegmentFile<WholeHeader> | undefined;
}

async function* fetched(
  truth: TruthStore,
  lane: LaneName,
  firsts: readonly number[],
  ahead: boolean,
): AsyncGenerator<Fetched, void> {
  const fetch = async (first: number): Promise<Fetched> => ({
    first,
    segment: await openSegment(truth, lane, first),
  });
  let next: Promise<Fetched> | undefined;
  for (const [at, first] of firsts.entries()) {
    const current = await (next ?? fetch(first));
    const following = firsts[at + 1];
    next = ahead && following !== undefined ? fetch(following) : undefined;
    // Looked at when its turn comes; until then a failure is not unhandled.
    next?.catch(() => undefined);
    yield current;
  }
}

/** The last segment that was read, by the lane's prefix: a segment never changes, so it is read once. */
const lastRead = new WeakMap<TruthStore, Map<string, { readonly first: number; readonly end: ArchiveEnd }>>();

/** End of the chain of segments, by its last one. */
export async function chainEnd(truth: TruthStore, lane: LaneName): Promise<ArchiveEnd> {
  const known = lastRead.get(truth) ?? new Map<string, { first: number; end: ArchiveEnd }>();
  lastRead.set(truth, known);
  const remembered = known.get(segmentsOf(lane));
  const last = (await segmentFirsts(truth, lane, remembered?.first)).at(-1);
  if (last === undefined) return { next: 0, lastHash: undefined };
  if (last === remembered?.first) return remembered.end;
  const segment = await openSegment(truth, lane, last);
  if (segment === undefined)
    throw new Fault('ARCHIVE_CORRUPT', { blob: segmentName(lane, last), reason: 'missing' });
  const end = { next: segment.header.next, lastHash: lastHashOf(segment.views()) };
  known.set(segmentsOf(lane), { first: last, end });
  return end;
}

export async function readTailBlob(store: ArchiveStore, lane: LaneName): Promise<Tail | undefined> {
  return store.state.read(tailName(lane));
}

/** Opens a tail and checks that it is this lane's. */
export function openTail(tail: Buffer, lane: LaneName): SegmentFile<SegmentHeader> {
  const name = tailName(lane);
  const file = readTail(tail, name);
  const { topic, epoch, partition } = file.header;
  if (topic !== lane.topic || epoch !== lane.epoch || partition !== lane.partition)
    throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'the header names another place' });
  return file;
}

export const brokenTail = (blob: string, offset: number): Fault =>
  new Fault('ARCHIVE_CORRUPT', { blob, reason: 'offsets do not follow one another', offset });

/** Records of a tail at or after `from`, which must be contiguous from it; the first may not lie beyond `from`. */
export function* tailRecords(tail: Buffer, lane: LaneName, from: number): Generator<RecordView> {
  let next = from;
  for (const view of openTail(tail, lane).views()) {
    if (view.offset < from) continue;
    if (view.offset !== next) throw brokenTail(tailName(lane), next);
    next += 1;
    yield view;
  }
}

/**
 * End of the archive of a lane: the chain, then the tail from the chain's end. Where the tail does not go on from that end, a
 * seal and a trim may have come in between: the chain is read again before anything is called missing.
 */
export async function archiveEnd(store: ArchiveStore, lane: LaneName): Promise<ArchiveEnd> {
  for (;;) {
    const chain = await chainEnd(store.truth, lane);
    const tail = await readTailBlob(store, lane);
    const first = tail === undefined ? undefined : firstAtOrAfter(tail.bytes, lane, chain.next);
    if (tail === undefined || first !== chain.next) {
      if ((await chainEnd(store.truth, lane)).next > chain.next) continue;
      if (first === undefined) return chain;
      throw new Fault('ARCHIVE_CORRUPT', {
        blob: tailName(lane),
        reason: 'records between segments and tail are missing',
        offset: chain.next,
      });
    }
    return tailEnd(tail.bytes, lane, chain);
  }
}

/** End of a tail that goes on from the end of the chain. */
export function tailEnd(tail: Buffer, lane: LaneName, chain: ArchiveEnd): ArchiveEnd {
  let last: RecordView | undefined;
  for (const view of tailRecords(tail, lane, chain.next)) last = view;
  return last === undefined ? chain : { next: last.offset + 1, lastHash: recordHash(last.bytes) };
}

function lastHashOf(views: Iterable<RecordView>): Buffer | undefined {
  let last: RecordView | undefined;
  for (const view of views) last = view;
  return last === undefined ? undefined : recordHash(last.bytes);
}

/** First offset in the tail that is not below `from`; undefined where there is none. */
export function firstAtOrAfter(tail: Buffer, lane: LaneName, from: number): number | undefined {
  for (const view of readTail(tail, tailName(lane)).views()) if (view.offset >= from) return view.offset;
  return undefined;
}

/**
 * Records that a crash between seal and trim left in the tail stand in segments too, and have to be the same there: else a
 * writer of another log took a name. Throws `ARCHIVE_FORK`.
 */
export async function checkOverlap(
  truth: TruthStore,
  lane: LaneName,
  tail: Buffer,
  chainNext: number,
): Promise<void> {
  const left = new Map<number, Buffer>();
  for (const { offset, bytes } of readTail(tail, tailName(lane)).views()) {
    if (offset >= chainNext) break;
    left.set(offset, bytes);
  }
  if (left.size === 0) return;
  const from = Math.min(...left.keys());
  const firsts = await segmentFirsts(truth, lane);
  const start = firsts.findLastIndex((first) => first <= from);
  for (const first of firsts.slice(Math.max(0, start))) {
    const segment = await openSegment(truth, lane, first);
    if (segment === undefined || segment.header.next > chainNext) return;
    const blob = segmentName(lane, first);
    if (segment.header.kind !== 'data' && left.has(first))
      throw new Fault('ARCHIVE_FORK', { blob, offset: first, kind: segment.header.kind });
    for (const { offset, bytes } of segment.views())
      if (left.get(offset)?.equals(bytes) === false) throw new Fault('ARCHIVE_FORK', { blob, offset });
  }
}
