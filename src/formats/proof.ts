import { nodeHash, treeRoot } from './leaf.ts';

/** Leaves [start, end): a node of the tree, or its right edge. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** The largest power of two below `size`: where RFC 6962 splits a tree of at least two leaves. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/**
 * RFC 6962 §2.1.1: the ranges whose roots show that leaf `index` is in the tree of `size`, from the leaf up. RangeError for a
 * leaf that is not there.
 */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (index < 0 || index >= size) throw new RangeError(`no leaf ${index} of ${size}`);
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * RFC 6962 §2.1.2: the ranges whose roots show that the tree of the first `oldSize` leaves is a prefix of the one of `size`;
 * none for nothing or all of them.
 */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  if (oldSize < 0 || oldSize > size) throw new RangeError(`no prefix ${oldSize} of ${size}`);
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (oldSize !== end) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree is the whole left edge: the verifier holds its root.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}

const rootsOf = (leafHashes: readonly Buffer[], ranges: readonly LeafRange[]): Buffer[] =>
  ranges.map(({ start, end }) => treeRoot(leafHashes.slice(start, end)));

/** Sibling hashes from the leaf at `index` up to the root. */
export const inclusionProof = (leafHashes: readonly Buffer[], index: number): Buffer[] =>
  rootsOf(leafHashes, inclusionRanges(index, leafHashes.length));

/** What shows that the tree of the first `oldSize` leaves is a prefix. */
export const consistencyProof = (leafHashes: readonly Buffer[], oldSize: number): Buffer[] =>
  rootsOf(leafHashes, consistencyRanges(oldSize, leafHashes.length));

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** RFC 9162 §2.1.3.2: whether the proof leads from the leaf at `index` to the root of a tree of `size`. */
export function isIncluded(
  leaf: Buffer,
  index: number,
  { size, root }: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (index < 0 || index >= size) return false;
  let [fn, sn, node] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      node = nodeHash(sibling, node);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else node = nodeHash(node, sibling);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && node.equals(root);
}

/** RFC 9162 §2.1.4.2: whether the proof shows that the older tree is a prefix of the newer one. */
export function isConsistent(
  older: { readonly size: number; readonly root: Buffer },
  newer: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root);
  if (older.size === 0) return proof.length === 0;
  let [fn, sn] = [older.size - 1, newer.size - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  // A tree of a power of two is a node of the newer one: its root begins the path.
  const path = fn === 0 ? [older.root, ...proof] : proof;
  const [seed, ...rest] = path;
  if (seed === undefined) return false;
  let [old, now] = [seed, seed];
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      old = nodeHash(sibling, old);
      now = nodeHash(sibling, now);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else now = nodeHash(now, sibling);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && old.equals(older.root) && now.equals(newer.root);
}
