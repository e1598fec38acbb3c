import { Fault } from '../domain/fault.ts';
import { rowRoot } from '../formats/leaf.ts';
import { bundleWriter, tileWidth } from '../formats/tile.ts';
import { type TreeEdge, treeEdge } from '../formats/tree-edge.ts';
import type { StoredTiles } from './stored-tiles.ts';
import type { SignedHead, TreePlace } from './verify-checkpoints.ts';
import { entriesOf, type KnownTile, type TilesVerdict, tellTile } from './verify-tiles.ts';

/** Leaves made anew, held against what a tree holds of them. Holds one tile and bundle, and the next eight. */
export interface LeafCheck {
  /** Index of the leaf that comes next; undefined once leaves were lost and nothing tells how many. */
  readonly index: number | undefined;
  /** Takes the next leaf. True: `settle` before the next one. */
  take(text: string, offset: number, blob: string): boolean;
  settle(): Promise<void>;
  /** The leaves up to the one of `offset` cannot be made. */
  skip(offset: number): Promise<void>;
  /** Judges what differed. */
  end(): Promise<void>;
}

export interface LeafCheckOptions {
  readonly place: TreePlace;
  /** Undefined: there is no tree; checkpoints are all there is to go by. */
  readonly tiles: StoredTiles | undefined;
  readonly verdict: TilesVerdict;
  readonly heads: readonly SignedHead[];
  /** Index of the first leaf that will come; undefined: nothing tells. */
  readonly from: number | undefined;
  /** What kind of file a blob of leaves is. */
  readonly partOf: (blob: string) => 'segment' | 'tail' | 'cuts';
}

/** Neighbouring leaves of one blob that are not what the tiles hold. */
interface Run {
  readonly leaf: number;
  leaves: number;
  readonly offset: number;
  readonly blob: string;
  /** The bundle holds the same as the tile. */
  bundled: boolean;
}

/** A tile by its root where that is known, and its bundle. */
type Stored = readonly [KnownTile | { readonly bytes: Buffer | Fault }, Buffer | Fault];

const hashBytes = 32;
const aheadMax = 8;
const runsMax = 1_000;

