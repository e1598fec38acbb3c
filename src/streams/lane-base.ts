import { Fault } from '../domain/fault.ts';
import type { ArchiveStore, ETag, StateStore } from '../ports/archive.ts';
import { type LaneName, segmentName } from './archive-names.ts';
import { openSegment, segmentFirsts } from './chain.ts';
import type { EventDecoders } from './event-decoders.ts';
import {
  type IndexStart,
  indexSegment,
  type LastOffset,
  type LastOffsets,
  pairOf,
  writeIndex,
} from './segment-index.ts';

/**
 * The base of a lane: for every (URN, aspect) the last offset in its segments, sorted, in chunks. Derived. A merge writes new
 * chunks beside the old ones and then the head under its ETag, so readers see one or the other.
 */
export interface BaseHead extends IndexStart {
  /** Exclusive end of the segments that are in it; names the folder of its chunks. */
  readonly next: number;
  /** First pair of each chunk, ascending. */
  readonly chunks: readonly string[];
}

const entriesMax = 16_384;

export const baseFolder = ({ topic, epoch, partition }: LaneName): string =>
  `base/${topic}/${epoch}/${partition}/`;
export const baseHeadName = (lane: LaneName): string => `${baseFolder(lane)}head.json`;
const chunksOf = (lane: LaneName, next: number): string =>
  `${baseFolder(lane)}${String(next).padStart(20, '0')}/`;
const chunkName = (lane: LaneName, next: number, chunk: number): string =>
  `${chunksOf(lane, next)}${String(chunk).padStart(6, '0')}`;

export async function readBaseHead(
  state: StateStore,
  lane: LaneName,
): Promise<{ readonly head: BaseHead; readonly etag: ETag | null }> {
  const blob = baseHeadName(lane);
  const found = await state.read(blob);
  if (found === undefined) return { head: { next: 0, leaf: 0, timeMax: null, chunks: [] }, etag: null };
  try {
    const { v, ...head } = JSON.parse(found.bytes.toString('utf8')) as BaseHead & { readonly v: unknown };
    if (v === 1 && Number.isSafeInteger(head.next) && Array.isArray(head.chunks))
      return { head, etag: found.etag };
  } catch (error) {
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'not JSON' }, error);
  }
  throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no head of a base' });
}

/** Each entry: u16 length of the URN, URN, u16 length of the aspect, aspect, u64 offset; big-endian, UTF-8. */
function encodeChunk(entries: readonly LastOffset[]): Buffer {
  // A UTF-16 code unit takes three bytes at most.
  const most = entries.reduce((sum, { urn, aspect }) => sum + 12 + 3 * (urn.length + aspect.length), 0);
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  const text = (written: string): void => {
    const length = bytes.write(written, at + 2, 'utf8');
    at = bytes.writeUInt16BE(length, at) + length;
  };
  for (const { urn, aspect, offset } of entries) {
    text(urn);
    text(aspect);
    bytes.writeUInt32BE(Math.floor(offset / 2 ** 32), at);
    at = bytes.writeUInt32BE(offset % 2 ** 32, at + 4);
  }
  return bytes.subarray(0, at);
}

function* decodeChunk(bytes: Buffer): Generator<LastOffset> {
  for (let at = 0; at < bytes.length; ) {
    const urnEnd = at + 2 + bytes.readUInt16BE(at);
    const aspectEnd = urnEnd + 2 + bytes.readUInt16BE(urnEnd);
    yield {
      urn: bytes.toString('utf8', at + 2, urnEnd),
      aspect: bytes.toString('utf8', urnEnd + 2, aspectEnd),
      offset: Number(bytes.readBigUInt64BE(aspectEnd)),
    };
    at = aspectEnd + 8;
  }
}

async function readChunk(
  state: StateStore,
  lane: LaneName,
  head: BaseHead,
  chunk: number,
): Promise<LastOffset[]> {
  const blob = chunkName(lane, head.next, chunk);
  const found = await state.read(blob);
  if (found === undefined) throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'missing' });
  return [...decodeChunk(found.bytes)];
}

/** All entries, in order, a chunk at a time. */
export async function* baseChunks(
  state: StateStore,
  lane: LaneName,
  head: BaseHead,
): AsyncGenerator<readonly LastOffset[]> {
  for (let chunk = 0; chunk < head.chunks.length; chunk += 1) yield await readChunk(state, lane, head, chunk);
}

function* entriesOf(newer: LastOffsets): Generator<LastOffset> {
  for (const urn of [...newer.keys()].sort()) {
    const ofUrn = newer.get(urn)!;
    for (const aspect of [...ofUrn.keys()].sort()) yield { urn, aspect, offset: ofUrn.get(aspect)! };
  }
}

