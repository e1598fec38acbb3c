import { isUtf8 } from 'node:buffer';
import { Fault } from '../domain/fault.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { againAt, wordAt } from './shared-word.ts';

const longMax = Number.MAX_SAFE_INTEGER;
const longBytesMax = 10;
const intMax = 2 ** 31 - 1;

/** The bytes as a Buffer over the same memory. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * A cursor over untrusted Avro binary (Avro 1.12, "Binary Encoding") in `bytes[start, end)`. Every read is
 * bounded by what remains, and nothing is allocated for a length before it is known to be there. Longs must
 * lie within ±(2^53−1). Varints longer than needed are valid Avro and accepted, up to ten bytes. Anything
 * else throws AVRO_INVALID with `reason` and `at`, a byte offset into `bytes`.
 */
export class AvroReader {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || end > bytes.length || start > end) throw new RangeError('reader outside its bytes');
    this.bytes = asBuffer(bytes);
    this.at = start;
    this.end = end;
  }

  invalid(reason: string, at: number = this.at): Fault {
    return new Fault('AVRO_INVALID', { reason, at });
  }

  get remaining(): number {
    return this.end - this.at;
  }

  long(): number {
    const { bytes, end, at: start } = this;
    if (start >= end) throw this.invalid('ends before a number');
    let byte = bytes[start]!;
    let at = start + 1;
    const negative = (byte & 1) === 1;
    let magnitude = (byte & 0x7f) >> 1;
    for (let scale = 64; byte >= 0x80; scale *= 128) {
      if (at >= end) throw this.invalid('ends inside a number', start);
      if (at - start >= longBytesMax) throw this.invalid('number longer than ten bytes', start);
      byte = bytes[at++]!;
      magnitude += (byte & 0x7f) * scale;
    }
    if (magnitude > (negative ? longMax - 1 : longMax)) throw this.invalid('number beyond 2^53-1', start);
    this.at = at;
    return negative ? -magnitude - 1 : magnitude;
  }

  int(): number {
    const start = this.at;
    const value = this.long();
    if (value > intMax || value < -intMax - 1) throw this.invalid('int beyond 32 bits', start);
    return value;
  }

  boolean(): boolean {
    const byte = this.bytes[this.take(1)]!;
    if (byte > 1) throw this.invalid('boolean is neither 0 nor 1', this.at - 1);
    return byte === 1;
  }

  float(): number {
    return this.bytes.readFloatLE(this.take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8));
  }

  /** Length prefix of bytes or a string: at least 0 and no more than what remains after it. */
  length(): number {
    const start = this.at;
    const first = start < this.end ? this.bytes[start]! : 0x80;
    let length: number;
    if (first < 0x80 && (first & 1) === 0) {
      this.at = start + 1;
      length = first >> 1;
    } else {
      length = this.long();
    }
    if (length < 0) throw this.invalid('negative length', start);
    if (length > this.end - this.at) throw this.invalid('length beyond the end', start);
    return length;
  }

  /** Moves past `size` bytes and returns where they start. */
  take(size: number): number {
    const start = this.at;
    if (size > this.end - start) throw this.invalid(`needs ${size} bytes, ${this.end - start} remain`);
    this.at = start + size;
    return start;
  }

  /** Index of a union branch or enum symbol below `count`. */
  index(count: number): number {
    const start = this.at;
    const value = this.long();
    if (value < 0 || value >= count) throw this.invalid(`index outside 0-${count - 1}`, start);
    return value;
  }

  /** Whether the second branch of a ["null", T] union follows. */
  present(): boolean {
    const byte = this.at < this.end ? this.bytes[this.at]! : 1;
    if (byte !== 0 && byte !== 2) return this.index(2) === 1;
    this.at += 1;
    return byte === 2;
  }

  /** Bytes as a view into the input, not a copy: it keeps the whole input alive. */
  view(): Buffer {
    const length = this.length();
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  string(): string {
    const length = this.length();
    const start = this.take(length);
    return this.checked(this.bytes.toString('utf8', start, start + length), start, length);
  }

  /** Like `string`, for texts that come again and again: equal short ASCII texts share one string. */
  word(): string {
    const length = this.length();
    const start = this.take(length);
    return this.checked(wordAt(this.bytes, start, length), start, length);
  }

  /** Like `string`, for a text that is often the one before it: that string is given again. */
  again(): string {
    const length = this.length();
    const start = this.take(length);
    return this.checked(againAt(this.bytes, start, length), start, length);
  }

  /**
   * Count of the next block of an array or map, 0 = the end. A negative count is followed by the block's
   * size in bytes, which must not exceed what remains.
   */
  blockCount(): { readonly count: number; readonly end: number | undefined } {
    const start = this.at;
    const count = this.long();
    if (count >= 0) return { count, end: undefined };
    const size = this.long();
    if (size < 0 || size > this.remaining) throw this.invalid('block size beyond the end', start);
    return { count: -count, end: this.at + size };
  }

  /** Refuses bytes after the value. */
  finish(): void {
    if (this.at !== this.end) throw this.invalid(`${this.end - this.at} bytes after the value`);
  }

  private checked(text: string, start: number, length: number): string {
    // Decoding replaces what is not UTF-8 by U+FFFD, which may also stand in the text itself.
    if (text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(start, start + length))) {
      throw this.invalid('string is not UTF-8', start);
    }
    return text;
  }
}

