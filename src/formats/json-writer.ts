import { asBuffer } from './avro-bytes.ts';
import { GrowingBytes } from './growing-bytes.ts';

const loopMax = 160;
const quote = 0x22;
const backslash = 0x5c;
const digitsPerPart = 1e7;
const integerMax = 1e14;

/** How a byte below 0x20, a quote or a backslash is spelled inside a JSON string; undefined = as it is. */
const escapes: readonly (Buffer | undefined)[] = Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === quote || byte === backslash
    ? Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1))
    : undefined,
);
const needsEscape = Uint8Array.from(escapes, (spelled) => (spelled === undefined ? 0 : 1));
/** At most so many bytes stand for one inside a JSON string. */
export const escapeBytesMax = 6;

const hexCodes = Buffer.from('0123456789abcdef');

/**
 * Writes `bytes` (UTF-8) into `target` as the inside of a JSON string, spelled as `JSON.stringify` spells it. The caller has
 * made room: at most six bytes for one. Returns the exclusive end.
 */
export function escapeInto(target: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  let to = at;
  for (let from = 0; from < length; from++) {
    const byte = bytes[from]!;
    if (needsEscape[byte] === 0) target[to++] = byte;
    else if (byte === quote || byte === backslash) {
      target[to] = backslash;
      target[to + 1] = byte;
      to += 2;
    } else for (const part of escapes[byte]!) target[to++] = part;
  }
  return to;
}

/** So many bytes `escapeInto` writes. */
export function escapedBytes(bytes: Uint8Array): number {
  let count = bytes.length;
  for (const byte of bytes) if (needsEscape[byte] === 1) count += escapes[byte]!.length - 1;
  return count;
}

/**
 * Growing output of JSON text as UTF-8 bytes. What it writes is what `JSON.stringify` writes for the same text or number; the
 * punctuation is the caller's.
 */
export class JsonWriter extends GrowingBytes {
  constructor(capacity = 16 * 1_024) {
    super(capacity);
  }

  /** ASCII as it is: punctuation, names, numbers. */
  raw(text: string): void {
    const { length } = text;
    this.reserve(length);
    const { buffer, at } = this;
    for (let i = 0; i < length; i++) buffer[at + i] = text.charCodeAt(i);
    this.at = at + length;
  }

  /** A text as a JSON string. */
  string(text: string): void {
    if (text.length <= loopMax && this.plain(text)) return;
    const json = JSON.stringify(text);
    this.reserve(json.length * 3);
    this.at += this.buffer.write(json, this.at, 'utf8');
  }

  /** Writes `text` if it is ASCII without anything to escape. */
  private plain(text: string): boolean {
    const { length } = text;
    this.reserve(length + 2);
    const { buffer } = this;
    let { at } = this;
    buffer[at++] = quote;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f || needsEscape[code] === 1) return false;
      buffer[at++] = code;
    }
    buffer[at++] = quote;
    this.at = at;
    return true;
  }

  /** `bytes[start, end)`, which is UTF-8, as a JSON string. */
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * escapeBytesMax + 2);
    const { buffer } = this;
    let { at } = this;
    buffer[at++] = quote;
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      if (needsEscape[byte] === 1) {
        at = escapeInto(buffer, at, bytes.subarray(from, end));
        break;
      }
      buffer[at++] = byte;
    }
    buffer[at++] = quote;
    this.at = at;
  }

  /** Bytes as they are: what is JSON text already. */
  copy(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    const { buffer, at } = this;
    if (length > loopMax) buffer.set(bytes, at);
    else for (let i = 0; i < length; i++) buffer[at + i] = bytes[i]!;
    this.at = at + length;
  }

  /** A whole number. */
  integer(value: number): void {
    this.reserve(16);
    const high = Math.floor(value / digitsPerPart);
    if (!(value >= 0 && value < integerMax)) this.raw(String(value));
    else if (high === 0) this.digits(value, 1);
    else {
      this.digits(high, 1);
      this.digits(value - high * digitsPerPart, 7);
    }
  }

  private digits(value: number, atLeast: number): void {
    let count = 1;
    for (let power = 10; power <= value; power *= 10) count += 1;
    count = Math.max(count, atLeast);
    let rest = value | 0;
    for (let at = this.at + count - 1; at >= this.at; at--) {
      const tens = (rest / 10) | 0;
      this.buffer[at] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    this.at += count;
  }

  /** The 16 bytes at `start` as a UUID in a JSON string: lower case, hyphens. */
  uuid(bytes: Uint8Array, start: number): void {
    this.reserve(38);
    const { buffer } = this;
    let { at } = this;
    buffer[at++] = quote;
    for (let i = 0; i < 16; i++) {
      const byte = bytes[start + i]!;
      buffer[at++] = hexCodes[byte >> 4]!;
      buffer[at++] = hexCodes[byte & 15]!;
      if (i === 3 || i === 5 || i === 7 || i === 9) buffer[at++] = 0x2d;
    }
    buffer[at++] = quote;
    this.at = at;
  }
}

const scratchMax = 4 * 1_024 * 1_024;
const slabBytes = 256 * 1_024;
let scratch = new JsonWriter();
let slab = Buffer.allocUnsafeSlow(0);
let slabAt = 0;

/**
 * The text that `write` writes, as bytes of its own. Short texts share memory of 256 KiB: whoever keeps one for long copies
 * it. `write` must not make another text meanwhile.
 */
export function jsonBytes(write: (out: JsonWriter) => void): Buffer {
  if (scratch.capacity > scratchMax) scratch = new JsonWriter();
  scratch.clear();
  write(scratch);
  const written = asBuffer(scratch.written());
  const { length } = written;
  if (length > slabBytes / 8) return Buffer.from(written);
  if (slabAt + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    slabAt = 0;
  }
  const start = slabAt;
  slabAt += length;
  slab.set(written, start);
  return slab.subarray(start, slabAt);
}
