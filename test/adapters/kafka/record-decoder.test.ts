import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireError } from '../../../src/adapters/kafka/byte-reader.ts';
import { crc32c } from '../../../src/adapters/kafka/crc32c.ts';
import { recordCursor } from '../../../src/adapters/kafka/record-decoder.ts';
import { encodeRecordBatch } from '../../../src/adapters/kafka/record-encoder.ts';
import type { Header, LogRecord } from '../../../src/domain/event.ts';
import type { NewRecord } from '../../../src/ports/event-log.ts';

const valued = (value: string, headers: readonly Header[] = []): NewRecord => ({
  key: null,
  value: Buffer.from(value),
  headers,
});
const texts = (records: readonly LogRecord[]): string[] => records.map(({ value }) => String(value));

interface Changes {
  readonly base?: number;
  readonly attributes?: number;
  readonly maxTime?: number;
  readonly lastOffsetDelta?: number;
  /** Compresses what lies behind the head. */
  readonly compress?: (records: Buffer) => Buffer;
}

/** A batch as a broker would store it: the producer's, with the head changed and the checksum made again. */
function stored(records: readonly NewRecord[], changes: Changes = {}): Buffer {
  const sent = encodeRecordBatch(records, 1_000);
  const batch = changes.compress
    ? Buffer.concat([sent.subarray(0, 61), changes.compress(sent.subarray(61))])
    : Buffer.from(sent);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeBigInt64BE(BigInt(changes.base ?? 0), 0);
  batch.writeInt16BE(changes.attributes ?? 0, 21);
  if (changes.lastOffsetDelta !== undefined) batch.writeInt32BE(changes.lastOffsetDelta, 23);
  if (changes.maxTime !== undefined) batch.writeBigInt64BE(BigInt(changes.maxTime), 35);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

const plain = ({ offset, appendTime, key, value, headers }: LogRecord): LogRecord => ({
  ...{ offset, appendTime, key, value, headers },
});

function takeAll(wire: Buffer, start = 0): LogRecord[] {
  const cursor = recordCursor(wire, start);
  const records: LogRecord[] = [];
  for (;;) {
    const some = cursor.take(7, 1_000);
    if (some.length === 0) return records;
    records.push(...some.map(plain));
  }
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const content = fc.option(bytes, { nil: null });
const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  key: content,
  value: content,
  headers: fc.array(fc.tuple(bytes, content), { maxLength: 5 }),
});

test('the checksum is CRC-32C as RFC 3720 shows it', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(Buffer.from('x123456789y'), 1, 10)).toBe(0xe3069283);
});

test('whatever is encoded is decoded to the same bytes, headers in order', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), fc.nat(1_000), (records, base) => {
      const decoded = takeAll(stored(records, { base, attributes: 0x08, maxTime: 77 }));
      expect(decoded).toEqual(records.map((record, i) => ({ ...record, offset: base + i, appendTime: 77 })));
    }),
  );
});

test('neighbours share their headers where the bytes are the same, and nowhere else', () => {
  const of = (value: string): Header[] => [[Buffer.from('annal-schema'), Buffer.from(value)]];
  const sent = ['aa', 'aa', 'ab', 'ab', 'aa', 'abc'].map((value) => valued(value, of(value)));
  const records = recordCursor(stored(sent), 0).take(10, 10_000);
  expect(records.map(({ headers }) => headers)).toEqual(sent.map(({ headers }) => headers));
  const [first, second, third] = records.map(({ headers }) => headers);
  expect([records[1]!.headers === records[0]!.headers, second === third]).toEqual([true, false]);
  expect(first).toEqual(of('aa'));
});

test('times of producers are not append times', () => {
  expect(takeAll(stored([valued('a')]))[0]!.appendTime).toBe(-1);
});

test('headers by the ten thousand are a matter of milliseconds', () => {
  const headers = Array.from({ length: 20_000 }, (_, i): Header => [Buffer.from(`h${i}`), Buffer.from('v')]);
  const wire = stored([valued('many', headers)]);
  const startedAt = performance.now();
  const [record] = takeAll(wire);
  expect(performance.now() - startedAt).toBeLessThan(500);
  expect(record!.headers).toHaveLength(20_000);
  expect(record!.headers[19_999]).toEqual(headers[19_999]);
});

