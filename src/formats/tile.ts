import { nodeHash, writeLeafHash } from './leaf.ts';

/** Entries of a bundle and hashes of a tile when full. */
export const tileWidth = 256;
const entryBytesMax = 65_535;

/** A tile (or bundle) of the tree of some size: `width` hashes (or entries), 256 where it is full. */
export interface TilePlace {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** One file of a tile log: its path below the tree's prefix, and its bytes. */
export interface TileFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Path of a tile (level 0-63) or an entry bundle, as C2SP tlog-tiles has it: the index in groups of three
 * digits, all but the last prefixed `x`; `.p/<width>` where it is partial.
 */
export function tilePath(level: number | 'entries', index: number, width: number = tileWidth): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/.../g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** Bytes of an entry bundle: each of up to 256 entries after its length as uint16 big-endian. */
export function entryBundle(entries: readonly (string | Uint8Array)[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const bytes = typeof entry === 'string' ? Buffer.from(entry) : entry;
    if (bytes.length > entryBytesMax) throw new RangeError(`an entry of ${bytes.length} bytes`);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** A bundle that grows entry by entry, in memory that is kept for the next one. */
export interface BundleWriter {
  readonly count: number;
  /** RangeError for more than 65,535 bytes, or more entries than a bundle has. */
  add(entry: string): void;
  /** Writes the leaf hash of the entry that came last into `target` at `at`. */
  hashLast(target: Buffer, at: number): void;
  /** Bytes of an entry, a view that is good until the next one comes. */
  entry(nth: number): Buffer;
  /** Whether `bundle` begins with the first `entries` of this one. */
  begins(bundle: Buffer, entries: number): boolean;
  /** The bundle so far, in bytes of its own. */
  bytes(): Buffer;
  clear(): void;
}

const bundleFirstBytes = 48 * 1024;

/** Goes on from these entries. */
export function bundleWriter(entries: readonly Uint8Array[]): BundleWriter {
  const given = entryBundle(entries);
  let buffer = Buffer.alloc(Math.max(bundleFirstBytes, given.length));
  let at = given.copy(buffer);
  let count = entries.length;
  /** Where each entry ends. */
  const ends = new Uint32Array(tileWidth);
  for (const [nth, { length }] of entries.entries())
    ends[nth] = (nth === 0 ? 0 : ends[nth - 1]!) + 2 + length;
  const startOf = (nth: number): number => (nth === 0 ? 0 : ends[nth - 1]!);
  return {
    get count() {
      return count;
    },
    add(entry) {
      if (count === tileWidth) throw new RangeError('a bundle is full');
      const room = at + 2 + entry.length * 3;
      if (room > buffer.length) {
        const larger = Buffer.alloc(Math.max(room, buffer.length * 2));
        buffer.copy(larger, 0, 0, at);
        buffer = larger;
      }
      const length = buffer.write(entry, at + 2, 'utf8');
      if (length > entryBytesMax) throw new RangeError(`an entry of ${length} bytes`);
      buffer.writeUInt16BE(length, at);
      at += 2 + length;
      ends[count] = at;
      count += 1;
    },
    hashLast(target, place) {
      // The zero that a leaf is hashed with stands for a moment where the length ends.
      const zero = startOf(count - 1) + 1;
      const low = buffer[zero]!;
      buffer[zero] = 0;
      writeLeafHash(buffer.subarray(zero, at), target, place);
      buffer[zero] = low;
    },
    entry: (nth) => buffer.subarray(startOf(nth) + 2, ends[nth]),
    begins(bundle, first) {
      const bytes = first === 0 ? 0 : ends[first - 1]!;
      return bundle.length >= bytes && buffer.compare(bundle, 0, bytes, 0, bytes) === 0;
    },
    bytes: () => Buffer.from(buffer.subarray(0, at)),
    clear() {
      [at, count] = [0, 0];
    },
  };
}

/** Entries of a bundle, views into it. RangeError for bytes that are no bundle of 1 to 256 entries. */
export function readEntryBundle(bundle: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length; ) {
    if (at + 2 > bundle.length) throw new RangeError(`a length that ends at ${bundle.length}`);
    const end = at + 2 + bundle.readUInt16BE(at);
    if (end > bundle.length) throw new RangeError(`an entry that ends at ${end} of ${bundle.length}`);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  if (entries.length === 0 || entries.length > tileWidth) throw new RangeError(`${entries.length} entries`);
  return entries;
}

/** All entry bundles of a tree, full ones first, the partial one (if any) last. */
export const entryBundles = (entries: readonly (string | Uint8Array)[]): TileFile[] =>
  inTiles('entries', entries, entryBundle);

/**
 * All hash tiles of the tree over `leafHashes`, level by level: level 0 holds leaf hashes, each level above
 * the roots of the full tiles below. A partial tile is never hashed upward, and an empty one does not
 * exist.
 */
export function hashTiles(leafHashes: readonly Buffer[]): TileFile[] {
  const tiles: TileFile[] = [];
  let hashes = leafHashes;
  for (let level = 0; hashes.length > 0; level++) {
    tiles.push(...inTiles(level, hashes, (part) => Buffer.concat(part)));
    hashes = fullTileRoots(hashes);
  }
  return tiles;
}

function inTiles<T>(
  level: number | 'entries',
  all: readonly T[],
  bytesOf: (part: readonly T[]) => Buffer,
): TileFile[] {
  const tiles: TileFile[] = [];
  for (let start = 0; start < all.length; start += tileWidth) {
    const part = all.slice(start, start + tileWidth);
    tiles.push({ path: tilePath(level, start / tileWidth, part.length), bytes: bytesOf(part) });
  }
  return tiles;
}

function fullTileRoots(hashes: readonly Buffer[]): Buffer[] {
  const roots: Buffer[] = [];
  for (let end = tileWidth; end <= hashes.length; end += tileWidth) {
    let nodes = hashes.slice(end - tileWidth, end);
    while (nodes.length > 1) {
      nodes = Array.from({ length: nodes.length / 2 }, (_, i) => nodeHash(nodes[2 * i]!, nodes[2 * i + 1]!));
    }
    roots.push(nodes[0]!);
  }
  return roots;
}
