/** The bytes are not what the protocol says: a length beyond the end, a number too long, a checksum that differs. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

/** Reads big-endian numbers and zigzag varints from a buffer; throws `WireError` rather than read past its end. */
export class ByteReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves over `count` bytes and gives where they began. */
  skip(count: number): number {
    const from = this.at;
    if (count < 0 || count > this.bytes.length - from)
      throw new WireError(`${count} bytes asked, ${this.left} left`);
    this.at = from + count;
    return from;
  }

  int8(): number {
    return this.bytes.readInt8(this.skip(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.skip(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.skip(4));
  }

  /** A 64-bit number that is exact as a plain number: offsets, times. */
  int64(): number {
    const value = Number(this.bytes.readBigInt64BE(this.skip(8)));
    if (!Number.isSafeInteger(value)) throw new WireError('a number beyond 2^53');
    return value;
  }

  text(): string {
    const length = this.int16();
    return length < 0 ? '' : this.slice(length).toString('utf8');
  }

  /** A view, not a copy. */
  slice(length: number): Buffer {
    const from = this.skip(length);
    return this.bytes.subarray(from, from + length);
  }

  /** A zigzag varint of at most 32 bits. */
  varint(): number {
    let bits = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new WireError('a varint beyond the end');
      bits |= (byte & 127) << shift;
      if (byte < 128) return (bits >>> 1) ^ -(bits & 1);
    }
    throw new WireError('a varint of more than five bytes');
  }

  /** Moves over a varint of at most 64 bits. */
  skipVarlong(): void {
    for (let count = 0; count < 10; count++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new WireError('a varint beyond the end');
      if (byte < 128) return;
    }
    throw new WireError('a varint of more than ten bytes');
  }

  /** A view of varint-counted bytes; null for the length −1. */
  varbytes(): Buffer | null {
    const length = this.varint();
    return length === -1 ? null : this.slice(length);
  }
}
