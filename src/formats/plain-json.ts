import { isUtf8 } from 'node:buffer';
import { asBuffer } from './avro-bytes.ts';
import { stringEnd } from './json-string.ts';

const [space, quote, comma, minus, zero, nine, colon] = [0x20, 0x22, 0x2c, 0x2d, 0x30, 0x39, 0x3a];
const [openBracket, backslash, closeBracket, openBrace, closeBrace] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d];

/** No number of so many digits is rounded by anybody. */
const digitsMax = 15;
/** A bit each says whether it is an object. */
const depthMax = 30;
/** Keys of all objects that are open: each is compared with those before it in its own. */
const keysMax = 64;
const starts = new Int32Array(keysMax);
const ends = new Int32Array(keysMax);
/** How many keys there were before each open container. */
const keysBefore = new Int32Array(depthMax + 1);
const literals = ['true', 'false', 'null'].map((text) => Buffer.from(text));

/**
 * Whether bytes surely are JSON text as most is: one value without space around it, whole numbers of few digits, no object with
 * a key twice or with an escape in a key, not deep. `scanJson` accepts them, as a whole, and others too: of those it has to be
 * asked. No string is made of anything.
 */
export const isPlainJson = (bytes: Uint8Array): boolean =>
  plainEnd(bytes) === bytes.length && isUtf8(asBuffer(bytes));

/** Exclusive end of the value that the bytes begin with; −1 where that is not plain. */
function plainEnd(bytes: Uint8Array): number {
  let [at, depth, keys, objects] = [0, 0, 0, 0];
  for (;;) {
    const byte = bytes[at]!;
    let isKeyNext = false;
    if (byte === openBrace || byte === openBracket) {
      if (depth === depthMax) return -1;
      depth += 1;
      keysBefore[depth] = keys;
      const isObject = byte === openBrace;
      objects = (objects << 1) | (isObject ? 1 : 0);
      at += 1;
      if (bytes[at] !== (isObject ? closeBrace : closeBracket)) {
        if (!isObject) continue;
        isKeyNext = true;
      }
    } else {
      at = byte === quote ? stringEnd(bytes, at + 1) : scalarEnd(bytes, at);
      if (at < 0) return -1;
    }
    while (!isKeyNext) {
      if (depth === 0) return at;
      const isObject = (objects & 1) === 1;
      const next = bytes[at];
      at += 1;
      if (next === comma) {
        if (bytes[at] === space) at += 1;
        if (!isObject) break;
        isKeyNext = true;
      } else if (next === (isObject ? closeBrace : closeBracket)) {
        keys = keysBefore[depth]!;
        depth -= 1;
        objects >>= 1;
      } else return -1;
    }
    if (!isKeyNext) continue;
    at = keyEnd(bytes, at, keysBefore[depth]!, keys);
    if (at < 0) return -1;
    keys += 1;
  }
}

/** Where the value of the key at `at` begins; −1 where it is not plain, or one of those from `first` to `keys`. It is kept. */
function keyEnd(bytes: Uint8Array, at: number, first: number, keys: number): number {
  if (bytes[at] !== quote || keys === keysMax) return -1;
  const start = at + 1;
  let end = start;
  for (; bytes[end] !== quote; end += 1)
    if (end >= bytes.length || bytes[end]! < space || bytes[end] === backslash) return -1;
  for (let key = first; key < keys; key += 1) {
    const known = starts[key]!;
    if (ends[key]! - known !== end - start) continue;
    let same = 0;
    while (start + same < end && bytes[start + same] === bytes[known + same]) same += 1;
    if (start + same === end) return -1;
  }
  starts[keys] = start;
  ends[keys] = end;
  if (bytes[end + 1] !== colon) return -1;
  return bytes[end + 2] === space ? end + 3 : end + 2;
}

/** Exclusive end of a whole number or a literal, −1 for anything else. */
function scalarEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === minus ? at + 1 : at;
  let end = first;
  while (bytes[end]! >= zero && bytes[end]! <= nine) end += 1;
  // A zero in front of others is no JSON; one behind a minus is another one in many programs.
  if (end > first)
    return end - first > digitsMax || (bytes[first] === zero && (end - first > 1 || first > at)) ? -1 : end;
  if (first > at) return -1;
  for (const literal of literals) {
    let same = 0;
    while (same < literal.length && bytes[at + same] === literal[same]) same += 1;
    if (same === literal.length) return at + same;
  }
  return -1;
}
