import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AvroReader, AvroWriter, inKeyOrder } from '../../src/formats/avro-bytes.ts';
import { long, text } from './arbitrary.ts';

const avroInvalid = expect.objectContaining({ code: 'AVRO_INVALID' });
const written = (write: (writer: AvroWriter) => void): Buffer => {
  const writer = new AvroWriter(1);
  write(writer);
  return writer.copy();
};
const read = <T>(bytes: readonly number[] | Uint8Array, take: (reader: AvroReader) => T): T =>
  take(new AvroReader(Uint8Array.from(bytes)));

/** Zigzag varint by the definition, in whole numbers of any size. */
function defined(value: bigint): number[] {
  let zigzag = value >= 0n ? value * 2n : value * -2n - 1n;
  const bytes: number[] = [];
  for (; zigzag > 0x7fn; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return [...bytes, Number(zigzag)];
}

test('longs are the definition, both ways', () => {
  fc.assert(
    fc.property(long, (value) => {
      const bytes = written((writer) => writer.long(value));
      expect([...bytes]).toEqual(defined(BigInt(value)));
      expect(read(bytes, (reader) => reader.long())).toBe(value);
    }),
    { numRuns: 2_000 },
  );
  for (let power = 0; power <= 53; power++) {
    for (const value of [2 ** power - 1, 1 - 2 ** power, -(2 ** (power - 1)), 2 ** (power - 1)]) {
      if (!Number.isSafeInteger(value)) continue;
      expect([...written((writer) => writer.long(value))]).toEqual(defined(BigInt(value)));
      expect(read(defined(BigInt(value)), (reader) => reader.long())).toBe(value);
    }
  }
});

test('longs beyond what a double counts are refused, up to the last of 64 bits', () => {
  const edge = 2n ** 53n;
  for (const value of [edge, -edge, edge + 1n, 2n ** 54n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    expect(() => read(defined(value), (reader) => reader.long())).toThrow(avroInvalid);
  }
  expect(() => written((writer) => writer.long(2 ** 53))).toThrow(avroInvalid);
  expect(() => written((writer) => writer.long(Number.NaN))).toThrow(avroInvalid);
});

test('a varint longer than needed is read, one over ten bytes is not', () => {
  expect(read([0x82, 0x80, 0x00], (reader) => reader.long())).toBe(1);
  expect(read([0x82, ...Array(8).fill(0x80), 0], (reader) => reader.long())).toBe(1);
  expect(() => read([0x82, ...Array(9).fill(0x80), 0], (reader) => reader.long())).toThrow(avroInvalid);
  expect(() => read([0x80], (reader) => reader.long())).toThrow(avroInvalid);
  expect(() => read([], (reader) => reader.long())).toThrow(avroInvalid);
});

test('ints have 32 bits', () => {
  const int = (value: number) => read(defined(BigInt(value)), (reader) => reader.int());
  expect([int(2 ** 31 - 1), int(-(2 ** 31))]).toEqual([2 ** 31 - 1, -(2 ** 31)]);
  expect(() => int(2 ** 31)).toThrow(avroInvalid);
  expect(() => int(-(2 ** 31) - 1)).toThrow(avroInvalid);
});

test('any well-formed text comes back, also as a word, also twice', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (texts) => {
      const bytes = written((writer) => {
        for (const one of [...texts, ...texts]) writer.string(one);
      });
      const reader = new AvroReader(bytes);
      expect([...texts, ...texts].map((_, i) => (i % 2 === 0 ? reader.word() : reader.string()))).toEqual([
        ...texts,
        ...texts,
      ]);
      reader.finish();
    }),
  );
});

test('strings are strict UTF-8, also where a word of that length is known', () => {
  for (const bad of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xc3],
    [0xef, 0xbf],
  ]) {
    for (const bytes of [bad, [0x61, ...bad], [...bad, 0x61], [...bad, ...Array(60).fill(0x61)]]) {
      const sized = [...defined(BigInt(bytes.length)), ...bytes];
      expect(() => read(sized, (reader) => reader.string())).toThrow(avroInvalid);
      expect(() => read(sized, (reader) => reader.word())).toThrow(avroInvalid);
    }
  }
  expect(read([6, 0xef, 0xbf, 0xbd], (reader) => reader.word())).toBe('\uFFFD');
  expect(read([6, 0xef, 0xbb, 0xbf], (reader) => reader.string())).toBe('\uFEFF');
});

test('words that share a slot of the table are told apart', () => {
  const words = Array.from({ length: 20_000 }, (_, i) => `w${i % 7}${i}x`);
  for (const word of [...words, ...words]) {
    expect(new AvroReader(written((writer) => writer.string(word))).word()).toBe(word);
  }
});

test('a word known in UTF-8 does not vouch for the same characters in Latin-1', () => {
  // So many that some meet in one slot of the table under both spellings.
  const codes = fc.array(fc.integer({ min: 0xa0, max: 0xff }), { minLength: 3, maxLength: 6 });
  fc.assert(
    fc.property(codes, (codes) => {
      const latin1 = Buffer.from(codes);
      const word = latin1.toString('latin1');
      expect(new AvroReader(written((writer) => writer.string(word))).word()).toBe(word);
      const read = () => new AvroReader(written((writer) => writer.bytes(latin1))).word();
      if (isUtf8(latin1)) expect(read()).toBe(latin1.toString());
      else expect(read).toThrow(avroInvalid);
    }),
    { numRuns: 20_000 },
  );
});

test('lengths are compared with what remains before anything is made', () => {
  const giga = defined(2n ** 40n);
  for (const bytes of [giga, [1], [2], [4, 0x61], [...giga, 0x61]]) {
    expect(() => read(bytes, (reader) => reader.view())).toThrow(avroInvalid);
    expect(() => read(bytes, (reader) => reader.string())).toThrow(avroInvalid);
  }
});

test('a reader never looks behind its end', () => {
  const bytes = written((writer) => writer.string('abc'));
  expect(() => new AvroReader(bytes, 0, 3).string()).toThrow(avroInvalid);
  expect(() => new AvroReader(bytes, 4).take(1)).toThrow(avroInvalid);
  expect(() => new AvroReader(bytes, 0, 5)).toThrow(RangeError);
  expect(() => new AvroReader(bytes, 5)).toThrow(RangeError);
});

test('map keys stand in the order of their UTF-8 bytes', () => {
  const keys = ['～', '\u{1F600}', 'é', 'z', '', 'za'];
  const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(inKeyOrder(new Map(keys.map((key) => [key, key]))).map(([key]) => key)).toEqual(sorted);
  expect(sorted.indexOf('～')).toBeLessThan(sorted.indexOf('\u{1F600}'));
});
