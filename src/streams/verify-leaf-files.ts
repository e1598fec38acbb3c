import { type LaneName, leavesName, leavesOf, segmentName } from './archive-names.ts';
import type { TreePlace } from './verify-checkpoints.ts';

/**
 * Checks the files of leaf hashes that stand beside older segments: derived, 32 bytes a leaf. None has to be there, for tiles
 * hold the same.
 */
export interface LeafFiles {
  /** There are any: hashes are wanted. */
  readonly areThere: boolean;
  /** Takes the next leaf hash of the segment that is read. */
  add(hash: Buffer): void;
  /** The segment at `first` was read, `leaves` of it; none of them added where only sizes are compared. */
  segment(first: number, leaves: number): Promise<void>;
  /** Tells what is wrong. */
  end(): void;
}

const hashBytes = 32;

export async function leafFiles(
  { store, findings }: TreePlace,
  lane: LaneName,
  deep: boolean,
): Promise<LeafFiles> {
  let hashes = Buffer.alloc(0);
  let bytes = 0;
  const altered: number[] = [];
  const present = new Set<string>();
  for await (const { name } of store.state.list(leavesOf(lane))) present.add(name);

  async function look(first: number, leaves: number, given: Buffer | undefined): Promise<void> {
    const blob = leavesName(lane, first);
    const found = present.has(blob) ? (await store.state.read(blob))?.bytes : undefined;
    if (found === undefined) return;
    const isRight = found.length === leaves * hashBytes && (given === undefined || found.equals(given));
    if (!isRight) altered.push(first);
  }

  return {
    areThere: present.size > 0,
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
      await look(first, leaves, given);
    },
    end() {
      const { epoch, partition } = lane;
      const reason = 'it does not hold the hashes of its segment';
      // Of a segment that is at fault they tell what it was.
      for (const offset of altered.filter((first) => !findings.blames(segmentName(lane, first)))) {
        const blob = leavesName(lane, offset);
        findings.add({
          part: 'leaves',
          wrong: 'altered',
          of: 'derived',
          blob,
          epoch,
          partition,
          offset,
          reason,
        });
      }
    },
  };
}