export async function leafCheck(options: LeafCheckOptions): Promise<LeafCheck> {
  const { place, tiles, heads, from } = options;
  const size = tiles?.progress.size ?? 0;
  const edge = await ownEdge(options);
  const ahead = new Map<number, Promise<Stored>>();
  const runs: Run[] = [];
  const hashes = Buffer.alloc(tileWidth * hashBytes);
  const offsets = new Float64Array(tileWidth);
  const blobs: string[] = [];
  /** The leaves of the tile that is being filled, and which of them stands in each slot. */
  const row = bundleWriter([]);
  const nthOf = new Int16Array(tileWidth).fill(-1);
  let index: number | undefined = from;
  /** Heads that the records alone bear out: the last one, and the first that they do not. */
  const own = { proven: from ?? 0, refuted: undefined as SignedHead | undefined };
  let broken = edge === undefined;
  let due = heads.findIndex((head) => head.size > (from ?? 0));

  function take(text: string, offset: number, blob: string): boolean {
    if (index === undefined) return false;
    const slot = index % tileWidth;
    nthOf[slot] = row.count;
    row.add(text);
    row.hashLast(hashes, slot * hashBytes);
    offsets[slot] = offset;
    blobs[slot] = blob;
    index += 1;
    if (!broken) grow(edge!, hashes.subarray(slot * hashBytes, (slot + 1) * hashBytes));
    return slot === tileWidth - 1;
  }

  function clear(): void {
    row.clear();
    nthOf.fill(-1);
  }

  function grow(grown: TreeEdge, leaf: Buffer): void {
    grown.append(leaf);
    for (let head = heads[due]; due >= 0 && head?.size === grown.size; head = heads[due]) {
      if (grown.head().root.equals(head.root)) own.proven = head.size;
      else own.refuted ??= head;
      due += 1;
    }
  }

  async function stored(at: number): Promise<Stored> {
    for (let next = at; next < at + aheadMax && next * tileWidth < size; next += 1) {
      if (ahead.has(next)) continue;
      const tile = options.verdict.knownOf(next) ?? tiles!.tile(0, next).then((bytes) => ({ bytes }));
      const both: Promise<Stored> = Promise.all([tile, tiles!.bundle(next)]);
      // Looked at when its turn comes; until then a failure is not unhandled.
      both.catch(() => undefined);
      ahead.set(next, both);
    }
    const both = await ahead.get(at)!;
    ahead.delete(at);
    return both;
  }

  /** Compares the tile that is full, or the last one. */
  async function compare(at: number): Promise<void> {
    const width = Math.min(tileWidth, size - at * tileWidth);
    if (tiles === undefined || width <= 0 || row.count === 0) return;
    const [tile, bundle] = await stored(at);
    // They come in order: where the last one is the so manieth, all are there.
    const isWhole = nthOf[width - 1] === width - 1;
    const sameBundle = isWhole && !(bundle instanceof Fault) && row.begins(bundle, width);
    const own = hashes.subarray(0, width * hashBytes);
    const sameTile =
      isWhole &&
      ('root' in tile
        ? rowRoot(own).equals(tile.root)
        : !(tile.bytes instanceof Fault) && tile.bytes.equals(own));
    if (sameBundle && sameTile) return;
    differ(at, width, 'root' in tile ? await tiles.tile(0, at) : tile.bytes, bundle);
  }

  function differ(at: number, width: number, tile: Buffer | Fault, bundle: Buffer | Fault): void {
    const entries = entriesOf(bundle, width);
    if (entries === undefined)
      tellTile(
        place,
        tiles!,
        { level: 'entries', index: at, width },
        bundle instanceof Fault ? bundle : 'it is no bundle of so many entries',
      );
    if (tile instanceof Fault) tellTile(place, tiles!, { level: 0, index: at, width }, tile);
    for (let slot = 0; slot < width; slot += 1) {
      if (nthOf[slot]! < 0) continue;
      const hashed = hashes.subarray(slot * hashBytes, (slot + 1) * hashBytes);
      const sameEntry = entries?.[slot]?.equals(row.entry(nthOf[slot]!));
      if (tile instanceof Fault) {
        if (sameEntry === false) note(at * tileWidth + slot, slot, false);
      } else if (!hashed.equals(tile.subarray(slot * hashBytes, (slot + 1) * hashBytes))) {
        note(at * tileWidth + slot, slot, sameEntry === false);
      } else if (sameEntry === false) {
        tellTile(
          place,
          tiles!,
          { level: 'entries', index: at, width },
          'an entry is not the leaf of its record',
        );
      }
    }
  }

  function note(leaf: number, slot: number, bundled: boolean): void {
    const [offset, blob] = [offsets[slot]!, blobs[slot]!];
    const last = runs.at(-1);
    if (
      last !== undefined &&
      last.blob === blob &&
      last.leaf + last.leaves === leaf &&
      last.bundled === bundled
    )
      last.leaves += 1;
    else if (runs.length < runsMax) runs.push({ leaf, leaves: 1, offset, blob, bundled });
  }

  async function settle(): Promise<void> {
    if (index === undefined || row.count === 0) return;
    await compare(Math.floor((index - 1) / tileWidth));
    if (index % tileWidth === 0) clear();
  }

  return {
    get index() {
      return index;
    },
    take,
    settle,
    async skip(offset) {
      const before = index;
      if (before === undefined || tiles === undefined) {
        index = undefined;
        broken = true;
        return;
      }
      const found = await leafAt(tiles, offset, before);
      const at = Math.floor(before / tileWidth);
      if (found === undefined || Math.floor(found / tileWidth) > at) {
        await compare(at);
        clear();
      }
      index = found;
      broken = true;
      for (const passed of ahead.keys())
        if (passed < Math.floor((found ?? 0) / tileWidth)) ahead.delete(passed);
    },
    async end() {
      if (index !== undefined && index % tileWidth !== 0) await settle();
      judge(options, runs, own);
    },
  };
}

