import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCut } from '../../src/domain/cut.ts';
import { offsetEnd } from '../../src/domain/position.ts';
import {
  leafHash,
  type Missing,
  metaLeafText,
  missingLeafText,
  nodeHash,
  recordHash,
  recordLeafText,
  treeRoot,
} from '../../src/formats/leaf.ts';
import { consistencyProof, inclusionProof } from '../../src/formats/proof.ts';
import { treeLeafText, treeRecord } from './tree-record.ts';
import { hex, vectors } from './vectors.ts';

const { tree } = vectors;
const published = tree.published.leaves.map((entry) => leafHash(hex(entry)));
const publishedRoot = (size: number) => tree.published.roots[size]!;

describe('golden leaves', () => {
  test.for(tree.leaves)('leaf of offset $offset', ({ offset, avro, text, leaf }) => {
    expect(treeRecord(offset).toString('hex')).toBe(avro);
    expect(treeLeafText(offset)).toBe(text);
    expect(leafHash(text).toString('hex')).toBe(leaf);
    expect(leafHash(Buffer.from(text)).toString('hex')).toBe(leaf);
  });

  test('holes and gaps are leaves', () => {
    const missing = (offset: number, next: number, kind: Missing['kind']) =>
      missingLeafText({ epoch: 1, partition: 0, offset, next, kind });
    const { texts, root, size } = tree.withMissing;
    expect(texts).toEqual([
      ...[0, 1, 2].map(treeLeafText),
      missing(3, 5, 'hole'),
      treeLeafText(5),
      missing(6, 1_000, 'gap'),
      treeLeafText(1_000),
    ]);
    expect(texts.length).toBe(size);
    expect(treeRoot(texts.map(leafHash)).toString('hex')).toBe(root);
  });

  test('the longest leaf', () => {
    const position = { epoch: 511, partition: 511, offset: offsetEnd - 1 };
    expect(recordLeafText(position, recordHash(hex(tree.largest.recordOf)))).toBe(tree.largest.text);
  });

  test('the meta leaf', () => {
    const trees = [
      { size: 257, root: hex(tree.roots[257]!) },
      { size: 0, root: treeRoot([]) },
    ];
    const text = metaLeafText(1_763_600_060_000, parseCut('1:257.0')!, trees);
    expect(text).toBe(tree.metaLeaf.text);
    expect(leafHash(text).toString('hex')).toBe(tree.metaLeaf.leaf);
    expect(() => metaLeafText(0, parseCut('1:257')!, trees)).toThrow(RangeError);
  });

  test('an entry has at most 65,535 bytes, counted in bytes', () => {
    expect(leafHash('é'.repeat(32_767))).toEqual(leafHash(Buffer.from('é'.repeat(32_767))));
    expect(() => leafHash('é'.repeat(32_768))).toThrow(RangeError);
    expect(() => leafHash(Buffer.alloc(65_536))).toThrow(RangeError);
  });
});

describe('tree', () => {
  test.for(Object.entries(tree.roots))('golden root of size %s', ([size, root]) => {
    const leaves = Array.from({ length: Number(size) }, (_, i) => leafHash(treeLeafText(i)));
    expect(treeRoot(leaves).toString('hex')).toBe(root);
  });

  test.for(Object.entries(tree.published.roots))('published root of size %s', ([size, root]) => {
    expect(treeRoot(published.slice(0, Number(size))).toString('hex')).toBe(root);
  });

  test('roots published by others', () => {
    const rootOfEvents = (size: number) => {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(`event-${i}`));
      return treeRoot(leaves).toString('base64');
    };
    expect(leafHash('hello world').toString('base64')).toBe(tree.published.helloWorld);
    expect(rootOfEvents(3)).toBe(tree.published.event0to2);
    expect(rootOfEvents(70_000)).toBe(tree.published.event0to69999);
  });

  test('a published log of fifteen entries', () => {
    const words = 'one two three four five six seven eit nain ten ileven twelf threeten fourten fivten'.split(
      ' ',
    );
    const root = (size: number) => treeRoot(words.slice(0, size).map(leafHash)).toString('base64');
    expect(root(1)).toBe('0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=');
    expect(root(7)).toBe('IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=');
    expect(root(15)).toBe('rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=');
  });

  test('the root is the recursive definition', () => {
    const defined = (leaves: readonly Buffer[]): Buffer => {
      if (leaves.length === 1) return leaves[0]!;
      const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
      return nodeHash(defined(leaves.slice(0, split)), defined(leaves.slice(split)));
    };
    for (let size = 1; size <= 130; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(`${i}`));
      expect(treeRoot(leaves), `size ${size}`).toEqual(defined(leaves));
    }
  });
});

describe('proofs', () => {
  const hexOf = (proof: readonly Buffer[]) => proof.map((hash) => hash.toString('hex'));
  const left8 = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0';

  test('published inclusion and consistency', () => {
    expect(hexOf(inclusionProof(published, 5))).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      left8,
      publishedRoot(4),
    ]);
    expect(hexOf(consistencyProof(published, 6))).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      left8,
      publishedRoot(4),
    ]);
    expect(hexOf(consistencyProof(published.slice(0, 7), 3))).toEqual([
      '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
      '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
      publishedRoot(2),
      '837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e',
    ]);
    const events = [0, 1, 2].map((i) => leafHash(`event-${i}`));
    expect(inclusionProof(events, 1)).toEqual([events[0], events[2]]);
    expect(consistencyProof(events, 2)).toEqual([events[2]]);
  });

  /** RFC 9162 §2.1.3.2, on its own: the root that an inclusion proof leads to. */
  function ledTo(leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer {
    let [fn, sn, node] = [index, size - 1, leaf];
    for (const sibling of proof) {
      if (fn % 2 === 1 || fn === sn) {
        node = nodeHash(sibling, node);
        while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
      } else node = nodeHash(node, sibling);
      [fn, sn] = [fn >> 1, sn >> 1];
    }
    return node;
  }

  test('every inclusion proof leads to the root, and to no other leaf', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (size, pick) => {
        const leaves = Array.from({ length: size }, (_, i) => leafHash(`${i}`));
        const index = pick % size;
        const proof = inclusionProof(leaves, index);
        expect(ledTo(leaves[index]!, index, size, proof)).toEqual(treeRoot(leaves));
        expect(ledTo(leafHash('other'), index, size, proof)).not.toEqual(treeRoot(leaves));
      }),
    );
    expect(() => inclusionProof(published, 8)).toThrow(RangeError);
    expect(() => consistencyProof(published, 9)).toThrow(RangeError);
  });

  test('nothing is needed between a tree and itself, or none', () => {
    expect(consistencyProof(published, 0)).toEqual([]);
    expect(consistencyProof(published, 8)).toEqual([]);
    expect(inclusionProof(published.slice(0, 1), 0)).toEqual([]);
  });
});