test('records before the start are dropped, also within a batch, and none is doubled', () => {
  const wire = Buffer.concat([
    stored([valued('a'), valued('b')], { base: 10 }),
    stored([valued('c'), valued('d'), valued('e')], { base: 12 }),
  ]);
  for (const [start, expected] of [
    [0, 'abcde'],
    [11, 'bcde'],
    [12, 'cde'],
    [14, 'e'],
    [15, ''],
  ] as const)
    expect(texts(takeAll(wire, start)).join('')).toBe(expected);
});

test('it gives no more at a time than asked for, but one record larger than that alone', () => {
  const cursor = recordCursor(stored(['a', 'b', 'c'.repeat(500), 'd', 'e'].map((text) => valued(text))), 0);
  const sizes: number[] = [];
  for (let records = cursor.take(2, 100); records.length > 0; records = cursor.take(2, 100))
    sizes.push(records.length);
  expect(sizes).toEqual([2, 1, 2]);
});

test('`next` passes over batches without records, control records and missing offsets', () => {
  const wire = Buffer.concat([
    stored([valued('a')], { base: 3 }),
    stored([valued('marker')], { base: 4, attributes: 0x20 }),
    stored([], { base: 5, lastOffsetDelta: 4 }),
    stored([valued('b')], { base: 20 }),
  ]);
  const cursor = recordCursor(wire, 0);
  const nexts: number[] = [];
  for (let records = cursor.take(1, 100); ; records = cursor.take(1, 100)) {
    nexts.push(cursor.next);
    if (records.length === 0) break;
  }
  expect(nexts).toEqual([4, 21, 21]);
  const empty = recordCursor(stored([], { base: 5, lastOffsetDelta: 4 }), 5);
  expect(empty.take(1, 1)).toEqual([]);
  expect(empty.next).toBe(10);
});

test('a batch cut off at the end waits for the next answer', () => {
  const whole = stored([valued('a')]);
  const second = stored([valued('b')], { base: 1 });
  for (const cut of [0, 5, 12, 60, second.length - 1]) {
    const cursor = recordCursor(Buffer.concat([whole, second.subarray(0, cut)]), 0);
    expect(texts(cursor.take(10, 1_000))).toEqual(['a']);
    expect(cursor.take(10, 1_000)).toEqual([]);
    expect(cursor.next).toBe(1);
  }
});

test('gzip and zstd are read; a codec nobody knows is named', () => {
  const records = [valued('a'), valued('b')];
  expect(texts(takeAll(stored(records, { attributes: 1, compress: gzipSync })))).toEqual(['a', 'b']);
  expect(texts(takeAll(stored(records, { attributes: 4, compress: zstdCompressSync })))).toEqual(['a', 'b']);
  expect(() => takeAll(stored(records, { attributes: 5 }))).toThrow(/codec 5/);
});

test('a batch that inflates beyond its bound is refused before it is held', () => {
  const bomb = stored([valued('a')], {
    attributes: 1,
    compress: () => gzipSync(Buffer.alloc(65 * 1024 * 1024)),
  });
  expect(() => takeAll(bomb)).toThrow(/^a batch compressed with gzip/);
});

test('one flipped bit anywhere behind the checksum is found', () => {
  const wire = stored([valued('a', [[Buffer.from('h'), null]])]);
  for (let bit = 21 * 8; bit < wire.length * 8; bit++) {
    const flipped = Buffer.from(wire);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => takeAll(flipped)).toThrow(WireError);
  }
});

test('good records in front of broken bytes are given first', () => {
  const broken = stored([valued('c')], { base: 2 });
  broken[broken.length - 1]! ^= 1;
  const cursor = recordCursor(Buffer.concat([stored([valued('a'), valued('b')]), broken]), 0);
  expect(texts(cursor.take(10, 1_000))).toEqual(['a', 'b']);
  expect(cursor.next).toBe(2);
  expect(() => cursor.take(10, 1_000)).toThrow(WireError);
  expect(() => cursor.take(10, 1_000)).toThrow(WireError);
});

test('bytes that lie about lengths throw and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(3), (noise, count) => {
      const wire = stored([valued('a')], { compress: () => Buffer.from(noise) });
      wire.writeInt32BE(count, 57);
      wire.writeUInt32BE(crc32c(wire, 21), 17);
      try {
        expect(takeAll(wire).length).toBeLessThanOrEqual(count);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 2_000 },
  );
});
