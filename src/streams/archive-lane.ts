import type { LogRecord } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import type { BlockCodec } from '../formats/block-codec.ts';
import { recordHash } from '../formats/leaf.ts';
import { encodeMissing } from '../formats/segment.ts';
import type { ArchiveStore, ETag } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { type LaneName, segmentName, tailName } from './archive-names.ts';
import {
  type ArchiveEnd,
  chainEnd,
  checkOverlap,
  firstAtOrAfter,
  openSegment,
  openTail,
  readTailBlob,
  tailRecords,
} from './chain.ts';
import { type KeptTails, keptTails } from './kept-tails.ts';
import type { TreeFeed } from './lane-tree.ts';
import {
  type Aside,
  blockCodec,
  segmentOf,
  spelledBytesOf,
  type TailBlock,
  tailBlocks,
  tailOf,
  waitingRecords,
} from './tail-blocks.ts';
import type { SignPoint } from './tree-signing.ts';
import type { TreePoint } from './tree-writer.ts';
import { type Turns, turns } from './turns.ts';

export interface ArchiveLimits {
  /** Bytes of waiting records that make a flush. */
  readonly flushBytes: number;
  /** A record waits at most this long for its flush. */
  readonly flushMs: number;
  /** Bytes of a tail's records that make a seal. */
  readonly sealBytes: number;
  /** The oldest record of a tail waits at most this long for its seal. */
  readonly sealMs: number;
}

export const archiveLimits: ArchiveLimits = {
  flushBytes: 4 * 1024 * 1024,
  flushMs: 10_000,
  sealBytes: 64 * 1024 * 1024,
  sealMs: 24 * 60 * 60 * 1000,
};

/** Points at which a crash must do no harm, in order. Tests stop the process there. */
export type ArchivePoint =
  | 'before-flush'
  | 'after-flush'
  | 'before-seal'
  | 'after-seal'
  | 'after-trim'
  | TreePoint
  | SignPoint;

export interface ArchiveContext {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly limits: ArchiveLimits;
  readonly probe?: (point: ArchivePoint, lane: LaneName) => void | Promise<void>;
  /** Told of all that becomes durable. */
  readonly feed?: TreeFeed | undefined;
  /** Lanes of one process take turns where they hold much in memory: a block to flush, a whole tail to seal. */
  readonly flushes?: Turns;
  readonly seals?: Turns;
  /** Blocks are compressed there, as far as it takes them. */
  readonly elsewhere?: Aside | undefined;
  /** Blocks of tails that are kept for their seal, of all lanes of one process. */
  readonly tails?: KeptTails;
}

/** Another writer was first: nothing is lost, start again from what the archive holds. */
export const yielded = Symbol('yielded');

/**
 * The writing end of one lane's archive. `find` tells where to go on; `add` buffers records in memory; `flush` makes them
 * durable in the tail; `seal` turns the tail into a segment. Any number of writers may hold one lane: each write is
 * conditional, and one that loses gives `yielded`.
 */
export interface ArchiveWriter {
  /** What is durable. */
  readonly end: ArchiveEnd;
  /** Exclusive end of the segments: what a log may forget. */
  readonly sealed: number;
  /** Offset of the record that is to be added next. */
  readonly next: number;
  /** Bytes buffered and not yet flushed. */
  readonly buffered: number;
  add(record: LogRecord): void;
  flush(): Promise<undefined | typeof yielded>;
  sealIfDue(): Promise<undefined | typeof yielded>;
  /** Seals the tail, then records [end, next) as missing for ever. */
  recordMissing(kind: 'hole' | 'gap', next: number): Promise<undefined | typeof yielded>;
}

/** What is in the tail. */
interface Found {
  readonly etag: ETag;
  readonly codec: BlockCodec;
  readonly chain: ArchiveEnd;
  readonly end: ArchiveEnd;
  readonly blocks: readonly TailBlock[];
}

