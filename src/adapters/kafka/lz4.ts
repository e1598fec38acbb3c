import { ByteReader, WireError } from './byte-reader.ts';
import { Inflated } from './inflated.ts';

const frameMagic = 0x184d2204;
const stored = 0x8000_0000;

/**
 * Unpacks an LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md) to at most `bytesMax` bytes. Its own
 * checksums are passed over: the record batch around it has one. Throws `WireError` for damage and for more bytes.
 */
export function unpackLz4(bytes: Buffer, bytesMax: number): Buffer {
  const frame = new ByteReader(bytes);
  if (bytes.readUInt32LE(frame.skip(4)) !== frameMagic) throw new WireError('no LZ4 frame');
  const flags = frame.int8();
  if ((flags & 0xc0) !== 0x40 || (flags & 0x01) !== 0) throw new WireError('an LZ4 frame of another kind');
  frame.skip(1);
  if ((flags & 0x08) !== 0) frame.skip(8);
  frame.skip(1);
  const out = new Inflated(4 * bytes.length, bytesMax);
  for (;;) {
    const size = bytes.readUInt32LE(frame.skip(4));
    if (size === 0) return out.done();
    const block = frame.slice(size & ~stored);
    if (size >= stored) out.write(block);
    else unpackBlock(new ByteReader(block), out);
    if ((flags & 0x10) !== 0) frame.skip(4);
  }
}

function unpackBlock(block: ByteReader, out: Inflated): void {
  const { bytes } = block;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = bytes[block.skip(1)]!;
    return length;
  };
  while (block.left > 0) {
    const token = bytes[block.skip(1)]!;
    out.write(block.slice(lengthOf(token >> 4)));
    if (block.left === 0) return; // The last sequence is literals alone.
    const distance = bytes.readUInt16LE(block.skip(2));
    out.repeat(distance, 4 + lengthOf(token & 15));
  }
}
