/** A line of a text file, without its end. `bytes` undefined: longer than allowed, passed over. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer | undefined;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const blank = /^[ \t]*$/;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The lines of a stream that are not blank. A byte order mark at its start and `\r` at a line's end are no part of them.
 * Memory: one chunk, and one line of at most `lineBytesMax`.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array | string>,
  lineBytesMax: number,
): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let [length, number] = [0, 0];
  const line = (): Line | undefined => {
    number += 1;
    const whole = length > lineBytesMax ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    if (whole === undefined) return { number, bytes: undefined };
    const bytes = trimmed(whole, number === 1);
    return bytes.length <= 1_024 && blank.test(bytes.toString('latin1')) ? undefined : { number, bytes };
  };
  for await (const given of chunks) {
    const chunk =
      typeof given === 'string'
        ? Buffer.from(given)
        : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(newline, start);
      const end = found === -1 ? chunk.length : found;
      length += end - start;
      if (length > lineBytesMax) parts = [];
      else parts.push(chunk.subarray(start, end));
      start = end + 1;
      if (found === -1) continue;
      const ended = line();
      if (ended !== undefined) yield ended;
    }
  }
  const last = length === 0 ? undefined : line();
  if (last !== undefined) yield last;
}

function trimmed(line: Buffer, first: boolean): Buffer {
  const start =
    first && line.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? byteOrderMark.length : 0;
  return line.subarray(start, line.at(-1) === carriageReturn ? line.length - 1 : line.length);
}
