import { Fault } from '../domain/fault.ts';
import { leafHash, rowRoot } from '../formats/leaf.ts';
import { readEntryBundle, type TilePlace, tileWidth } from '../formats/tile.ts';
import { levelsOf, peaksOf, rootOfPeaks } from '../formats/tree-edge.ts';
import { rangeRoot, tilesFor, widthIn } from '../formats/tree-node.ts';
import type { Found } from './archive-finding.ts';
import type { StoredTiles } from './stored-tiles.ts';
import { tileName, treeHeadName } from './tree-names.ts';
import type { SignedHead, TreePlace } from './verify-checkpoints.ts';

export type KnownTile = { readonly root: Buffer } | { readonly bytes: Buffer };

/** What the tiles of a tree say by themselves. */
export interface TilesVerdict {
  /** The first so many leaves of the tiles are signed: a checkpoint has their root. */
  readonly proven: number;
  /** Tiles of leaf hashes that cannot be right. */
  readonly wrong: ReadonlySet<number>;
  /** What is known of a full tile of leaf hashes that was read: its root, or all of it. */
  readonly knownOf: (tile: number) => KnownTile | undefined;
  /** Checkpoints whose root the tiles do not give. */
  readonly refuted: readonly SignedHead[];
}

const hashBytes = 32;
const readsAtOnce = 16;
const cachedMax = 64;

/**
 * Checks the hash tiles of a tree against one another, its head and its checkpoints, and names the tiles that are wrong: a
 * hash of a tile is the root of the full tile below. Holds sixteen tiles. `from`: tiles of leaves before it are passed over.
 */
export async function verifyTiles(
  place: TreePlace,
  tiles: StoredTiles,
  heads: readonly SignedHead[],
  from: number,
): Promise<TilesVerdict> {
  const { size, root } = tiles.progress;
  const expected = heads.find((head) => head.size === size)?.root ?? Buffer.from(root, 'base64');
  const wrong = new Set<number>();
  const roots = tileRoots(Math.floor(size / tileWidth), place.tilesKept);
  const levels = levelsOf(size);
  const edge = await edgeRows(tiles, levels);
  for (const fault of edge.faults) tellTile(place, tiles, fault.place, fault.fault);
  const isWhole = rootOfRows(edge.rows).equals(expected);
  for (let level = 1; level < levels; level += 1)
    await verifyLevel({ place, tiles, level, from, wrong, roots, edge, isWhole, expected });
  if (!isWhole) await verifyEdge(place, tiles, edge, expected, wrong);
  else if (expected.toString('base64') !== root) tellHead(place, tiles);
  const { proven, refuted } = await verifyHeads(tiles, heads);
  return { proven, wrong, knownOf: roots.of, refuted };
}

/** Roots of full tiles of leaf hashes, 32 bytes each: with them the leaves of records are compared, and no tile is read twice. */
interface TileRoots {
  note(tile: number, bytes: Buffer, root: Buffer): void;
  of(tile: number): KnownTile | undefined;
}

function tileRoots(tiles: number, wholeMax: number): TileRoots {
  const roots = Buffer.alloc(tiles * hashBytes);
  const known = new Uint8Array(tiles);
  const whole = new Map<number, Buffer>();
  return {
    note(tile, bytes, root) {
      if (whole.size < wholeMax) whole.set(tile, bytes);
      root.copy(roots, tile * hashBytes);
      known[tile] = 1;
    },
    of(tile) {
      const bytes = whole.get(tile);
      if (bytes !== undefined) return { bytes };
      if (known[tile] !== 1) return undefined;
      return { root: roots.subarray(tile * hashBytes, (tile + 1) * hashBytes) };
    },
  };
}

interface Edge {
  /** The partial tile of each level, empty where there is none or it cannot be read. */
  readonly rows: Buffer[];
  readonly faults: { readonly place: TilePlace; readonly fault: Fault }[];
}