/** Finds the end of the lane's archive and opens its tail. */
export async function openArchiveWriter(context: ArchiveContext, lane: LaneName): Promise<ArchiveWriter> {
  const { store, clock, limits, feed, flushes = turns(1), seals = turns(1), tails = keptTails() } = context;
  const name = tailName(lane);
  const emptyTail = tailOf(lane, []);
  const probe = async (point: ArchivePoint): Promise<void> => context.probe?.(point, lane);

  const found = await find();
  let { etag, codec, chain, end } = found;
  let tailBytes = spelledBytesOf(found.blocks);
  feed?.opened(end.next);
  let tailSince = end.next > chain.next ? clock.now() : undefined;
  let waiting = waitingRecords(lane, codec, feed !== undefined, context.elsewhere);
  let next = end.next;
  const kept = tails.of(lane.partition, found.blocks);

  /**
   * The tail is read first. Read last, it could be one that was trimmed since, and a writer that slept in between would take
   * the old end of the chain for the end of everything.
   */
  async function find(): Promise<Found> {
    for (;;) {
      const tail = await readTailBlob(store, lane);
      if (tail === undefined) {
        await store.state.write(name, emptyTail, null);
        continue;
      }
      const sealed = await chainEnd(store.truth, lane);
      const first = firstAtOrAfter(tail.bytes, lane, sealed.next);
      if (first !== undefined && first > sealed.next)
        throw new Fault('ARCHIVE_CORRUPT', {
          blob: name,
          reason: 'records before the tail are missing',
          offset: sealed.next,
        });
      await checkOverlap(store.truth, lane, tail.bytes, sealed.next);
      const { blocks, last } = tailBlocks(tail.bytes, lane, sealed.next);
      const ends = last === undefined ? sealed : { next: last.offset + 1, lastHash: recordHash(last.bytes) };
      const { codec: spokenIn } = openTail(tail.bytes, lane).header;
      return { etag: tail.etag, codec: spokenIn, chain: sealed, end: ends, blocks };
    }
  }

  async function flush(): Promise<undefined | typeof yielded> {
    if (waiting.spelledBytes === 0) return undefined;
    await probe('before-flush');
    const { blocks, hashes } = await waiting.take();
    const stored = blocks.map((block) => block.stored);
    const grown = await flushes(() => store.state.append(name, Buffer.concat(stored), etag));
    if (grown === 'changed') return yielded;
    await probe('after-flush');
    etag = grown;
    tailBytes += spelledBytesOf(blocks);
    tailSince ??= clock.now();
    feed?.flushed(end.next, hashes);
    end = { next: blocks.at(-1)!.next, lastHash: undefined };
    if (codec === blockCodec) kept.add(blocks);
    else kept.forget();
    return undefined;
  }

  async function seal(): Promise<undefined | typeof yielded> {
    const blocks = keptWhole() ?? (await readBack());
    if (blocks === undefined) return yielded;
    // Also a fence: whoever read before what is called missing next cannot flush it any more.
    if (blocks.length === 0) return trim([]);
    await probe('before-seal');
    const created = await store.truth.create(segmentName(lane, chain.next), segmentOf(lane, blocks));
    chain = created === 'created' ? end : await theirs(blocks);
    feed?.sealed();
    await probe('after-seal');
    const trimmed = await trim(
      created === 'created' ? [] : tailBlocks(tailOf(lane, blocks), lane, chain.next).blocks,
    );
    return created === 'created' ? trimmed : yielded;
  }

  /** What was kept, if it is all of the tail: whatever a seal leaves out, the trim behind it would drop. */
  function keptWhole(): readonly TailBlock[] | undefined {
    const { blocks } = kept;
    return (blocks?.at(-1)?.next ?? chain.next) === end.next ? blocks : undefined;
  }

  /** The tail as it stands in the store; undefined where it is not ours any more. */
  async function readBack(): Promise<readonly TailBlock[] | undefined> {
    const tail = await readTailBlob(store, lane);
    return tail?.etag === etag ? tailBlocks(tail.bytes, lane, chain.next).blocks : undefined;
  }

  /** Another writer's segment has the name: it stands if it holds what ours would, as far as both reach. */
  async function theirs(blocks: readonly TailBlock[]): Promise<ArchiveEnd> {
    const first = chain.next;
    const segment = await openSegment(store.truth, lane, first);
    if (segment === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: segmentName(lane, first), reason: 'missing' });
    const records = [...tailRecords(tailOf(lane, blocks), lane, first)].map(({ bytes }) => bytes);
    let lastHash: Buffer | undefined;
    for (const view of segment.views()) {
      const mine = records[view.offset - first];
      if (mine !== undefined && !mine.equals(view.bytes))
        throw new Fault('ARCHIVE_FORK', { blob: segmentName(lane, first), offset: view.offset });
      lastHash = recordHash(view.bytes);
    }
    if (segment.header.kind !== 'data')
      throw new Fault('ARCHIVE_FORK', { blob: segmentName(lane, first), kind: segment.header.kind });
    return { next: segment.header.next, lastHash };
  }

  /** Leaves in the tail what the chain does not hold. */
  async function trim(left: readonly TailBlock[]): Promise<undefined | typeof yielded> {
    const trimmed = await store.state.write(name, tailOf(lane, left), etag);
    if (trimmed === 'changed') return yielded;
    await probe('after-trim');
    etag = trimmed;
    tailBytes = spelledBytesOf(left);
    tailSince = left.length === 0 ? undefined : clock.now();
    kept.become(left);
    // What waits is compressed for the tail of before: it is read again.
    if (codec !== blockCodec && waiting.spelledBytes > 0) return yielded;
    if (codec !== blockCodec)
      waiting = waitingRecords(lane, blockCodec, feed !== undefined, context.elsewhere);
    codec = blockCodec;
    return undefined;
  }

  return {
    get end() {
      return end;
    },
    get sealed() {
      return chain.next;
    },
    get next() {
      return next;
    },
    get buffered() {
      return waiting.spelledBytes;
    },
    add(record) {
      waiting.add(record);
      next = record.offset + 1;
    },
    flush,
    async sealIfDue() {
      const now = clock.now();
      if (tailSince !== undefined) tailSince = Math.min(tailSince, now);
      const old = tailSince !== undefined && now - tailSince >= limits.sealMs;
      return tailBytes >= limits.sealBytes || old ? seals(seal) : undefined;
    },
    async recordMissing(kind, missingNext) {
      if ((await flush()) === yielded || (await seals(seal)) === yielded) return yielded;
      const first = chain.next;
      const file = encodeMissing(lane, kind, first, missingNext);
      if ((await store.truth.create(segmentName(lane, first), file)) === 'exists') return yielded;
      chain = { next: missingNext, lastHash: undefined };
      end = chain;
      next = missingNext;
      feed?.missing(kind, first, missingNext);
      return undefined;
    },
  };
}
