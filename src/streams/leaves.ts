import { Fault } from '../domain/fault.ts';
import { leafHash, missingLeafText, recordHash, recordLeafText } from '../formats/leaf.ts';
import type { SegmentFile, WholeHeader } from '../formats/segment.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type LaneName, leavesName, leavesOf, segmentName } from './archive-names.ts';
import { openSegment, segmentFirsts } from './chain.ts';

/** Leaf hashes of records that stand at `first` and after, 32 bytes each. */
export function recordLeaves(
  { epoch, partition }: LaneName,
  first: number,
  records: readonly Buffer[],
): Buffer {
  const leaves = Buffer.allocUnsafe(32 * records.length);
  for (const [index, record] of records.entries()) {
    const text = recordLeafText({ epoch, partition, offset: first + index }, recordHash(record));
    leafHash(text).copy(leaves, 32 * index);
  }
  return leaves;
}

/** Leaf hashes of a segment: one per record, of a hole or gap its one. */
export function segmentLeaves(lane: LaneName, { header, views }: SegmentFile<WholeHeader>): Buffer {
  const { epoch, partition } = lane;
  const { first, next, kind } = header;
  if (kind !== 'data') return leafHash(missingLeafText({ epoch, partition, offset: first, next, kind }));
  const leaves = Buffer.allocUnsafe(32 * (next - first));
  for (const view of views()) {
    const text = recordLeafText({ epoch, partition, offset: view.offset }, recordHash(view.bytes));
    leafHash(text).copy(leaves, 32 * (view.offset - first));
  }
  return leaves;
}

/**
 * Writes the leaves of a lane's last segment where a crash came between the two. No writer seals before it has found the end
 * of the chain, so an earlier segment has its leaves.
 */
export async function mendLeaves(store: ArchiveStore, lane: LaneName): Promise<void> {
  const last = (await segmentFirsts(store.truth, lane)).at(-1);
  if (last === undefined) return;
  const name = leavesName(lane, last);
  const before = last === 0 ? undefined : leavesName(lane, last - 1);
  for await (const found of store.state.list(leavesOf(lane), before)) if (found.name === name) return;
  const segment = await openSegment(store.truth, lane, last);
  if (segment === undefined)
    throw new Fault('ARCHIVE_CORRUPT', { blob: segmentName(lane, last), reason: 'missing' });
  await store.state.replace(name, segmentLeaves(lane, segment));
}