/** Runs along with the records where tiles alone cannot settle what a checkpoint says. */
async function ownEdge({ tiles, verdict, heads, from }: LeafCheckOptions): Promise<TreeEdge | undefined> {
  const unsettled =
    tiles === undefined ||
    verdict.refuted.length > 0 ||
    verdict.wrong.size > 0 ||
    heads.some((head) => head.size > tiles.progress.size);
  if (!unsettled || heads.length === 0 || from === undefined) return undefined;
  if (from === 0) return treeEdge();
  if (tiles === undefined) return undefined;
  const rows = new Map<number, Buffer>();
  for (let level = 0; tileWidth ** level <= from; level += 1) {
    const index = Math.floor(from / tileWidth ** (level + 1));
    if (Math.floor(from / tileWidth ** level) % tileWidth === 0) continue;
    const tile = await tiles.tile(level, index);
    if (tile instanceof Fault) return undefined;
    rows.set(level, tile);
  }
  return treeEdge(from, rows);
}

/** Index of the leaf that begins at or after an offset, by the texts of bundles; undefined where they do not tell. */
export async function leafAt(tiles: StoredTiles, offset: number, from: number): Promise<number | undefined> {
  const { size } = tiles.progress;
  const offsetsIn = async (at: number): Promise<readonly number[] | undefined> => {
    const entries =
      entriesOf(await tiles.bundle(at), 1) && entriesOf(await tiles.bundle(at), widthOf(size, at));
    const found = entries?.map((entry) => Number(/"offset":([0-9]+)/.exec(entry.toString('latin1'))?.[1]));
    return found?.some(Number.isNaN) === true ? undefined : found;
  };
  let [low, high] = [Math.floor(from / tileWidth), Math.floor((size - 1) / tileWidth)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const last = (await offsetsIn(middle))?.at(-1);
    if (last === undefined) return undefined;
    if (last < offset) low = middle + 1;
    else high = middle;
  }
  const slot = (await offsetsIn(low))?.findIndex((found) => found >= offset) ?? -1;
  const leaf = low * tileWidth + slot;
  return slot < 0 || leaf < from ? undefined : leaf;
}

const widthOf = (size: number, at: number): number => Math.min(tileWidth, size - at * tileWidth);

/** Says of each difference whether the record or the tile is wrong. */
function judge(
  { place, tiles, verdict, heads, partOf }: LeafCheckOptions,
  runs: readonly Run[],
  own: { readonly proven: number; readonly refuted: SignedHead | undefined },
): void {
  const { findings, lane } = place;
  for (const { leaf, leaves, offset, blob, bundled } of runs) {
    const at = Math.floor(leaf / tileWidth);
    const isSigned = leaf < verdict.proven && !verdict.wrong.has(at);
    const altered = (reason: string): void =>
      findings.add({
        part: partOf(blob),
        wrong: 'altered',
        of: 'truth',
        blob,
        ...lane,
        offset,
        leaf,
        leaves,
        reason,
      });
    if (leaf < own.proven || (!isSigned && !bundled))
      tellTile(
        place,
        tiles!,
        { level: 0, index: at, width: widthOf(tiles!.progress.size, at) },
        'it does not hold the hashes of the records',
      );
    else if (isSigned) altered('it is not what a checkpoint was made of');
    else altered('tile and bundle hold another leaf; no checkpoint tells which is right');
  }
  if (own.refuted === undefined || runs.some(({ leaf }) => leaf < own.refuted!.size)) return;
  const before = heads.findLast(({ size }) => size <= own.proven)?.size ?? own.proven;
  findings.add({
    ...{ part: 'checkpoint', wrong: 'altered', of: 'truth', blob: own.refuted.blob, ...lane, leaf: before },
    leaves: own.refuted.size - before,
    reason: `the records give another root; the one of ${before} leaves they bear out`,
  });
}
