import { WireError } from './byte-reader.ts';

/** Bytes as a decompressor makes them: grows with what is written, never beyond its bound. */
export class Inflated {
  private bytes: Buffer;
  private readonly bytesMax: number;
  private end = 0;

  constructor(expected: number, bytesMax: number) {
    this.bytesMax = bytesMax;
    this.bytes = Buffer.allocUnsafe(Math.min(Math.max(expected, 64), bytesMax));
  }

  private room(length: number): void {
    const needed = this.end + length;
    if (needed <= this.bytes.length) return;
    if (needed > this.bytesMax) throw new WireError(`more than ${this.bytesMax} bytes when unpacked`);
    const grown = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.bytes.length), this.bytesMax));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }

  write(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Writes again what begins `distance` bytes before the end; it may reach into what it writes. */
  repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.end) throw new WireError('a repeat of bytes before the beginning');
    this.room(length);
    const { bytes, end } = this;
    if (distance >= length) bytes.copyWithin(end, end - distance, end - distance + length);
    else for (let at = end; at < end + length; at++) bytes[at] = bytes[at - distance]!;
    this.end = end + length;
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.end);
  }
}
