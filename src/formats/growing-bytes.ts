/** Output that grows as it is written: at least twofold, so that what is there is copied seldom. */
export class GrowingBytes {
  protected buffer: Buffer;
  /** Exclusive end of what was written. */
  at = 0;

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get capacity(): number {
    return this.buffer.length;
  }

  /** Forgets what was written and keeps the memory. */
  clear(): void {
    this.at = 0;
  }

  /** What was written, as a view that the next write may change. */
  written(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  /** Writes once more what stands in [start, end). */
  repeat(start: number, end: number): void {
    this.reserve(end - start);
    this.buffer.copyWithin(this.at, start, end);
    this.at += end - start;
  }

  /** Makes room for `size` more bytes. */
  protected reserve(size: number): void {
    if (this.at + size <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + size));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}
