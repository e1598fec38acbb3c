import { treeRoot } from './leaf.ts';

/** The largest power of two below `size`: where RFC 6962 splits a tree of at least two leaves. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** RFC 6962 §2.1.1: sibling hashes from the leaf at `index` up to the root. */
export function inclusionProof(leafHashes: readonly Buffer[], index: number): Buffer[] {
  if (index < 0 || index >= leafHashes.length)
    throw new RangeError(`no leaf ${index} of ${leafHashes.length}`);
  if (leafHashes.length === 1) return [];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)];
}

/**
 * RFC 6962 §2.1.2: what shows that the tree of the first `oldSize` leaves is a prefix; empty for none or
 * all of them.
 */
export function consistencyProof(leafHashes: readonly Buffer[], oldSize: number): Buffer[] {
  if (oldSize < 0 || oldSize > leafHashes.length)
    throw new RangeError(`no prefix ${oldSize} of ${leafHashes.length}`);
  return oldSize === 0 ? [] : subProof(leafHashes, oldSize, true);
}

/** `known`: the old tree is the whole left edge so far, so that the verifier holds its root. */
function subProof(leafHashes: readonly Buffer[], oldSize: number, known: boolean): Buffer[] {
  if (oldSize === leafHashes.length) return known ? [] : [treeRoot(leafHashes)];
  const split = splitOf(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return oldSize <= split
    ? [...subProof(left, oldSize, known), treeRoot(right)]
    : [...subProof(right, oldSize - split, false), treeRoot(left)];
}
