import { hash } from 'node:crypto';
import { Fault } from '../domain/fault.ts';

const digits = '0123456789abcdef';
const hexCodes = new Uint8Array(512);
for (let byte = 0; byte < 256; byte++) {
  hexCodes[byte * 2] = digits.charCodeAt(byte >> 4);
  hexCodes[byte * 2 + 1] = digits.charCodeAt(byte & 15);
}
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Where each of the 16 bytes stands in the text; the other places are hyphens. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const scratch = Buffer.alloc(36, '-');

/** Whether `text` is a UUID of any version in the one spelling used here: lower case, hyphens. */
export const isUuid = (text: string): boolean => text.length === 36 && uuidPattern.test(text);

/** The 16 bytes at `start` as lower-case text. */
export function uuidText(bytes: Uint8Array, start = 0): string {
  for (let i = 0; i < 16; i++) {
    const place = places[i]!;
    const code = bytes[start + i]! * 2;
    scratch[place] = hexCodes[code]!;
    scratch[place + 1] = hexCodes[code + 1]!;
  }
  return scratch.toString('latin1');
}

/** The 16 bytes of a UUID; AVRO_INVALID unless `isUuid`. */
export function uuidBytes(text: string): Buffer {
  if (!isUuid(text)) throw new Fault('AVRO_INVALID', { reason: 'not a lower-case UUID' });
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

/**
 * Each string as uint32 big-endian byte length and its UTF-8 bytes, joined: no two tuples give the same
 * bytes.
 */
export function tupleBytes(...strings: readonly string[]): Buffer {
  const parts = strings.flatMap((text) => {
    if (!text.isWellFormed()) throw new Fault('AVRO_INVALID', { reason: 'string with a lone surrogate' });
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/**
 * The UUID named by a tuple of strings, the first of which names the tuple (`annal-id/idempotency`, …): the
 * first 16 bytes of SHA-256 over `tupleBytes`, marked as RFC 9562 version 8. Numbers go in as decimals.
 */
export function uuid8(...strings: readonly string[]): string {
  const bytes = hash('sha256', tupleBytes(...strings), 'buffer');
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uuidText(bytes);
}
