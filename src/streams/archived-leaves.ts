import { Fault } from '../domain/fault.ts';
import { missingLeafText, recordHash, recordLeafText } from '../formats/leaf.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { SegmentFile, WholeHeader } from '../formats/segment.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type LaneName, tailName } from './archive-names.ts';
import { chainEnd, firstAtOrAfter, readTailBlob, segmentsFrom, tailRecords } from './chain.ts';

/** A leaf of a lane's tree, and the offset after it. */
export interface Leaf {
  readonly text: string;
  readonly next: number;
}

/** The leaf of a record as it stands in a file. */
export const leafOfRecord = ({ epoch, partition }: LaneName, offset: number, hash: Buffer): Leaf => ({
  text: recordLeafText({ epoch, partition, offset }, hash),
  next: offset + 1,
});

/** The one leaf of a hole or gap. */
export const leafOfMissing = (
  { epoch, partition }: LaneName,
  { kind, first, next }: { readonly kind: 'hole' | 'gap'; readonly first: number; readonly next: number },
): Leaf => ({ text: missingLeafText({ epoch, partition, offset: first, next, kind }), next });

/** The leaves of a segment from an offset on, in order. */
export function* leavesOfSegment(
  lane: LaneName,
  { header, views }: SegmentFile<WholeHeader>,
  from = 0,
): Generator<Leaf> {
  const { kind, first, next } = header;
  if (kind !== 'data') {
    yield leafOfMissing(lane, { kind, first, next });
    return;
  }
  for (const view of views()) if (view.offset >= from) yield leafOfView(lane, view);
}

function* leavesOfTail(lane: LaneName, tail: Buffer, from: number): Generator<Leaf> {
  for (const view of tailRecords(tail, lane, from)) yield leafOfView(lane, view);
}

const leafOfView = (lane: LaneName, { offset, bytes }: RecordView): Leaf =>
  leafOfRecord(lane, offset, recordHash(bytes));

/**
 * The leaves of all that a lane's archive holds from offset `from` on, one file at a time: chain, then tail. `from` is where a
 * leaf begins. Throws `ARCHIVE_CORRUPT` where files do not follow one another.
 */
export async function* archivedLeaves(
  store: ArchiveStore,
  lane: LaneName,
  from: number,
): AsyncGenerator<Iterable<Leaf>> {
  let next = from;
  const told = function* (leaves: Iterable<Leaf>): Generator<Leaf> {
    for (const leaf of leaves) {
      next = leaf.next;
      yield leaf;
    }
  };
  for (;;) {
    for await (const segment of segmentsFrom(store.truth, lane, next))
      yield told(leavesOfSegment(lane, segment, next));
    const tail = await readTailBlob(store, lane);
    const first = tail === undefined ? undefined : firstAtOrAfter(tail.bytes, lane, next);
    if (tail !== undefined && first === next) {
      yield told(leavesOfTail(lane, tail.bytes, next));
      return;
    }
    // A seal and a trim may have come in between.
    if ((await chainEnd(store.truth, lane)).next > next) continue;
    if (first === undefined) return;
    throw new Fault('ARCHIVE_CORRUPT', {
      blob: tailName(lane),
      reason: 'records before the tail are missing',
      offset: next,
    });
  }
}
