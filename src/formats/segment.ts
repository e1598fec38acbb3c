import { hash } from 'node:crypto';
import type { LogRecord } from '../domain/event.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { offsetEnd } from '../domain/position.ts';
import { AvroReader, AvroWriter } from './avro-bytes.ts';
import { type BlockCodec, blockBytesMax, squeeze, unsqueeze } from './block-codec.ts';
import { encodeContainerHeader, readContainerHeader } from './container-header.ts';
import { materialise, RecordView, writeRecord } from './record-view.ts';
import { headerOf, metaOf, type SegmentHeader } from './segment-meta.ts';

/** One partition of one epoch of a log; `topic` is the log's name as in paths, never the broker's topic. */
export type LogLane = Pick<SegmentHeader, 'topic' | 'epoch' | 'partition'>;

/** Header of a file whose extent is known: all but the tail. */
export type WholeHeader = SegmentHeader & { readonly first: number; readonly next: number };

/** One block: `count` records, one after the other, in `bytes`; `stored` is the block as it stands in the file. */
export interface Block {
  readonly count: number;
  readonly bytes: Buffer;
  readonly stored: Buffer;
}

/**
 * A segment file under its header. The three readers go through the file once each, block by block, and
 * throw ARCHIVE_CORRUPT where a block is not what was written; only one that went to the end has checked
 * the extent.
 */
export interface SegmentFile<Header extends SegmentHeader> {
  readonly header: Header;
  blocks(): Iterable<Block>;
  /** The records without making what nobody asks for. */
  views(): Iterable<RecordView>;
  /** The records as data, with the bytes that their hash covers; all of them views into the block. */
  records(): Iterable<{ readonly record: LogRecord; readonly bytes: Uint8Array }>;
}

const scratchMax = 2 * 1024 * 1024;
/** A count or length of Avro takes so many bytes at most. */
const longBytesMax = 10;
let scratch = new AvroWriter();

/**
 * The one spelling of a record: what archives hold and hashes cover. AVRO_INVALID for numbers that are not
 * whole.
 */
export function encodeRecord(record: LogRecord): Buffer {
  if (scratch.capacity > scratchMax) scratch = new AvroWriter();
  scratch.clear();
  writeRecord(scratch, record);
  return scratch.copy();
}

/** Exactly one record (AVRO_INVALID otherwise); its fields are views into `bytes`. */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const reader = new AvroReader(bytes);
  const view = new RecordView(reader);
  reader.finish();
  return materialise(view);
}

/** Ends every block of a lane: the first 16 bytes of SHA-256 of `annal-sync/<topic>/<epoch>/<partition>`. */
export const syncMarker = (topic: string, epoch: number, partition: number): Buffer =>
  hash('sha256', `annal-sync/${topic}/${epoch}/${partition}`, 'buffer').subarray(0, 16);

/** Path of a segment, hole or gap below the archive's truth: named by its first offset in 20 digits. */
export const segmentPath = ({ topic, epoch, partition }: LogLane, first: number): string =>
  `segments/${topic}/${epoch}/${partition}/${String(first).padStart(20, '0')}.avro`;

/**
 * The header's bytes; the tail's is a `data` header without `first` and `next`. AVRO_INVALID for one no
 * file may have.
 */
export function segmentHeader(header: SegmentHeader): Buffer {
  const { topic, epoch, partition } = header;
  return encodeContainerHeader({ meta: metaOf(header), sync: syncMarker(topic, epoch, partition) });
}

/** One block of 1 or more records (as data or already encoded), at most 16 MiB before compression. */
export function encodeBlock(
  records: readonly (LogRecord | Uint8Array)[],
  sync: Uint8Array,
  codec: BlockCodec = 'zstandard',
): Buffer {
  const spelled = records.map((record) => (record instanceof Uint8Array ? record : encodeRecord(record)));
  return encodeSpelled(records.length, Buffer.concat(spelled), sync, codec);
}

