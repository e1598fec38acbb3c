import { hash } from 'node:crypto';
import { type Cut, formatCut } from '../domain/cut.ts';
import type { Position } from '../domain/position.ts';

const hashBytes = 32;
const entryBytesMax = 65_535;
const entryScratch = Buffer.alloc(entryBytesMax + 1);
const nodeScratch = Buffer.alloc(1 + 2 * hashBytes, 1);
const rowHashesMax = 256;
const rowScratch = Buffer.alloc(rowHashesMax * hashBytes);

/** SHA-256. Through a string, for each result that `hash` makes as a buffer of its own costs as much as five hashes. */
const sha256 = (bytes: Uint8Array): Buffer => Buffer.from(hash('sha256', bytes, 'binary'), 'binary');

/** SHA-256 of a segment record's Avro bytes as they stand in the file, never of a re-encoding. 32 bytes. */
export const recordHash = (recordBytes: Uint8Array): Buffer => sha256(recordBytes);

/** The leaf of a record: one fixed text, its keys in this order (not RFC 8785, which would sort them). */
export const recordLeafText = ({ epoch, partition, offset }: Position, record: Buffer): string =>
  `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${offset},"record":"${record.toString('hex')}"}`;

/** The leaf of a record by its Avro bytes as they stand in the file. */
export const leafTextOf = ({ epoch, partition, offset }: Position, recordBytes: Uint8Array): string =>
  `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${offset},"record":"${hash('sha256', recordBytes, 'hex')}"}`;

/** Offsets [offset, next) that no segment holds. */
export interface Missing extends Position {
  readonly next: number;
  readonly kind: 'hole' | 'gap';
}

/** The one leaf of a hole or gap, so that what is missing is signed too. */
export const missingLeafText = ({ epoch, partition, offset, next, kind }: Missing): string =>
  `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${offset},"next":${next},` +
  `"kind":"${kind}","reason":"${kind === 'hole' ? 'sparse' : 'retention'}"}`;

export interface TreeHead {
  /** How many leaves. */
  readonly size: number;
  /** 32 bytes; of a tree of size 0, SHA-256 of nothing. */
  readonly root: Buffer;
}

/** A leaf of the meta log: a published cut at `time` (UTC ms) with one tree head per partition, in order. */
export function metaLeafText(time: number, cut: Cut, trees: readonly TreeHead[]): string {
  if (trees.length !== cut.next.length)
    throw new RangeError('a cut and its trees have one element per partition');
  const heads = trees.map(({ size, root }) => `{"size":${size},"root":"${root.toString('base64')}"}`);
  return `{"v":1,"time":${time},"cut":"${formatCut(cut)}","trees":[${heads.join(',')}]}`;
}

/** RFC 6962 leaf hash of an entry (text as UTF-8): SHA-256(00 ‖ entry). RangeError over 65,535 bytes. */
export function leafHash(entry: string | Uint8Array): Buffer {
  const length = typeof entry === 'string' ? Buffer.byteLength(entry) : entry.length;
  if (length > entryBytesMax) throw new RangeError(`an entry of ${length} bytes`);
  if (typeof entry === 'string') entryScratch.write(entry, 1, 'utf8');
  else entryScratch.set(entry, 1);
  return sha256(entryScratch.subarray(0, 1 + length));
}

/** Writes the leaf hash of an entry into `target` at `at`, given as its bytes behind a zero. As `leafHash`, without a copy. */
export function writeLeafHash(zeroAndEntry: Buffer, target: Buffer, at: number): void {
  target.write(hash('sha256', zeroAndEntry, 'binary'), at, 'latin1');
}

/** RFC 6962 node hash: SHA-256(01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + hashBytes);
  return sha256(nodeScratch);
}

/**
 * RFC 6962 root over leaf hashes in order: n > 1 splits at the largest power of two below n; of none,
 * SHA-256 of nothing. Holds one hash a level.
 */
export function treeRoot(leafHashes: Iterable<Buffer>): Buffer {
  // The full subtrees so far, one for each bit of `size`, the largest first.
  const peaks: Buffer[] = [];
  let size = 0;
  for (const leaf of leafHashes) {
    let node = leaf;
    for (let bits = size; bits % 2 === 1; bits = Math.floor(bits / 2)) node = nodeHash(peaks.pop()!, node);
    peaks.push(node);
    size += 1;
  }
  return peaks.length === 0
    ? hash('sha256', '', 'buffer')
    : peaks.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * RFC 6962 root over a row of hashes, 32 bytes each, one after the other: as `treeRoot`, and three times as fast for a power of
 * two up to 256 of them.
 */
export function rowRoot(row: Buffer): Buffer {
  let count = row.length / hashBytes;
  if (count < 2 || count > rowHashesMax || (count & (count - 1)) !== 0) return treeRoot(hashesOf(row));
  row.copy(rowScratch);
  for (; count > 1; count /= 2)
    for (let at = 0; at < count / 2; at += 1) {
      rowScratch.copy(nodeScratch, 1, 2 * at * hashBytes, 2 * (at + 1) * hashBytes);
      rowScratch.write(hash('sha256', nodeScratch, 'binary'), at * hashBytes, 'latin1');
    }
  return Buffer.from(rowScratch.subarray(0, hashBytes));
}

/** 32-byte hashes of a row, one after the other. */
export function* hashesOf(row: Buffer): Generator<Buffer> {
  for (let at = 0; at < row.length; at += hashBytes) yield row.subarray(at, at + hashBytes);
}