/** Old entries, chunk by chunk, and newer ones in one order; of two for one pair the newer stands. */
async function* merged(old: AsyncIterable<readonly LastOffset[]>, newer: LastOffsets) {
  const added = [...entriesOf(newer)];
  const pairs = added.map(({ urn, aspect }) => pairOf(urn, aspect));
  let at = 0;
  for await (const chunk of old) {
    const some: LastOffset[] = [];
    for (const one of chunk) {
      const pair = pairOf(one.urn, one.aspect);
      while (at < pairs.length && pairs[at]! < pair) some.push(added[at++]!);
      if (pairs[at] === pair) some.push(added[at++]!);
      else some.push(one);
    }
    yield some;
  }
  yield added.slice(at);
}

/** Writes the chunks of a base that ends at `next`; its first pairs. Whoever makes the same writes the same bytes. */
async function writeChunks(
  state: StateStore,
  lane: LaneName,
  next: number,
  entries: AsyncIterable<readonly LastOffset[]>,
): Promise<string[]> {
  const firsts: string[] = [];
  let waiting: LastOffset[] = [];
  const write = async (chunk: readonly LastOffset[]): Promise<void> => {
    const [first] = chunk;
    if (first === undefined) return;
    await state.replace(chunkName(lane, next, firsts.length), encodeChunk(chunk));
    firsts.push(pairOf(first.urn, first.aspect));
  };
  for await (const some of entries) {
    waiting = waiting.concat(some);
    for (; waiting.length >= entriesMax; waiting = waiting.slice(entriesMax))
      await write(waiting.slice(0, entriesMax));
  }
  await write(waiting);
  return firsts;
}

/** Chunks of bases that came before. Those of later ones are not for a writer that was slow to remove. */
async function removeOlder(state: StateStore, lane: LaneName, next: number): Promise<void> {
  const kept = chunksOf(lane, next);
  for await (const { name } of state.list(baseFolder(lane))) {
    if (name >= kept) return;
    await state.remove(name);
  }
}

/**
 * Gives every segment of a lane that has none its index, and takes it into the lane's base; answers how many. Holds one
 * segment and one chunk in memory. Any number may do so at once: who is second goes on from what the first one stored.
 */
export async function indexLane(
  store: ArchiveStore,
  lane: LaneName & { readonly partitions: number },
  decoders: EventDecoders,
  signal?: AbortSignal,
): Promise<number> {
  const { state, truth } = store;
  let indexed = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { head, etag } = await readBaseHead(state, lane);
    const first = (await segmentFirsts(truth, lane, head.next)).find((one) => one >= head.next);
    if (first === undefined) return indexed;
    const segment = first === head.next ? await openSegment(truth, lane, first) : undefined;
    if (segment === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: segmentName(lane, head.next), reason: 'missing' });
    const { index, last, end } = await indexSegment(lane, segment, head, decoders);
    await writeIndex(store, lane, index);
    const { next } = segment.header;
    const chunks = await writeChunks(state, lane, next, merged(baseChunks(state, lane, head), last)).catch(
      async (error: unknown) => {
        // Another writer was first, and has removed what this one reads.
        if ((await readBaseHead(state, lane)).etag === etag) throw error;
        return undefined;
      },
    );
    if (chunks === undefined) continue;
    const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...end, next, chunks })}\n`);
    if ((await state.write(baseHeadName(lane), bytes, etag)) === 'changed') continue;
    await removeOlder(state, lane, next);
    indexed += 1;
  }
}

/**
 * The last offset of every aspect of a URN in a lane's segments ('' is the whole entity), and where those segments end: what
 * comes after stands in the tail.
 */
export async function lastOffsets(
  { state }: ArchiveStore,
  lane: LaneName,
  urn: string,
): Promise<{ readonly next: number; readonly offsets: ReadonlyMap<string, number> }> {
  for (;;) {
    const { head, etag } = await readBaseHead(state, lane);
    const offsets = new Map<string, number>();
    try {
      const start = Math.max(
        0,
        head.chunks.findLastIndex((first) => first <= pairOf(urn, '')),
      );
      for (let chunk = start; chunk < head.chunks.length; chunk += 1) {
        if (head.chunks[chunk]! > pairOf(urn, '\uffff')) break;
        for (const entry of await readChunk(state, lane, head, chunk))
          if (entry.urn === urn) offsets.set(entry.aspect, entry.offset);
      }
      return { next: head.next, offsets };
    } catch (error) {
      // A merge came in between, and the chunks are of the base before.
      if ((await readBaseHead(state, lane)).etag === etag) throw error;
    }
  }
}
