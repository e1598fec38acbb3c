import type { Header, LogRecord } from '../../domain/event.ts';
import { ByteReader, WireError } from './byte-reader.ts';

/** A record that travels uncompressed cannot hold more; only an inflated one could. */
const headersMax = 1_000_000;

/** Headers of the record that was asked last, of all that share this: most records have those of the one before. */
export interface LastHeaders {
  wire: Buffer;
  start: number;
  end: number;
  headers: readonly Header[];
}

export const noHeadersYet = (): LastHeaders => ({ wire: Buffer.alloc(0), start: 0, end: -1, headers: [] });

/**
 * One record inside a record batch, checked to its end. Key, value and headers are made when asked for, as views of the bytes
 * that were fetched: a batch is thousands of records, and a lane that waits keeps them in memory.
 */
export class WireRecord implements LogRecord {
  readonly offset: number;
  readonly appendTime: number;
  private readonly wire: Buffer;
  private readonly keyStart: number;
  private readonly keyEnd: number;
  private readonly valueStart: number;
  private readonly valueEnd: number;
  private readonly headersStart: number;
  private readonly end: number;
  private readonly last: LastHeaders;

  /** Reads the record of `size` bytes at the reader's place and leaves the reader behind it. Throws `WireError`. */
  constructor(
    records: ByteReader,
    size: number,
    { base, appendTime }: { readonly base: number; readonly appendTime: number },
    last: LastHeaders,
  ) {
    const end = records.at + size;
    this.end = end;
    this.last = last;
    this.wire = records.bytes;
    this.appendTime = appendTime;
    records.skip(1);
    records.skipVarlong();
    this.offset = base + records.varint();
    this.keyStart = skipBytes(records);
    this.keyEnd = records.at;
    this.valueStart = skipBytes(records);
    this.valueEnd = records.at;
    this.headersStart = records.at;
    const count = records.varint();
    if (count < 0 || count > Math.min(headersMax, records.left)) throw new WireError(`${count} headers`);
    for (let i = 0; i < count; i++) {
      records.skip(records.varint());
      skipBytes(records);
    }
    if (records.at !== end)
      throw new WireError(`the record at offset ${this.offset} has another length than it says`);
  }

  get key(): Buffer | null {
    return this.keyStart < 0 ? null : this.wire.subarray(this.keyStart, this.keyEnd);
  }

  get value(): Buffer | null {
    return this.valueStart < 0 ? null : this.wire.subarray(this.valueStart, this.valueEnd);
  }

  /** One array for neighbours whose headers are the same bytes. */
  get headers(): readonly Header[] {
    const { wire, headersStart: start, end } = this;
    const last = this.last;
    if (
      end - start !== last.end - last.start ||
      last.wire.compare(wire, start, end, last.start, last.end) !== 0
    )
      [last.wire, last.start, last.end, last.headers] = [wire, start, end, this.readHeaders()];
    return last.headers;
  }

  private readHeaders(): readonly Header[] {
    const reader = new ByteReader(this.wire);
    reader.at = this.headersStart;
    const headers: Header[] = [];
    for (let left = reader.varint(); left > 0; left--)
      headers.push([reader.slice(reader.varint()), reader.varbytes()]);
    return headers;
  }
}

/** Moves over varint-counted bytes and gives where they begin; −1 for null. */
function skipBytes(records: ByteReader): number {
  const length = records.varint();
  return length === -1 ? -1 : records.skip(length);
}