async function edgeRows(tiles: StoredTiles, levels: number): Promise<Edge> {
  const edge: Edge = { rows: [], faults: [] };
  for (let level = 0; level < levels; level += 1) {
    const index = Math.floor(tiles.progress.size / tileWidth ** (level + 1));
    const width = widthIn(tiles.progress.size, level, index);
    const row = width === 0 ? Buffer.alloc(0) : await tiles.tile(level, index);
    if (row instanceof Fault) edge.faults.push({ place: { level, index, width }, fault: row });
    edge.rows.push(row instanceof Fault ? Buffer.alloc(0) : row);
  }
  return edge;
}

const rootOfRows = (rows: readonly Buffer[]): Buffer => rootOfPeaks(rows.toReversed().flatMap(peaksOf));

export function tellTile(
  { findings, lane }: TreePlace,
  { tree }: StoredTiles,
  place: TilePlace,
  fault: Fault | string,
): void {
  const reason = typeof fault === 'string' ? fault : String(fault.facts.reason);
  const wrong: Found['wrong'] =
    typeof fault === 'string' ? 'altered' : reason === 'missing' ? 'missing' : 'unreadable';
  const leaf = place.index * tileWidth * tileWidth ** (place.level === 'entries' ? 0 : place.level);
  const part = place.level === 'entries' ? 'bundle' : 'tile';
  findings.add({ part, wrong, of: 'derived', blob: tileName(tree, place), ...lane, leaf, reason });
}

interface Level {
  readonly place: TreePlace;
  readonly tiles: StoredTiles;
  readonly level: number;
  readonly from: number;
  readonly wrong: Set<number>;
  readonly roots: TileRoots;
  readonly edge: Edge;
  readonly isWhole: boolean;
  readonly expected: Buffer;
}

/** Each tile of a level against the full tiles below. */
async function verifyLevel(at: Level): Promise<void> {
  const { tiles, level, from } = at;
  const { size } = tiles.progress;
  const hashes = Math.floor(size / tileWidth ** level);
  for (let index = Math.floor(from / tileWidth ** (level + 1)); index * tileWidth < hashes; index += 1) {
    const stored = await tiles.tile(level, index);
    const given: (Buffer | Fault)[] = [];
    const below = index * tileWidth;
    for (let start = 0; start < widthIn(size, level, index); start += readsAtOnce) {
      const count = Math.min(readsAtOnce, widthIn(size, level, index) - start);
      const read = await Promise.all(
        Array.from({ length: count }, (_, i) => tiles.tile(level - 1, below + start + i)),
      );
      for (const tile of read) {
        if (tile instanceof Fault) {
          given.push(tile);
          continue;
        }
        const root = rowRoot(tile);
        if (level === 1) at.roots.note(below + given.length, tile, root);
        given.push(root);
      }
    }
    await judge(at, index, stored, given);
  }
}

/** Says which of a tile and those below it is wrong: the one that does not fit what stands above. */
async function judge(
  at: Level,
  index: number,
  stored: Buffer | Fault,
  given: readonly (Buffer | Fault)[],
): Promise<void> {
  const { place, tiles, level } = at;
  const width = widthIn(tiles.progress.size, level, index);
  const own: TilePlace = { level, index, width };
  const child = (slot: number): TilePlace => ({
    ...{ level: level - 1, index: index * tileWidth + slot, width: tileWidth },
  });
  const blame = (slot: number, fault: Fault | string): void => {
    tellTile(place, tiles, child(slot), fault);
    if (level === 1) at.wrong.add(index * tileWidth + slot);
  };
  for (const [slot, root] of given.entries()) if (root instanceof Fault) blame(slot, root);
  // What is at the edge was told there.
  if (stored instanceof Fault) return width < tileWidth ? undefined : tellTile(place, tiles, own, stored);
  const different = given.flatMap((root, slot) =>
    root instanceof Fault || root.equals(stored.subarray(slot * hashBytes, (slot + 1) * hashBytes))
      ? []
      : [slot],
  );
  if (different.length === 0) return;
  if (!(await fits(at, index, stored)) && given.every((root) => !(root instanceof Fault))) {
    const mended = Buffer.concat(given as readonly Buffer[]);
    if (await fits(at, index, mended)) {
      if (width < tileWidth) at.edge.rows[level] = mended;
      return tellTile(place, tiles, own, 'it does not hold the roots of the tiles below');
    }
  }
  for (const slot of different) blame(slot, 'the tile above holds another root');
}

