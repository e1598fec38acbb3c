import { isUtf8 } from 'node:buffer';
import type { SampleBounds, TableFile, TableRefusal } from '../../ports/table-reader.ts';

/** The start of a text file; ends between two characters. */
export interface TextSample {
  readonly text: string;
  /** Whether the text is the whole file. */
  readonly whole: boolean;
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Bytes of an unfinished UTF-8 sequence at the end, 0 to 3. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xf5) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Offset of the first byte that cannot belong to UTF-8. */
function firstInvalid(bytes: Buffer): number {
  let [valid, invalid] = [0, bytes.length];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    const head = bytes.subarray(0, middle);
    if (isUtf8(head.subarray(0, middle - unfinished(head)))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

/**
 * Reads at most `bytesMax` bytes from the start of `file` as strict UTF-8, with or without a byte order mark. Refuses
 * `FILE_EMPTY` (nothing but white space) and `FILE_NOT_TEXT` (other encodings, NUL bytes).
 */
export async function readText(
  file: TableFile,
  { bytesMax }: SampleBounds,
): Promise<TextSample | TableRefusal> {
  const read = await file.read(0, Math.min(file.bytes, bytesMax));
  const sample = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
  const whole = file.bytes <= bytesMax;
  const bytes = whole ? sample : sample.subarray(0, sample.length - unfinished(sample));
  if (!isUtf8(bytes)) {
    const wide = bytes.length > 1 && (bytes.readUInt16BE(0) === 0xfeff || bytes.readUInt16BE(0) === 0xfffe);
    const reason = wide ? 'UTF-16, not UTF-8' : `not UTF-8 near byte ${firstInvalid(bytes)}`;
    return { refused: 'FILE_NOT_TEXT', reason };
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1) return { refused: 'FILE_NOT_TEXT', reason: `a NUL byte at ${nul}` };
  const marked = bytes.subarray(0, 3).equals(byteOrderMark);
  const text = bytes.toString('utf8', marked ? 3 : 0);
  if (text.trim() === '') return { refused: 'FILE_EMPTY', reason: `${file.bytes} bytes, no text` };
  return { text, whole };
}
