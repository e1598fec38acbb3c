const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;

/** Bytes that need a look inside a string: quote, backslash and control characters. */
const special = new Uint8Array(256).fill(1, 0, 0x20);
special[quote] = 1;
special[backslash] = 1;
const shortEscapes = new Uint8Array(256);
for (const letter of Buffer.from('"\\/bfnrt')) shortEscapes[letter] = 1;

/**
 * Where the JSON string whose text starts at `start` (behind its opening quote) ends, behind its closing
 * quote. Of what is no string, −1 − the place of the fault: control characters, unknown escapes, lone
 * surrogates, no end.
 */
export function stringEnd(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  for (let at = start; at < length; ) {
    while (at < length && special[bytes[at]!] === 0) at += 1;
    if (bytes[at] === quote) return at + 1;
    if (bytes[at] !== backslash) return -1 - at;
    const next = escapeEnd(bytes, at);
    if (next < 0) return -1 - at;
    at = next;
  }
  return -1 - length;
}

/** Where the escape at `at` ends, or −1; an escaped surrogate counts only as one of a pair. */
function escapeEnd(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1];
  if (letter === undefined) return -1;
  if (letter !== letterU) return shortEscapes[letter] === 1 ? at + 2 : -1;
  const unit = hexUnit(bytes, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return unit < 0 ? -1 : at + 6;
  if (unit >= 0xdc00 || bytes[at + 6] !== backslash || bytes[at + 7] !== letterU) return -1;
  const low = hexUnit(bytes, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : -1;
}

/** The number in four hex digits at `at`, or −1. */
function hexUnit(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0;
    const lower = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) unit = unit * 16 + byte - 0x30;
    else if (lower >= 0x61 && lower <= 0x66) unit = unit * 16 + lower - 0x57;
    else return -1;
  }
  return unit;
}
