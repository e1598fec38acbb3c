import type { LogRecord } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import type { RecordView } from '../formats/record-view.ts';
import {
  encodeBlock,
  encodeMissing,
  encodeRecord,
  encodeSegment,
  segmentHeader,
  syncMarker,
} from '../formats/segment.ts';
import type { ArchiveStore, ETag } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { type LaneName, leavesName, segmentName, tailName } from './archive-names.ts';
import {
  type ArchiveEnd,
  chainEnd,
  checkOverlap,
  firstAtOrAfter,
  openSegment,
  readTailBlob,
  tailRecords,
} from './chain.ts';
import type { TreeFeed } from './lane-tree.ts';
import { mendLeaves, recordLeaves, segmentLeaves } from './leaves.ts';
import type { SignPoint } from './tree-signing.ts';
import type { TreePoint } from './tree-writer.ts';
import { type Turns, turns } from './turns.ts';

export interface ArchiveLimits {
  /** Buffered record bytes that make a flush. */
  readonly flushBytes: number;
  /** A record waits at most this long for its flush. */
  readonly flushMs: number;
  /** Tail bytes that make a seal. */
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
  | 'after-leaves'
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

/** What was sealed: where the chain ends now, and the leaves of its last segment. */
interface Sealed {
  readonly end: ArchiveEnd;
  readonly leaves: Buffer;
}

/** Finds the end of the lane's archive and opens its tail. */
export async function openArchiveWriter(context: ArchiveContext, lane: LaneName): Promise<ArchiveWriter> {
  const { store, clock, limits, feed, flushes = turns(1), seals = turns(1) } = context;
  const name = tailName(lane);
  const sync = syncMarker(lane.topic, lane.epoch, lane.partition);
  const emptyTail = segmentHeader({ ...lane, kind: 'data', codec: 'null' });
  const probe = async (point: ArchivePoint): Promise<void> => context.probe?.(point, lane);

  let { etag, tailBytes, chain, end } = await find();
  await mendLeaves(store, lane);
  feed?.opened(end.next);
  let tailSince = end.next > chain.next ? clock.now() : undefined;
  let buffer: Buffer[] = [];
  let buffered = 0;
  let bufferEnd = end;

  /**
   * The tail is read first. Read last, it could be one that was trimmed since, and a writer that slept in between would take
   * the old end of the chain for the end of everything.
   */
  async function find(): Promise<{ etag: ETag; tailBytes: number; chain: ArchiveEnd; end: ArchiveEnd }> {
    for (;;) {
      const found = await readTailBlob(store, lane);
      if (found === undefined) {
        await store.state.write(name, emptyTail, null);
        continue;
      }
      const sealed = await chainEnd(store.truth, lane);
      const first = firstAtOrAfter(found.bytes, lane, sealed.next);
      if (first !== undefined && first > sealed.next)
        throw new Fault('ARCHIVE_CORRUPT', {
          blob: name,
          reason: 'records before the tail are missing',
          offset: sealed.next,
        });
      await checkOverlap(store.truth, lane, found.bytes, sealed.next);
      let last = sealed;
      for (const view of tailRecords(found.bytes, lane, sealed.next))
        last = { next: view.offset + 1, lastHash: recordHash(view.bytes) };
      return { etag: found.etag, tailBytes: found.bytes.length - emptyTail.length, chain: sealed, end: last };
    }
  }

  async function flush(): Promise<undefined | typeof yielded> {
    if (buffer.length === 0) return undefined;
    await probe('before-flush');
    const appended = await flushes(async () => {
      const block = encodeBlock(buffer, sync, 'null');
      return { bytes: block.length, grown: await store.state.append(name, block, etag) };
    });
    if (appended.grown === 'changed') return yielded;
    await probe('after-flush');
    etag = appended.grown;
    tailBytes += appended.bytes;
    tailSince ??= clock.now();
    feed?.flushed(end.next, buffer);
    end = bufferEnd;
    buffer = [];
    buffered = 0;
    return undefined;
  }

  async function seal(): Promise<undefined | typeof yielded> {
    const tail = await readTailBlob(store, lane);
    if (tail === undefined || tail.etag !== etag) return yielded;
    const first = chain.next;
    const records: Buffer[] = [];
    for (const view of tailRecords(tail.bytes, lane, first)) records.push(view.bytes);
    // Also a fence: whoever read before what is called missing next cannot flush it any more.
    if (records.length === 0) return trim(tail.bytes);
    await probe('before-seal');
    const created = await store.truth.create(segmentName(lane, first), encodeSegment(lane, records));
    const sealed = created === 'created' ? ours(records) : await theirs(records);
    chain = sealed.end;
    feed?.sealed();
    await probe('after-seal');
    await store.state.replace(leavesName(lane, first), sealed.leaves);
    await probe('after-leaves');
    const trimmed = await trim(tail.bytes);
    return created === 'created' ? trimmed : yielded;
  }

  const ours = (records: readonly Buffer[]): Sealed => ({
    end,
    leaves: recordLeaves(lane, chain.next, records),
  });

  /** Another writer's segment has the name: it stands if it holds what ours would, as far as both reach. */
  async function theirs(records: readonly Buffer[]): Promise<Sealed> {
    const first = chain.next;
    const segment = await openSegment(store.truth, lane, first);
    if (segment === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: segmentName(lane, first), reason: 'missing' });
    let lastHash: Buffer | undefined;
    for (const view of segment.views()) {
      const mine = records[view.offset - first];
      if (mine !== undefined && !mine.equals(view.bytes))
        throw new Fault('ARCHIVE_FORK', { blob: segmentName(lane, first), offset: view.offset });
      lastHash = recordHash(view.bytes);
    }
    if (segment.header.kind !== 'data')
      throw new Fault('ARCHIVE_FORK', { blob: segmentName(lane, first), kind: segment.header.kind });
    return { end: { next: segment.header.next, lastHash }, leaves: segmentLeaves(lane, segment) };
  }

