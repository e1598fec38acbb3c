import { ByteReader, WireError } from './byte-reader.ts';
import { Inflated } from './inflated.ts';

const framing = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

/**
 * Unpacks Snappy (https://github.com/google/snappy/blob/main/format_description.txt), bare or in the framing of Java
 * clients, to at most `bytesMax` bytes. Throws `WireError` for damage and for more bytes.
 */
export function unpackSnappy(bytes: Buffer, bytesMax: number): Buffer {
  const out = new Inflated(4 * bytes.length, bytesMax);
  if (!bytes.subarray(0, framing.length).equals(framing)) {
    unpackBlock(new ByteReader(bytes), out);
    return out.done();
  }
  const frame = new ByteReader(bytes);
  frame.skip(framing.length + 8);
  while (frame.left > 0) unpackBlock(new ByteReader(frame.slice(frame.int32())), out);
  return out.done();
}

function unpackBlock(block: ByteReader, out: Inflated): void {
  const { bytes } = block;
  const littleEndian = (length: number): number => bytes.readUIntLE(block.skip(length), length);
  let left = unpackedLength(block);
  while (block.left > 0) {
    const tag = bytes[block.skip(1)]!;
    const short = tag >> 2;
    let length = short + 1;
    if ((tag & 3) === 0) {
      if (short >= 60) length = littleEndian(short - 59) + 1;
      out.write(block.slice(length));
    } else if ((tag & 3) === 1) {
      length = 4 + (short & 7);
      out.repeat(((tag >> 5) << 8) | littleEndian(1), length);
    } else {
      out.repeat(littleEndian((tag & 3) === 2 ? 2 : 4), length);
    }
    left -= length;
  }
  if (left !== 0) throw new WireError('a Snappy block of another length than it says');
}

function unpackedLength(block: ByteReader): number {
  let length = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = block.bytes[block.skip(1)]!;
    length += (byte & 127) * 2 ** shift;
    if (byte < 128) return length;
  }
  throw new WireError('a Snappy length of more than five bytes');
}
