import { leafHash, missingLeafText, recordHash, recordLeafText } from '../formats/leaf.ts';
import type { SegmentFile, WholeHeader } from '../formats/segment.ts';
import type { LaneName } from './archive-names.ts';

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
