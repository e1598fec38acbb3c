import { readFileSync } from 'node:fs';
import type { Header, LogRecord } from '../domain/event.ts';
import { AvroReader, type AvroWriter } from './avro-bytes.ts';
import { canonicalSchemaText, schemaSha256 } from './json-canonical.ts';

const schemaFile = new URL('../../schemas/events/SegmentRecord.avsc', import.meta.url);

/** RFC 8785 text of schemas/events/SegmentRecord.avsc and its SHA-256. */
export const recordSchemaText = canonicalSchemaText(JSON.parse(readFileSync(schemaFile, 'utf8')));
export const recordSchemaSha256 = schemaSha256(recordSchemaText);

/**
 * One record inside a block of bytes, checked to its end. Key, value and headers are made when asked for,
 * as views into the block: whoever keeps one keeps the whole block alive. `valueStart`/`valueEnd` spare
 * even the view; −1 = null.
 */
export class RecordView implements LogRecord {
  readonly block: Buffer;
  /** The record's own bytes are `block[start, end)`: what its hash covers. */
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly appendTime: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headersStart: number;
  private ownHeaders: readonly Header[] | undefined;

  /** Reads the record at the reader's place and leaves the reader behind it. */
  /** `end`: of a record that was checked before; its headers are not looked at again. */
  constructor(reader: AvroReader, end?: number) {
    this.block = reader.bytes;
    this.start = reader.at;
    this.offset = reader.long();
    this.appendTime = reader.long();
    this.keyStart = -1;
    this.keyEnd = -1;
    if (reader.present()) {
      const length = reader.length();
      this.keyStart = reader.take(length);
      this.keyEnd = reader.at;
    }
    this.valueStart = -1;
    this.valueEnd = -1;
    if (reader.present()) {
      const length = reader.length();
      this.valueStart = reader.take(length);
      this.valueEnd = reader.at;
    }
    this.headersStart = reader.at;
    if (end === undefined) skipHeaders(reader);
    else reader.at = end;
    this.end = reader.at;
  }

  get bytes(): Buffer {
    return this.block.subarray(this.start, this.end);
  }

  get key(): Buffer | null {
    return this.keyStart < 0 ? null : this.block.subarray(this.keyStart, this.keyEnd);
  }

  get value(): Buffer | null {
    return this.valueStart < 0 ? null : this.block.subarray(this.valueStart, this.valueEnd);
  }

  get headers(): readonly Header[] {
    this.ownHeaders ??= readHeaders(new AvroReader(this.block, this.headersStart, this.end));
    return this.ownHeaders;
  }
}

/** The record over a copy of its own bytes: who keeps it keeps no block. */
export function detached({ bytes }: RecordView): RecordView {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return new RecordView(new AvroReader(own));
}

/** A record as plain data; its bytes are views into those it was read from. */
export const materialise = (view: RecordView): LogRecord => ({
  offset: view.offset,
  appendTime: view.appendTime,
  key: view.key,
  value: view.value,
  headers: view.headers,
});

/** Every header takes two bytes at least, so their number is bounded by the record's size. */
function skipHeaders(reader: AvroReader): void {
  for (;;) {
    const { count, end } = reader.blockCount();
    if (count === 0) return;
    for (let i = 0; i < count; i++) {
      reader.take(reader.length());
      if (reader.present()) reader.take(reader.length());
    }
    if (end !== undefined && reader.at !== end) throw reader.invalid('block size does not match its items');
  }
}

function readHeaders(reader: AvroReader): Header[] {
  const headers: Header[] = [];
  for (;;) {
    const { count } = reader.blockCount();
    if (count === 0) return headers;
    for (let i = 0; i < count; i++) headers.push([reader.view(), reader.present() ? reader.view() : null]);
  }
}

/** Headers that a writer has written last, and where. */
export interface HeadersWritten {
  headers: readonly Header[] | undefined;
  start: number;
  end: number;
}

/** Writes the one spelling of a record. Headers that are the same object as those before are copied: bytes must not change. */
export function writeRecord(
  writer: AvroWriter,
  { offset, appendTime, key, value, headers }: LogRecord,
  before?: HeadersWritten,
): void {
  writer.long(offset);
  writer.long(appendTime);
  writeOptional(writer, key);
  writeOptional(writer, value);
  if (before !== undefined && before.headers === headers) {
    writer.repeat(before.start, before.end);
    return;
  }
  const start = writer.at;
  if (headers.length > 0) {
    writer.long(headers.length);
    for (const [name, headerValue] of headers) {
      writer.bytes(name);
      writeOptional(writer, headerValue);
    }
  }
  writer.long(0);
  if (before !== undefined) [before.headers, before.start, before.end] = [headers, start, writer.at];
}

function writeOptional(writer: AvroWriter, bytes: Uint8Array | null): void {
  writer.long(bytes === null ? 0 : 1);
  if (bytes !== null) writer.bytes(bytes);
}
