import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { leafHash, treeRoot } from '../../src/formats/leaf.ts';
import { bundleWriter, entryBundle, entryBundles, hashTiles, tilePath } from '../../src/formats/tile.ts';
import { treeLeafText } from './tree-record.ts';
import { vectors } from './vectors.ts';

const texts = Array.from({ length: 257 }, (_, i) => treeLeafText(i));
const tilesOf = (entries: readonly string[]) => [
  ...entryBundles(entries),
  ...hashTiles(entries.map(leafHash)),
];
const pathsOf = (size: number) =>
  hashTiles(Array.from({ length: size }, () => Buffer.alloc(32))).map(({ path }) => path);

test('golden tiles of size 257', () => {
  const hashes = tilesOf(texts).map(({ path, bytes }) => [path, hash('sha256', bytes)]);
  expect(Object.fromEntries(hashes)).toEqual(vectors.tree.tilesOf257);
});

test('tiles published for 70,000 entries', () => {
  const tiles = tilesOf(Array.from({ length: 70_000 }, (_, i) => `event-${i}`));
  const sha256 = (path: string) => hash('sha256', tiles.find((tile) => tile.path === path)!.bytes);
  expect(sha256('tile/entries/000')).toMatch(/^e3a4f33c.*d433$/);
  expect(sha256('tile/0/000')).toMatch(/^ed9ce093.*7522$/);
  expect(sha256('tile/1/000')).toMatch(/^e11a17d1.*3403$/);
  expect(sha256('tile/2/000.p/1')).toMatch(/^5e8a3138.*1c37$/);
  expect(tiles.filter(({ path }) => path.startsWith('tile/0/')).length).toBe(274);
  expect(tiles.map(({ path }) => path)).toContain('tile/0/273.p/112');
  expect(tiles.map(({ path }) => path)).toContain('tile/1/001.p/17');
});

test('a partial tile is not hashed upward and an empty one does not exist', () => {
  expect(pathsOf(0)).toEqual([]);
  expect(pathsOf(1)).toEqual(['tile/0/000.p/1']);
  expect(pathsOf(255)).toEqual(['tile/0/000.p/255']);
  expect(pathsOf(256)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
  expect(pathsOf(257)).toEqual(['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']);
});

test('a tile above holds the roots of the full tiles below', () => {
  const leaves = texts.map(leafHash);
  const above = hashTiles(leaves).find(({ path }) => path === 'tile/1/000.p/1')!;
  expect(above.bytes).toEqual(treeRoot(leaves.slice(0, 256)));
});

test('paths have groups of three digits', () => {
  expect(tilePath(0, 0)).toBe('tile/0/000');
  expect(tilePath(0, 999, 5)).toBe('tile/0/999.p/5');
  expect(tilePath(63, 1_000)).toBe('tile/63/x001/000');
  expect(tilePath('entries', 1_234_067, 1)).toBe('tile/entries/x001/x234/067.p/1');
});

test('a published bundle, and the bound of an entry', () => {
  const bundle = entryBundle(['event-0', 'event-1', 'event-2']);
  expect(bundle.toString('hex')).toBe('00076576656e742d3000076576656e742d3100076576656e742d32');
  expect(entryBundle([Buffer.alloc(65_535)]).length).toBe(65_537);
  expect(() => entryBundle(['x'.repeat(65_536)])).toThrow(RangeError);
});

test('a bundle that grows is the one made at once, and its leaves are hashed where they lie', () => {
  const written = bundleWriter([Buffer.from(texts[0]!)]);
  const leaves = Buffer.alloc(256 * 32);
  for (const [nth, text] of texts.slice(1, 256).entries()) {
    written.add(text);
    written.hashLast(leaves, nth * 32);
  }
  expect(written.bytes()).toEqual(entryBundle(texts.slice(0, 256)));
  expect(leaves.subarray(0, 255 * 32)).toEqual(Buffer.concat(texts.slice(1, 256).map(leafHash)));
  expect(written.entry(7).toString()).toBe(texts[7]);
  expect(written.begins(entryBundle(texts.slice(0, 9)), 9)).toBe(true);
  expect(written.begins(entryBundle([...texts.slice(0, 8), texts[9]!]), 9)).toBe(false);
  expect(written.begins(entryBundle(texts.slice(0, 8)), 9)).toBe(false);
  expect(() => written.add('one too many')).toThrow(RangeError);
});