/** One block of `count` records that are encoded already, one after the other, in `spelled`. As `encodeBlock`. */
export function encodeSpelled(
  count: number,
  spelled: Uint8Array,
  sync: Uint8Array,
  codec: BlockCodec = 'zstandard',
): Buffer {
  if (count === 0 || spelled.length > blockBytesMax)
    throw new RangeError(`a block of ${count} records, ${spelled.length} bytes`);
  return encodeSqueezed(count, squeeze(spelled, codec), sync);
}

/** One block of `count` records that are encoded, one after the other, and then compressed already. */
export function encodeSqueezed(count: number, squeezed: Uint8Array, sync: Uint8Array): Buffer {
  const front = new AvroWriter(2 * longBytesMax);
  front.long(count);
  front.long(squeezed.length);
  return Buffer.concat([front.written(), squeezed, sync]);
}

const blockBytesDefault = 4 * 1024 * 1024;

/**
 * A whole data segment of 1 or more records with offsets without a break. Blocks are cut near 4 MiB; where
 * they are cut, and the compressed bytes, are not part of the format. RangeError for offsets with a break.
 */
export function encodeSegment(
  lane: LogLane,
  records: Iterable<LogRecord | Uint8Array>,
  codec: BlockCodec = 'zstandard',
): Buffer {
  const sync = syncMarker(lane.topic, lane.epoch, lane.partition);
  const blocks: Buffer[] = [];
  let block: Uint8Array[] = [];
  let blockBytes = 0;
  let first: number | undefined;
  let next = 0;
  const flush = (): void => {
    if (block.length > 0) blocks.push(encodeBlock(block, sync, codec));
    block = [];
    blockBytes = 0;
  };
  for (const record of records) {
    const bytes = record instanceof Uint8Array ? record : encodeRecord(record);
    const offset = new AvroReader(bytes).long();
    if (first === undefined) first = offset;
    else if (offset !== next) throw new RangeError(`offset ${offset} follows ${next - 1}`);
    next = offset + 1;
    if (blockBytes + bytes.length > blockBytesDefault) flush();
    block.push(bytes);
    blockBytes += bytes.length;
  }
  flush();
  if (first === undefined) throw new RangeError('a segment without records');
  return segmentOfBlocks({ ...lane, first, next, codec }, blocks);
}

/** A data segment of blocks that are encoded already: all of its records, in its codec. */
export const segmentOfBlocks = (
  { topic, epoch, partition, first, next, codec }: Omit<WholeHeader, 'kind' | 'reason'>,
  blocks: readonly Uint8Array[],
): Buffer =>
  Buffer.concat([segmentHeader({ topic, epoch, partition, kind: 'data', first, next, codec }), ...blocks]);

/**
 * A file that records what is missing: a hole (sparse offsets) or a gap (retention was faster), [first,
 * next).
 */
export const encodeMissing = (lane: LogLane, kind: 'hole' | 'gap', first: number, next: number): Buffer =>
  segmentHeader({ ...lane, kind, first, next, codec: 'zstandard' });

/**
 * Opens a segment, hole or gap. Checks the header, and that a hole or gap ends with it; the readers check
 * the rest: every block's sync marker and size, at most 16 MiB decompressed, every record, offsets from
 * `first` to `next` without a break. Anything else is ARCHIVE_CORRUPT with `reason`, and with `blob` if
 * given.
 */
export function readSegment(file: Uint8Array, blob?: string): SegmentFile<WholeHeader> {
  const { header, reader } = openFile(file, blob);
  const { first, next } = header;
  if (first === undefined || next === undefined) throw corrupt('a tail where a segment should be', blob);
  if (header.kind !== 'data' && reader.remaining > 0)
    throw corrupt(`bytes after the header of a ${header.kind}`, blob);
  return segmentFile({ ...header, first, next }, reader, blob);
}

