import type { LogRecord } from '../domain/event.ts';
import { AvroWriter } from '../formats/avro-bytes.ts';
import { type BlockCodec, squeezeAside } from '../formats/block-codec.ts';
import { recordHash } from '../formats/leaf.ts';
import { type HeadersWritten, type RecordView, writeRecord } from '../formats/record-view.ts';
import {
  encodeBlock,
  encodeSpelled,
  encodeSqueezed,
  segmentHeader,
  segmentOfBlocks,
  syncMarker,
  viewsOf,
} from '../formats/segment.ts';
import { type LaneName, tailName } from './archive-names.ts';
import { brokenTail, openTail } from './chain.ts';

/** A block as it stands in a tail and may stand in a segment: records [first, next). */
export interface TailBlock {
  readonly first: number;
  readonly next: number;
  /** Bytes of its records, decompressed. */
  readonly spelledBytes: number;
  readonly stored: Buffer;
}

/** What tails and segments are written in. Older tails have no codec, and are gone on with as they are. */
export const blockCodec = 'zstandard' satisfies BlockCodec;

/** Blocks are cut near 1 MiB: larger ones compress no better, and take more memory on both sides. */
const cutBytes = 960 * 1024;
const firstCapacity = 16 * 1024;
const hashBytes = 32;

/** What was added since the last `take`. */
export interface Taken {
  readonly blocks: readonly TailBlock[];
  /** 32 bytes a record; none where nobody asked for them. */
  readonly hashes: Buffer;
}

/**
 * Records that wait for their flush, kept as blocks: what is full is compressed at once, so that a lane holds 1 MiB of records
 * and the blocks before.
 */
export interface WaitingRecords {
  /** Bytes of the records, decompressed. */
  readonly spelledBytes: number;
  add(record: LogRecord): void;
  /** What came until now; what comes while it is awaited is for the next one. */
  take(): Promise<Taken>;
}

/** Compresses a copy of a block elsewhere; undefined where that is not wanted now. */
export type Aside = (block: Uint8Array) => Promise<Uint8Array> | undefined;

/** So many blocks, of 1 MiB, are compressed elsewhere at once; others by whoever comes with them, who is slowed by it. */
const asideMax = 4;

export function aside(): Aside {
  let running = 0;
  return (block) => {
    if (running === asideMax) return undefined;
    running += 1;
    return squeezeAside(Buffer.from(block)).finally(() => {
      running -= 1;
    });
  };
}

export function waitingRecords(
  lane: LaneName,
  codec: BlockCodec,
  withHashes: boolean,
  elsewhere: Aside = () => undefined,
): WaitingRecords {
  const sync = syncMarker(lane.topic, lane.epoch, lane.partition);
  let writer = new AvroWriter(firstCapacity);
  const written: HeadersWritten = { headers: undefined, start: 0, end: 0 };
  let ends: number[] = [];
  let blocks: (TailBlock | Promise<TailBlock>)[] = [];
  let hashes: Buffer[] = [];
  let closedBytes = 0;
  let next = 0;

  function close(): void {
    if (ends.length === 0) return;
    const spelled = writer.written();
    const count = ends.length;
    const of = { first: next - count, next, spelledBytes: spelled.length };
    const squeezing = codec === blockCodec ? elsewhere(spelled) : undefined;
    if (squeezing === undefined) blocks.push({ ...of, stored: encodeSpelled(count, spelled, sync, codec) });
    else {
      const block = squeezing.then((squeezed) => ({ ...of, stored: encodeSqueezed(count, squeezed, sync) }));
      // Looked at when it is taken; until then a failure is not unhandled.
      block.catch(() => undefined);
      blocks.push(block);
    }
    if (withHashes) hashes.push(hashesOf(spelled, ends));
    closedBytes += spelled.length;
    ends = [];
    writer.clear();
    written.headers = undefined;
  }

  return {
    get spelledBytes() {
      return closedBytes + writer.at;
    },
    add(record) {
      writeRecord(writer, record, written);
      ends.push(writer.at);
      next = record.offset + 1;
      if (writer.at >= cutBytes) close();
    },
    async take() {
      close();
      const taken = { blocks, hashes: Buffer.concat(hashes) };
      [blocks, hashes, closedBytes] = [[], [], 0];
      // A quiet lane keeps no more than it needs.
      writer = new AvroWriter(firstCapacity);
      return { ...taken, blocks: await Promise.all(taken.blocks) };
    },
  };
}

