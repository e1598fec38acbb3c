import { rowRoot } from './leaf.ts';
import type { LeafRange } from './proof.ts';
import { type TilePlace, tileWidth } from './tile.ts';
import { partialWidth, rootOfPeaks } from './tree-edge.ts';

/** Levels of nodes that one tile covers. */
const tileHeight = 8;
const hashBytes = 32;

/** A tile of hashes in the tree of some size. */
export interface HashTilePlace extends TilePlace {
  readonly level: number;
}

/** Hashes [from, to) of a tile, a power of two of them: their root is a node of the tree. */
interface TileNode {
  readonly level: number;
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** The full subtrees that make up a range, left to right. Only ranges of proofs begin where their first one may. */
function nodesOf({ start, end }: LeafRange): TileNode[] {
  const nodes: TileNode[] = [];
  for (let at = start; at < end; ) {
    let height = 0;
    let leaves = 1;
    while (at % (leaves * 2) === 0 && at + leaves * 2 <= end) {
      height += 1;
      leaves *= 2;
    }
    const level = Math.floor(height / tileHeight);
    const first = at / tileWidth ** level;
    const index = Math.floor(first / tileWidth);
    const from = first % tileWidth;
    nodes.push({ level, index, from, to: from + 2 ** (height % tileHeight) });
    at += leaves;
  }
  return nodes;
}

/** How many hashes the tile has in a tree of `size`. */
export function widthIn(size: number, level: number, index: number): number {
  const full = Math.floor(size / tileWidth ** (level + 1));
  return index < full ? tileWidth : partialWidth(level, size);
}

/** The tiles of a tree of `size` from which the roots of these ranges follow, each once. */
export function tilesFor(ranges: readonly LeafRange[], size: number): HashTilePlace[] {
  const places = new Map<string, HashTilePlace>();
  for (const { level, index } of ranges.flatMap(nodesOf))
    places.set(`${level}/${index}`, { level, index, width: widthIn(size, level, index) });
  return [...places.values()];
}

/** The root of a range of leaves. `bytesOf` gives a tile's hashes, 32 bytes each, at least as many as the tree has there. */
export const rangeRoot = (
  range: LeafRange,
  bytesOf: (place: { readonly level: number; readonly index: number }) => Buffer,
): Buffer =>
  rootOfPeaks(
    nodesOf(range).map((node) => {
      const hashes = bytesOf(node).subarray(node.from * hashBytes, node.to * hashBytes);
      if (hashes.length !== (node.to - node.from) * hashBytes)
        throw new RangeError(`tile ${node.level}/${node.index} ends before hash ${node.to}`);
      return rowRoot(hashes);
    }),
  );