/** Whether hashes fit, as those of a tile, what stands above it. */
async function fits(at: Level, index: number, hashes: Buffer): Promise<boolean> {
  const { tiles, level, edge, expected } = at;
  if (hashes.length < tileWidth * hashBytes)
    return rootOfRows(edge.rows.with(level, hashes)).equals(expected);
  const above = await tiles.tile(level + 1, Math.floor(index / tileWidth));
  if (above instanceof Fault) return false;
  const slot = (index % tileWidth) * hashBytes;
  return rowRoot(hashes).equals(above.subarray(slot, slot + hashBytes));
}

/** The tiles at the edge give another root: the partial tile of leaves is wrong, or the head. */
async function verifyEdge(
  place: TreePlace,
  tiles: StoredTiles,
  { rows, faults }: Edge,
  expected: Buffer,
  wrong: Set<number>,
): Promise<void> {
  if (rootOfRows(rows).equals(expected)) return;
  const { size } = tiles.progress;
  const index = Math.floor(size / tileWidth);
  const width = widthIn(size, 0, index);
  if (width > 0) wrong.add(index);
  if (faults.length > 0) return;
  const entries = width === 0 ? [] : entriesOf(await tiles.bundle(index), width);
  const leaves = entries === undefined ? undefined : Buffer.concat(entries.map((entry) => leafHash(entry)));
  if (leaves !== undefined && rootOfRows(rows.with(0, leaves)).equals(expected))
    return tellTile(place, tiles, { level: 0, index, width }, 'it does not hold the hashes of its entries');
  tellHead(place, tiles);
}

function tellHead({ findings, lane }: TreePlace, { tree, progress }: StoredTiles): void {
  findings.add({
    ...{ part: 'head', wrong: 'altered', of: 'derived', ...lane, leaf: progress.size },
    blob: treeHeadName(tree),
    reason: 'the tiles have another root',
  });
}

/** The first entries of a bundle; undefined where it has not so many. */
export function entriesOf(bundle: Buffer | Fault, width: number): readonly Buffer[] | undefined {
  const entries = bundle instanceof Fault ? undefined : allEntriesOf(bundle);
  return entries === undefined || entries.length < width ? undefined : entries.slice(0, width);
}

/** All entries of a bundle; undefined where it is none. */
export function allEntriesOf(bundle: Buffer): readonly Buffer[] | undefined {
  try {
    return readEntryBundle(bundle);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Which checkpoints the tiles bear out. Those beyond the tiles are for whoever counts the leaves. */
async function verifyHeads(
  tiles: StoredTiles,
  heads: readonly SignedHead[],
): Promise<Pick<TilesVerdict, 'proven' | 'refuted'>> {
  const cached = new Map<string, Buffer | Fault>();
  const tile = async (level: number, index: number): Promise<Buffer | Fault> => {
    const key = `${level}/${index}`;
    const known = cached.get(key);
    if (known !== undefined) return known;
    if (cached.size === cachedMax) cached.clear();
    const read = await tiles.tile(level, index);
    cached.set(key, read);
    return read;
  };
  const { size } = tiles.progress;
  const refuted: SignedHead[] = [];
  let proven = 0;
  for (const head of heads) {
    if (head.size > size) break;
    const range = { start: 0, end: head.size };
    const given = new Map<string, Buffer>();
    for (const { level, index } of tilesFor([range], size)) {
      const read = await tile(level, index);
      if (!(read instanceof Fault)) given.set(`${level}/${index}`, read);
    }
    const root = rangeRoot(range, ({ level, index }) => given.get(`${level}/${index}`) ?? nothing);
    if (root.equals(head.root)) proven = head.size;
    else refuted.push(head);
  }
  return { proven, refuted };
}

/** Hashes of a tile that cannot be read: they give no root that anybody signed. */
const nothing = Buffer.alloc(tileWidth * hashBytes);
