import { Fault } from '../domain/fault.ts';
import { AvroReader } from '../formats/avro-bytes.ts';
import { squeeze, unsqueeze } from '../formats/block-codec.ts';
import { murmur2 } from '../formats/partition.ts';
import { RecordView } from '../formats/record-view.ts';
import type { StateStore } from '../ports/archive.ts';
import { laneIn, type RecordWindow, recordIn } from './record-window.ts';

/** Where buckets are put down: a prefix of names in a store, which is the caller's alone. */
export interface BucketPlace {
  readonly state: StateStore;
  readonly prefix: string;
}

/** Records of a history, shared out by their keys: of one key all are in one bucket, in their order. */
export interface Buckets {
  /** Blobs of each bucket, `<prefix><bucket>-<n>`. */
  readonly blobs: readonly number[];
  /** Bytes of the records of each bucket. */
  readonly bytes: readonly number[];
}

/** A record on its way through a bucket. */
export interface Put {
  readonly record: RecordView;
  readonly lane: number;
  readonly time: number;
}

export interface BucketWriter {
  add(put: Put): void;
  /** Resolves once what is to be written is, but for a little in memory. To be awaited now and then. */
  drain(): Promise<void>;
  end(): Promise<Buckets>;
}

export const bucketsMax = 256;
/** Of all buckets together, before they are compressed. */
const gatheredBytes = 64 * 1024 * 1024;
const blobBytesMax = 1024 * 1024;
const writesAtOnce = 4;
/** u32 length of the record, f64 time, u32 lane. */
const frameBytes = 16;

/**
 * Bucket of a key, 0 … count−1; `count` is a power of two. Partitions are murmur2 modulo their number, so within a lane its low
 * bits say nothing: a multiplication brings all of them into the high ones. `depth` takes other bits.
 */
export function bucketOfKey(key: Uint8Array, count: number, depth: number): number {
  const mixed = Math.imul(murmur2(key) + depth * 0x2545_f491, 0x9e37_79b1) >>> 0;
  return count === 1 ? 0 : mixed >>> (32 - Math.log2(count));
}

/** Shares records out into blobs of about 1 MiB before compression. At most 64 MiB and four writes are in memory. */
export function bucketWriter({ state, prefix }: BucketPlace, count: number, depth: number): BucketWriter {
  const room = Math.min(blobBytesMax, gatheredBytes / count);
  const open: ({ bytes: Buffer; at: number } | undefined)[] = new Array(count).fill(undefined);
  const blobs = new Array<number>(count).fill(0);
  const bytes = new Array<number>(count).fill(0);
  const writing = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;

  function flush(bucket: number): void {
    const filled = open[bucket];
    if (filled === undefined) return;
    open[bucket] = undefined;
    const name = `${prefix}${bucket}-${blobs[bucket]!}`;
    blobs[bucket]! += 1;
    const written = state
      .replace(name, squeeze(filled.bytes.subarray(0, filled.at), 'zstandard'))
      .catch((error: unknown) => {
        // Thrown by the next `drain`.
        failed ??= { error };
      })
      .finally(() => writing.delete(written));
    writing.add(written);
  }

  async function settle(most: number): Promise<void> {
    while (writing.size > most) await Promise.race(writing);
    if (failed !== undefined) throw failed.error;
  }

  return {
    add({ record, lane, time }) {
      const bucket = bucketOfKey(record.key ?? nothing, count, depth);
      const size = frameBytes + record.end - record.start;
      const begun = open[bucket];
      if (begun !== undefined && begun.at + size > begun.bytes.length) flush(bucket);
      open[bucket] ??= { bytes: Buffer.allocUnsafeSlow(Math.max(room, size)), at: 0 };
      const to = open[bucket];
      to.bytes.writeUInt32LE(record.end - record.start, to.at);
      to.bytes.writeDoubleLE(time, to.at + 4);
      to.bytes.writeUInt32LE(lane, to.at + 12);
      record.block.copy(to.bytes, to.at + frameBytes, record.start, record.end);
      to.at += size;
      bytes[bucket]! += record.end - record.start;
    },
    drain: () => settle(writesAtOnce - 1),
    async end() {
      for (let bucket = 0; bucket < count; bucket += 1) {
        flush(bucket);
        await settle(writesAtOnce - 1);
      }
      await settle(0);
      return { blobs, bytes };
    },
  };
}

const nothing = Buffer.alloc(0);

/** What is in one bucket, blob by blob. */
export async function* putsOf(
  { state, prefix }: BucketPlace,
  bucket: number,
  blobs: number,
): AsyncGenerator<readonly Put[]> {
  for (let n = 0; n < blobs; n += 1) {
    const name = `${prefix}${bucket}-${n}`;
    const found = await state.read(name);
    if (found === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'written and not there' });
    const block = unsqueeze(found.bytes, 'zstandard');
    const puts: Put[] = [];
    for (let at = 0; at < block.length; ) {
      const start = at + frameBytes;
      const end = start + block.readUInt32LE(at);
      const record = new RecordView(new AvroReader(block, start, end));
      puts.push({ record, time: block.readDoubleLE(at + 4), lane: block.readUInt32LE(at + 12) });
      at = end;
    }
    yield puts;
  }
}

/** Everything in a window, in its order. */
export function* putsIn(window: RecordWindow): Generator<Put> {
  for (let at = 0; at < window.size; at += 1)
    yield { record: recordIn(window, at), lane: laneIn(window, at), time: window.times[at]! };
}

/** Removes what was put down there. */
export async function clearPlace({ state, prefix }: BucketPlace): Promise<void> {
  const names: string[] = [];
  for await (const { name } of state.list(prefix)) names.push(name);
  for (const name of names) await state.remove(name);
}