/** Opens a tail: as `readSegment`, but with no extent to check; it may hold no record. */
export function readTail(file: Uint8Array, blob?: string): SegmentFile<SegmentHeader> {
  const { header, reader } = openFile(file, blob);
  if (header.first !== undefined) throw corrupt('a segment where a tail should be', blob);
  return segmentFile(header, reader, blob);
}

const corrupt = (reason: string, blob: string | undefined, cause?: unknown): Fault =>
  new Fault('ARCHIVE_CORRUPT', { blob, reason }, cause);

function openFile(file: Uint8Array, blob: string | undefined): { header: SegmentHeader; reader: AvroReader } {
  const reader = new AvroReader(file);
  try {
    const { meta, sync } = readContainerHeader(reader);
    const header = headerOf(meta);
    if (!sync.equals(syncMarker(header.topic, header.epoch, header.partition))) {
      throw reader.invalid('sync marker of another lane');
    }
    return { header, reader };
  } catch (error) {
    throw asCorrupt(error, 'header', blob);
  }
}

function segmentFile<Header extends SegmentHeader>(
  header: Header,
  start: AvroReader,
  blob: string | undefined,
): SegmentFile<Header> {
  const sync = syncMarker(header.topic, header.epoch, header.partition);

  function* blocks(): Generator<Block> {
    const reader = new AvroReader(start.bytes, start.at);
    while (reader.remaining > 0) yield readBlock(reader, sync, header.codec, blob);
  }

  function* views(): Generator<RecordView> {
    let expected = header.first;
    for (const block of blocks()) {
      for (const view of viewsOf(block, blob)) {
        expected ??= view.offset;
        if (view.offset !== expected || expected < 0 || expected >= offsetEnd) {
          throw corrupt(`offset ${view.offset} where ${expected} should be`, blob);
        }
        expected += 1;
        yield view;
      }
    }
    if (header.kind === 'data' && header.next !== undefined && expected !== header.next) {
      throw corrupt(`ends before offset ${expected}, should before ${header.next}`, blob);
    }
  }

  function* records(): Generator<{ record: LogRecord; bytes: Uint8Array }> {
    for (const view of views()) yield { record: materialise(view), bytes: view.bytes };
  }

  return { header, blocks, views, records };
}

/** The records of one block, whatever their offsets; ARCHIVE_CORRUPT where it holds anything else. */
export function* viewsOf({ count, bytes }: Block, blob?: string): Generator<RecordView> {
  const reader = new AvroReader(bytes);
  for (let i = 0; i < count; i++) yield readView(reader, blob);
  if (reader.remaining > 0) throw corrupt('bytes after the last record of a block', blob);
}

function readView(reader: AvroReader, blob: string | undefined): RecordView {
  try {
    return new RecordView(reader);
  } catch (error) {
    throw asCorrupt(error, 'record', blob);
  }
}

function readBlock(reader: AvroReader, sync: Buffer, codec: BlockCodec, blob: string | undefined): Block {
  const at = reader.at;
  try {
    const count = reader.long();
    if (count < 1) throw reader.invalid('block without records', at);
    const squeezed = reader.view();
    const end = reader.take(sync.length);
    if (reader.bytes.compare(sync, 0, sync.length, end, end + sync.length) !== 0) {
      throw reader.invalid('sync marker of another lane, or none', end);
    }
    return { count, bytes: unsqueeze(squeezed, codec), stored: reader.bytes.subarray(at, reader.at) };
  } catch (error) {
    throw asCorrupt(error, `block at ${at}`, blob);
  }
}

/** Whatever goes wrong while reading the bytes of a file is the file's fault. */
function asCorrupt(error: unknown, where: string, blob: string | undefined): Fault {
  const reason = isFault(error) ? error.facts.reason : error instanceof Error ? error.message : String(error);
  return corrupt(`${where}: ${String(reason)}`, blob, error);
}