function hashesOf(spelled: Buffer, ends: readonly number[]): Buffer {
  const hashes = Buffer.allocUnsafeSlow(ends.length * hashBytes);
  let from = 0;
  for (const [at, end] of ends.entries()) {
    recordHash(spelled.subarray(from, end)).copy(hashes, at * hashBytes);
    from = end;
  }
  return hashes;
}

/**
 * The blocks of a tail from offset `from` on, in the codec that segments have: as they stand there, except for one that begins
 * before `from` and for those of another codec. Checks every record on the way, as `tailRecords` does.
 */
export function tailBlocks(
  tail: Buffer,
  lane: LaneName,
  from: number,
): { readonly blocks: TailBlock[]; readonly last: RecordView | undefined } {
  const name = tailName(lane);
  const { header, blocks } = openTail(tail, lane);
  const sync = syncMarker(lane.topic, lane.epoch, lane.partition);
  const found: TailBlock[] = [];
  let next = from;
  let last: RecordView | undefined;
  for (const block of blocks()) {
    const first = next;
    const records: Buffer[] = [];
    let spelledBytes = 0;
    for (const view of viewsOf(block, name)) {
      if (view.offset < from) continue;
      if (view.offset !== next) throw brokenTail(name, next);
      next += 1;
      spelledBytes += view.end - view.start;
      records.push(view.bytes);
      last = view;
    }
    if (next === first) continue;
    const isWhole = header.codec === blockCodec && next - first === block.count;
    const stored = isWhole ? block.stored : encodeBlock(records, sync, blockCodec);
    found.push({ first, next, spelledBytes, stored });
  }
  return { blocks: found, last };
}

const tailHeader = (lane: LaneName): Buffer => segmentHeader({ ...lane, kind: 'data', codec: blockCodec });

/** A tail of these blocks as a file. */
export const tailOf = (lane: LaneName, blocks: readonly TailBlock[]): Buffer =>
  Buffer.concat([tailHeader(lane), ...blocks.map(({ stored }) => stored)]);

export const spelledBytesOf = (blocks: readonly TailBlock[]): number =>
  blocks.reduce((sum, { spelledBytes }) => sum + spelledBytes, 0);

/**
 * The segment of 1 or more blocks that follow one another. Blocks are taken over as they are; small ones that are neighbours
 * become one, or a quiet lane's segment would be thousands of them.
 */
export function segmentOf(lane: LaneName, blocks: readonly TailBlock[]): Buffer {
  const sync = syncMarker(lane.topic, lane.epoch, lane.partition);
  const stored = together(blocks).map((some) =>
    some.length === 1 ? some[0]!.stored : joined(lane, some, sync),
  );
  const [first, next] = [blocks[0]!.first, blocks.at(-1)!.next];
  return segmentOfBlocks({ ...lane, first, next, codec: blockCodec }, stored);
}

/** Runs of blocks that are less than a block together. */
function together(blocks: readonly TailBlock[]): TailBlock[][] {
  const runs: TailBlock[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    bytes += block.spelledBytes;
    if (bytes <= cutBytes) runs.at(-1)!.push(block);
    else {
      runs.push([block]);
      bytes = block.spelledBytes;
    }
  }
  return runs;
}

function joined(lane: LaneName, some: readonly TailBlock[], sync: Buffer): Buffer {
  const blocks = [...openTail(tailOf(lane, some), lane).blocks()];
  const count = blocks.reduce((sum, block) => sum + block.count, 0);
  return encodeSpelled(count, Buffer.concat(blocks.map(({ bytes }) => bytes)), sync, blockCodec);
}