const asciiLoopMax = 80;

/**
 * Growing output of Avro binary in the one spelling: shortest varints, strings as strict UTF-8. Refuses
 * with AVRO_INVALID what has no such spelling: numbers beyond ±(2^53−1) or not whole, strings with a lone
 * surrogate.
 */
export class AvroWriter extends GrowingBytes {
  constructor(capacity = 1_024) {
    super(capacity);
  }

  /** What was written, as bytes of the caller's own. */
  copy(): Buffer {
    return Buffer.from(this.written());
  }

  long(value: number): void {
    if (!Number.isSafeInteger(value)) throw new Fault('AVRO_INVALID', { reason: `${value} is no Avro long` });
    this.reserve(longBytesMax);
    const { buffer } = this;
    const negative = value < 0;
    // Zigzag doubles: 2^54 is not exact in a double, so the sign joins the lowest six bits instead.
    const magnitude = negative ? -value - 1 : value;
    const low = ((magnitude % 64) << 1) | (negative ? 1 : 0);
    let rest = Math.floor(magnitude / 64);
    if (rest === 0) {
      buffer[this.at++] = low;
      return;
    }
    buffer[this.at++] = low | 0x80;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) buffer[this.at++] = (rest % 128) | 0x80;
    buffer[this.at++] = rest;
  }

  int(value: number): void {
    if (value > intMax || value < -intMax - 1) {
      throw new Fault('AVRO_INVALID', { reason: `${value} is no Avro int` });
    }
    this.long(value);
  }

  /** Bytes without a length: fixed values and what is already Avro. */
  fixed(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  bytes(bytes: Uint8Array): void {
    this.long(bytes.length);
    this.fixed(bytes);
  }

  string(text: string): void {
    if (text.length <= asciiLoopMax && this.ascii(text)) return;
    if (!text.isWellFormed()) throw new Fault('AVRO_INVALID', { reason: 'string with a lone surrogate' });
    const length = Buffer.byteLength(text);
    this.long(length);
    this.reserve(length);
    this.at += this.buffer.write(text, this.at, length, 'utf8');
  }

  /** Writes `text` if all of it is ASCII. */
  private ascii(text: string): boolean {
    const before = this.at;
    this.long(text.length);
    this.reserve(text.length);
    const { buffer, at } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.at = before;
        return false;
      }
      buffer[at + i] = code;
    }
    this.at = at + text.length;
    return true;
  }
}

/**
 * Entries in unsigned UTF-8 byte order of their keys (not UTF-16 order): the order of maps in the one
 * spelling.
 */
export const inKeyOrder = <T>(map: ReadonlyMap<string, T>): [key: string, value: T][] =>
  [...map]
    .map(([key, value]) => ({ key, value, bytes: Buffer.from(key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ key, value }) => [key, value]);
