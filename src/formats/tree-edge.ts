import { nodeHash, rowRoot, type TreeHead, treeRoot } from './leaf.ts';
import { tileWidth } from './tile.ts';

const hashBytes = 32;
const tileBytes = tileWidth * hashBytes;

/** A tile of hashes by its place: `bytes` are 32 a hash, 256 hashes where it is full. */
export interface HashTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Buffer;
}

/**
 * The right edge of a tree in tiles: the partial tile of each level, all that is needed to go on. Holds 8 KiB a level, so 40
 * KiB for a trillion leaves.
 */
export interface TreeEdge {
  readonly size: number;
  /** Adds a leaf hash. Gives the tiles that it made full, lowest level first: one in 256 leaves has any. */
  append(leaf: Uint8Array): readonly HashTile[];
  head(): TreeHead;
  /** The partial tiles, none of them empty. */
  partials(): readonly HashTile[];
}

/** Hashes of a level that stand in its partial tile, in a tree of `size`. */
export const partialWidth = (level: number, size: number): number =>
  Math.floor(size / tileWidth ** level) % tileWidth;

/** Levels of a tree that have any tile. */
export const levelsOf = (size: number): number => {
  let levels = 0;
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / tileWidth)) levels += 1;
  return levels;
};

/**
 * The edge of a tree of `size`, from the bytes of its partial tiles by level (those of width 0 may be absent). RangeError
 * where one has another width.
 */
export function treeEdge(size = 0, tiles: ReadonlyMap<number, Buffer> = new Map()): TreeEdge {
  const rows: { readonly bytes: Buffer; width: number }[] = [];
  let leaves = size;
  for (let level = 0; level < levelsOf(size); level += 1) {
    const width = partialWidth(level, size);
    const given = tiles.get(level)?.subarray(0, width * hashBytes) ?? Buffer.alloc(0);
    if (given.length !== width * hashBytes) throw new RangeError(`level ${level}: ${given.length} bytes`);
    const bytes = Buffer.alloc(tileBytes);
    given.copy(bytes);
    rows.push({ bytes, width });
  }

  function rowOf(level: number): { readonly bytes: Buffer; width: number } {
    rows[level] ??= { bytes: Buffer.alloc(tileBytes), width: 0 };
    return rows[level];
  }

  /** A hash has been written behind those of the lowest row. */
  function grow(): readonly HashTile[] {
    const full: HashTile[] = [];
    for (let level = 0; ; level += 1) {
      const row = rowOf(level);
      row.width += 1;
      if (row.width < tileWidth) break;
      row.width = 0;
      const bytes = Buffer.from(row.bytes);
      full.push({ level, index: Math.floor(leaves / tileWidth ** (level + 1)), bytes });
      const above = rowOf(level + 1);
      above.bytes.set(rowRoot(bytes), above.width * hashBytes);
    }
    leaves += 1;
    return full;
  }

  const filled = ({ bytes, width }: { bytes: Buffer; width: number }): Buffer =>
    bytes.subarray(0, width * hashBytes);

  return {
    get size() {
      return leaves;
    },
    append(leaf) {
      const row = rowOf(0);
      row.bytes.set(leaf, row.width * hashBytes);
      return grow();
    },
    head: () => ({
      size: leaves,
      // Higher levels stand to the left, and each of their hashes covers more than all that lies below.
      root: rootOfPeaks(rows.toReversed().flatMap((row) => peaksOf(filled(row)))),
    }),
    partials: () =>
      rows.flatMap((row, level) =>
        row.width === 0
          ? []
          : [
              {
                level,
                index: Math.floor(leaves / tileWidth ** (level + 1)),
                bytes: Buffer.from(filled(row)),
              },
            ],
      ),
  };
}

/** Roots of the full subtrees over a row of hashes, the largest first: one for each bit of their number. */
export function peaksOf(row: Buffer): Buffer[] {
  const count = row.length / hashBytes;
  const peaks: Buffer[] = [];
  for (let at = 0; at < count; ) {
    let width = 1;
    while (width * 2 <= count - at) width *= 2;
    peaks.push(rowRoot(row.subarray(at * hashBytes, (at + width) * hashBytes)));
    at += width;
  }
  return peaks;
}

/** The root over full subtrees that shrink from left to right. */
export const rootOfPeaks = (peaks: readonly Buffer[]): Buffer =>
  peaks.length === 0 ? treeRoot([]) : peaks.reduceRight((right, left) => nodeHash(left, right));
