import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash, treeRoot } from '../../src/formats/leaf.ts';
import {
  consistencyProof,
  consistencyRanges,
  inclusionProof,
  inclusionRanges,
  isConsistent,
  isIncluded,
} from '../../src/formats/proof.ts';
import { entryBundle, hashTiles, readEntryBundle, tilePath } from '../../src/formats/tile.ts';
import { treeEdge } from '../../src/formats/tree-edge.ts';
import { rangeRoot, tilesFor } from '../../src/formats/tree-node.ts';

const sizeMax = 66_000;
const all = Array.from({ length: sizeMax }, (_, i) => leafHash(`event-${i}`));
const sizes = fc.oneof(fc.integer({ min: 0, max: 900 }), fc.constantFrom(255, 256, 257, 511, 512));
const large = [65_535, 65_536, 65_537, sizeMax].map((size): [number] => [size]);
const few = { numRuns: 40, examples: large };

/** Every tile of the tree, full or partial, by its path. */
const tilesOf = (size: number): ReadonlyMap<string, Buffer> =>
  new Map(hashTiles(all.slice(0, size)).map(({ path, bytes }) => [path, bytes]));

describe('an edge', () => {
  test('has the root and the tiles of the tree, whatever its size', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const edge = treeEdge();
        const full = all.slice(0, size).flatMap((leaf) => edge.append(leaf));
        expect(edge.head()).toEqual({ size, root: treeRoot(all.slice(0, size)) });
        const made = new Map(
          [...full, ...edge.partials()].map(({ level, index, bytes }) => [
            tilePath(level, index, bytes.length / 32),
            bytes,
          ]),
        );
        expect(new Map([...made].sort())).toEqual(new Map([...tilesOf(size)].sort()));
      }),
      few,
    );
  });

  test('taken up again from its partial tiles goes on as if it had never ended', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 700 }), (size, more) => {
        const first = treeEdge();
        for (const leaf of all.slice(0, size)) first.append(leaf);
        const again = treeEdge(size, new Map(first.partials().map(({ level, bytes }) => [level, bytes])));
        expect(again.head()).toEqual(first.head());
        const next = all.slice(0, more);
        expect(next.flatMap((leaf) => again.append(leaf))).toEqual(
          next.flatMap((leaf) => first.append(leaf)),
        );
        expect(again.head()).toEqual(first.head());
      }),
      { numRuns: 40 },
    );
  });

  test('is not made of tiles of another width', () => {
    expect(() => treeEdge(3, new Map([[0, Buffer.alloc(64)]]))).toThrow(RangeError);
    expect(() => treeEdge(257, new Map([[0, Buffer.alloc(32)]]))).toThrow(RangeError);
  });
});

describe('proofs from tiles', () => {
  const pairs = fc
    .tuple(sizes, fc.nat())
    .map(([size, pick]) => [size, size === 0 ? 0 : pick % size] as const);

  test('are those from leaves, and read few tiles', () => {
    fc.assert(
      fc.property(pairs, ([size, index]) => {
        fc.pre(size > 0);
        const tiles = tilesOf(size);
        for (const [ranges, proof] of [
          [inclusionRanges(index, size), inclusionProof(all.slice(0, size), index)],
          [consistencyRanges(index, size), consistencyProof(all.slice(0, size), index)],
        ] as const) {
          const needed = tilesFor(ranges, size);
          expect(needed.length).toBeLessThanOrEqual(5);
          const held = new Map(
            needed.map(({ level, index, width }) => [
              `${level}/${index}`,
              tiles.get(tilePath(level, index, width))!,
            ]),
          );
          const roots = ranges.map((range) =>
            rangeRoot(range, (place) => held.get(`${place.level}/${place.index}`)!),
          );
          expect(roots).toEqual(proof);
        }
      }),
      { numRuns: 40, examples: [[[65_793, 65_536]], [[sizeMax, 256]]] },
    );
  });

  test('the root of an older tree follows from the tiles of a newer one', () => {
    const tiles = tilesOf(700);
    const range = { start: 0, end: 300 };
    const bytesOf = ({ level, index }: { level: number; index: number }): Buffer => {
      const place = tilesFor([range], 700).find((tile) => tile.level === level && tile.index === index)!;
      return tiles.get(tilePath(level, index, place.width))!;
    };
    expect(rangeRoot(range, bytesOf)).toEqual(treeRoot(all.slice(0, 300)));
  });
});

describe('a proof', () => {
  const heads = (size: number) => ({ size, root: treeRoot(all.slice(0, size)) });
  const small = fc.integer({ min: 1, max: 300 });

  test('of inclusion holds for its leaf, place and tree alone', () => {
    fc.assert(
      fc.property(small, fc.nat(), (size, pick) => {
        const index = pick % size;
        const proof = inclusionProof(all.slice(0, size), index);
        expect(isIncluded(all[index]!, index, heads(size), proof)).toBe(true);
        expect(isIncluded(all[index + 1]!, index, heads(size), proof)).toBe(false);
        expect(isIncluded(all[index]!, index, heads(size + 1), proof)).toBe(false);
        expect(isIncluded(all[index]!, index, heads(size), [...proof, all[0]!])).toBe(false);
        if (size > 1) expect(isIncluded(all[index]!, index, heads(size), proof.slice(1))).toBe(false);
        expect(isIncluded(all[index]!, size, heads(size), proof)).toBe(false);
      }),
    );
  });

  test('of consistency holds between a tree and its prefix alone', () => {
    fc.assert(
      fc.property(small, small, (one, two) => {
        const [older, newer] = [Math.min(one, two), Math.max(one, two)];
        const proof = consistencyProof(all.slice(0, newer), older);
        expect(isConsistent(heads(older), heads(newer), proof)).toBe(true);
        const forged = all.slice(0, newer).with(older - 1, leafHash('forged'));
        const rewritten = { size: newer, root: treeRoot(forged) };
        expect(isConsistent(heads(older), rewritten, consistencyProof(forged, older))).toBe(false);
        if (older < newer) {
          expect(isConsistent(heads(newer), heads(older), proof)).toBe(false);
          expect(isConsistent(heads(older), heads(newer), [...proof, all[0]!])).toBe(false);
        }
      }),
    );
  });
});

describe('a bundle', () => {
  const entry = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));

  test('gives back its entries', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
        expect(readEntryBundle(entryBundle(entries))).toEqual(entries);
      }),
    );
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a length', Buffer.from('00', 'hex')],
    ['half an entry', Buffer.from('000261', 'hex')],
    ['257 entries', Buffer.alloc(514)],
  ])('is not %s', (_, bytes) => {
    expect(() => readEntryBundle(bytes)).toThrow(RangeError);
  });
});
