import type { Found } from './archive-finding.ts';
import { type LaneName, leavesName, segmentName } from './archive-names.ts';
import type { TreePlace } from './verify-checkpoints.ts';

/** Checks the files of leaf hashes that stand beside segments: derived, 32 bytes a leaf. */
export interface LeafFiles {
  /** Takes the next leaf hash of the segment that is read. */
  add(hash: Buffer): void;
  /** The segment at `first` was read, `leaves` of it; none of them added where only sizes are compared. */
  segment(first: number, leaves: number): Promise<void>;
  /** Tells what is wrong. Those that were missing are looked at again: they are written a moment after their segment. */
  end(): Promise<void>;
}

const hashBytes = 32;

export function leafFiles({ store, findings }: TreePlace, lane: LaneName, deep: boolean): LeafFiles {
  let hashes = Buffer.alloc(0);
  let bytes = 0;
  const missing: { readonly first: number; readonly leaves: number }[] = [];
  const altered: number[] = [];

  async function look(first: number, leaves: number, given: Buffer | undefined): Promise<boolean> {
    const blob = leavesName(lane, first);
    const found = (await store.state.read(blob))?.bytes;
    if (found === undefined) return false;
    const isRight = found.length === leaves * hashBytes && (given === undefined || found.equals(given));
    if (!isRight) altered.push(first);
    return true;
  }

  function tell(blob: string, offset: number, wrong: Found['wrong'], reason: string): void {
    const { epoch, partition } = lane;
    findings.add({ part: 'leaves', of: 'derived', blob, epoch, partition, offset, wrong, reason });
  }

  return {
    add(hash) {
      if (bytes + hashBytes > hashes.length) {
        const grown = Buffer.allocUnsafe(Math.max(64 * 1024, hashes.length * 2));
        hashes.copy(grown, 0, 0, bytes);
        hashes = grown;
      }
      bytes += hash.copy(hashes, bytes);
    },
    async segment(first, leaves) {
      const given = deep && bytes === leaves * hashBytes ? hashes.subarray(0, bytes) : undefined;
      bytes = 0;
      if (!(await look(first, leaves, given))) missing.push({ first, leaves });
    },
    async end() {
      for (const { first, leaves } of missing)
        if (!(await look(first, leaves, undefined)))
          tell(leavesName(lane, first), first, 'missing', 'its segment is there');
      // Of a segment that is at fault they tell what it was.
      for (const first of altered)
        if (!findings.blames(segmentName(lane, first)))
          tell(leavesName(lane, first), first, 'altered', 'it does not hold the hashes of its segment');
    },
  };
}
