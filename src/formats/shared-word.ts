const wordBytesMax = 32;
const wordSlots = 2_048;
// Names of aspects, namespaces, entity types and actors come again and again: a bounded, direct-mapped
// table of ASCII words gives back the same string instead of a new one. It changes speed and memory, never
// a result.
const words = new Array<string>(wordSlots).fill('');

let lastText = '';

/**
 * The UTF-8 text of `bytes[start, start + length)`: the string that was asked for last, where it is the same and ASCII, as it
 * is with the URNs of records that come URN after URN. Bytes that are not UTF-8 become U+FFFD.
 */
export function againAt(bytes: Buffer, start: number, length: number): string {
  if (lastText.length === length && isAt(lastText, bytes, start)) return lastText;
  const text = bytes.toString('utf8', start, start + length);
  // As many UTF-16 units as bytes means ASCII: only there do char codes equal bytes.
  if (text.length === length) lastText = text;
  return text;
}

/** Whether the ASCII text stands at `start`. */
function isAt(text: string, bytes: Buffer, start: number): boolean {
  const { length } = text;
  let same = 0;
  while (same < length && text.charCodeAt(same) === bytes[start + same]) same += 1;
  return same === length;
}

/**
 * The UTF-8 text of `bytes[start, start + length)`, shared with earlier ones where it is short ASCII. Bytes
 * that are not UTF-8 become U+FFFD.
 */
export function wordAt(bytes: Buffer, start: number, length: number): string {
  if (length === 0) return '';
  if (length > wordBytesMax) return bytes.toString('utf8', start, start + length);
  const mixed = bytes[start]! * 31 + bytes[start + length - 1]! * 131 + bytes[start + (length >> 1)]! * 1_031;
  const slot = (mixed + length * 7_919) % wordSlots;
  const word = words[slot]!;
  if (word.length === length && isAt(word, bytes, start)) return word;
  const text = bytes.toString('utf8', start, start + length);
  // ASCII, as above.
  if (text.length === length) words[slot] = text;
  return text;
}