  /** Drops from the tail what the chain holds. */
  async function trim(tail: Buffer): Promise<undefined | typeof yielded> {
    const blocks = blocksOf(tailRecords(tail, lane, chain.next), sync);
    const trimmed = await store.state.write(name, Buffer.concat([emptyTail, ...blocks]), etag);
    if (trimmed === 'changed') return yielded;
    await probe('after-trim');
    etag = trimmed;
    tailBytes = blocks.reduce((sum, block) => sum + block.length, 0);
    tailSince = tailBytes === 0 ? undefined : clock.now();
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
      return bufferEnd.next;
    },
    get buffered() {
      return buffered;
    },
    add(record) {
      const bytes = encodeRecord(record);
      buffer.push(bytes);
      buffered += bytes.length;
      bufferEnd = { next: record.offset + 1, lastHash: undefined };
    },
    flush,
    async sealIfDue() {
      const now = clock.now();
      if (tailSince !== undefined) tailSince = Math.min(tailSince, now);
      const old = tailSince !== undefined && now - tailSince >= limits.sealMs;
      return tailBytes >= limits.sealBytes || old ? seals(seal) : undefined;
    },
    async recordMissing(kind, next) {
      if ((await flush()) === yielded || (await seals(seal)) === yielded) return yielded;
      const first = chain.next;
      const file = encodeMissing(lane, kind, first, next);
      if ((await store.truth.create(segmentName(lane, first), file)) === 'exists') return yielded;
      await mendLeaves(store, lane);
      chain = { next, lastHash: undefined };
      end = chain;
      bufferEnd = end;
      feed?.missing(kind, first, next);
      return undefined;
    },
  };
}

/** Records of a tail as blocks of about 4 MiB. */
function blocksOf(views: Iterable<RecordView>, sync: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  let records: Buffer[] = [];
  let bytes = 0;
  const close = (): void => {
    if (records.length > 0) blocks.push(encodeBlock(records, sync, 'null'));
    records = [];
    bytes = 0;
  };
  for (const view of views) {
    if (bytes + view.bytes.length > archiveLimits.flushBytes) close();
    records.push(view.bytes);
    bytes += view.bytes.length;
  }
  close();
  return blocks;
}
