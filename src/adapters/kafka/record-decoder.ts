import type { LogRecord } from '../../domain/event.ts';
import { ByteReader, WireError } from './byte-reader.ts';
import { codecMask, decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { noHeadersYet, WireRecord } from './wire-record.ts';

const headBytes = 61;
const logAppendTime = 0x08;
const control = 0x20;

/** Takes records from the bytes of one fetch answer, no more of them at a time than asked for. */
export interface RecordCursor {
  /**
   * The next records, ascending: at most `recordsMax`, and at most `bytesMax` bytes unless the first one alone is larger.
   * Empty when the answer is used up. Control records and offsets below the start are left out.
   */
  take(recordsMax: number, bytesMax: number): LogRecord[];
  /** Everything before it was taken or is not in the log. */
  readonly next: number;
}

/** What is open of the batch under the cursor. */
interface OpenBatch {
  readonly base: number;
  readonly next: number;
  readonly appendTime: number;
  readonly control: boolean;
  readonly records: ByteReader;
  left: number;
}

/**
 * Decodes record batches (magic 2, https://kafka.apache.org/documentation/#recordbatch) from `wire` on from offset
 * `start`. In the place of kafkajs's own decoder, which makes headers an object in quadratic time. Keys, values and header
 * bytes are views of `wire`; headers keep order, repeats and bytes. A batch cut off at the end is left for the next fetch.
 * `take` throws `WireError` for bytes that are no such batch, a checksum that differs, or a batch that inflates too far.
 */
export function recordCursor(wire: Buffer, start: number): RecordCursor {
  const reader = new ByteReader(wire);
  const last = noHeadersYet();
  let open: OpenBatch | undefined;
  let next = start;

  const openNext = (): boolean => {
    while (reader.left >= headBytes) {
      const length = wire.readInt32BE(reader.at + 8);
      if (reader.left < 12 + length) return false;
      const batch = openBatch(reader.slice(12 + length), start);
      next = Math.max(next, batch.base);
      if (batch.left > 0) {
        open = batch;
        return true;
      }
      next = Math.max(next, batch.next);
    }
    return false;
  };

  const take = (records: LogRecord[], recordsMax: number, bytesMax: number): void => {
    let bytes = 0;
    while (records.length < recordsMax && (open !== undefined || openNext())) {
      const batch = open!;
      const from = batch.records.at;
      const size = batch.records.varint();
      if (records.length > 0 && bytes + size > bytesMax) {
        batch.records.at = from;
        return;
      }
      const record = new WireRecord(batch.records, size, batch, last);
      batch.left -= 1;
      if (!batch.control && record.offset >= start) {
        records.push(record);
        bytes += size;
      }
      next = Math.max(next, record.offset + 1);
      if (batch.left > 0) continue;
      next = Math.max(next, batch.next);
      open = undefined;
    }
  };

  let broken: unknown;
  return {
    get next() {
      return next;
    },
    take(recordsMax, bytesMax) {
      if (broken !== undefined) throw broken;
      const records: LogRecord[] = [];
      try {
        take(records, recordsMax, bytesMax);
      } catch (error) {
        broken = error; // Records before the broken ones are good: they go first.
        if (records.length === 0) throw error;
      }
      return records;
    },
  };
}

function openBatch(bytes: Buffer, start: number): OpenBatch {
  const head = new ByteReader(bytes);
  const base = head.int64();
  head.skip(8);
  const magic = head.int8();
  if (magic !== 2) throw new WireError(`records in message format ${magic}`);
  const checksum = head.int32() >>> 0;
  if (crc32c(bytes, head.at) !== checksum)
    throw new WireError(`the checksum of the batch at offset ${base} differs`);
  const attributes = head.int16();
  const next = base + head.int32() + 1;
  head.skip(8);
  const maxTime = head.int64();
  head.skip(14);
  const count = head.int32();
  const codec = attributes & codecMask;
  const wanted = next > start;
  const rest = bytes.subarray(head.at);
  return {
    base,
    next,
    appendTime: attributes & logAppendTime ? maxTime : -1,
    control: (attributes & control) !== 0,
    records: new ByteReader(codec === 0 || !wanted ? rest : decompress(codec, rest)),
    left: wanted ? Math.max(0, count) : 0,
  };
}
