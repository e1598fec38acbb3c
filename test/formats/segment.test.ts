import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import { isFault } from '../../src/domain/fault.ts';
import { AvroWriter } from '../../src/formats/avro-bytes.ts';
import { encodeContainerHeader } from '../../src/formats/container-header.ts';
import { recordHash } from '../../src/formats/leaf.ts';
import { recordSchemaSha256, recordSchemaText } from '../../src/formats/record-view.ts';
import {
  decodeRecord,
  encodeBlock,
  encodeMissing,
  encodeRecord,
  encodeSegment,
  readSegment,
  readTail,
  segmentHeader,
  segmentPath,
  syncMarker,
} from '../../src/formats/segment.ts';
import { metaOf } from '../../src/formats/segment-meta.ts';
import * as arbitrary from './arbitrary.ts';
import { hex, recordOf, type SegmentJson, tails, vectors } from './vectors.ts';

const lane = { topic: 'metadata', epoch: 1, partition: 0 };
const sync = syncMarker('metadata', 1, 0);
const archiveCorrupt = (reason = '') =>
  expect.objectContaining({
    code: 'ARCHIVE_CORRUPT',
    facts: expect.objectContaining({ reason: expect.stringContaining(reason) }),
  });
const fileOf = ({ file }: SegmentJson): Buffer => Buffer.from(file, 'base64');
const named = (name: string): SegmentJson => vectors.segments.find((segment) => segment.name === name)!;
const [refused, readable] = [true, false].map((refuse) =>
  vectors.segments.filter(({ name }) => name.startsWith('refuse') === refuse),
) as [SegmentJson[], SegmentJson[]];
const open = (file: Uint8Array) => ('next' in readableHeader(file) ? readSegment(file) : readTail(file));
function readableHeader(file: Uint8Array) {
  try {
    return readSegment(file).header;
  } catch (error) {
    if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
    return readTail(file).header;
  }
}
const readAll = (file: Uint8Array) => [...readSegment(file).records()];
const recordsOf = (first: number, count: number): LogRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    offset: first + i,
    appendTime: 5,
    key: null,
    value: null,
    headers: [],
  }));

describe('records', () => {
  test('the schema is stored as its canonical text, under its hash', () => {
    expect(recordSchemaText).toBe(vectors.schemas.SegmentRecord.canonical);
    expect(recordSchemaSha256).toBe(vectors.schemas.SegmentRecord.sha256);
  });

  test.for(vectors.records)('golden record: $name', (vector) => {
    expect(encodeRecord(recordOf(vector)).toString('hex')).toBe(vector.avro);
    expect(decodeRecord(hex(vector.avro))).toEqual(recordOf(vector));
    expect(recordHash(hex(vector.avro)).toString('hex')).toBe(vector.record);
  });

  test('any record comes back as it was', () => {
    fc.assert(
      fc.property(arbitrary.record, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  test('no cut of a record is a record, nor is one with a byte more', () => {
    for (const { avro } of vectors.records) {
      const bytes = hex(avro);
      const invalid = expect.objectContaining({ code: 'AVRO_INVALID' });
      for (let end = 0; end < bytes.length; end++)
        expect(() => decodeRecord(bytes.subarray(0, end))).toThrow(invalid);
      expect(() => decodeRecord(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(invalid);
    }
  });

  test('20,000 headers are read as fast as they are long', () => {
    const headers = Array.from({ length: 20_000 }, () => [Buffer.from('h'), null] as const);
    const record = { ...recordsOf(0, 1)[0]!, headers };
    expect(decodeRecord(encodeRecord(record)).headers.length).toBe(20_000);
  });
});

describe('golden files', () => {
  test.for(vectors.sync)('sync marker of $topic/$epoch/$partition', ({
    topic,
    epoch,
    partition,
    sync: marker,
  }) => {
    expect(syncMarker(topic, epoch, partition).toString('hex')).toBe(marker);
  });

  test.for(readable)('$name is read', (vector) => {
    const file = open(fileOf(vector));
    expect(file.header.codec).toBe(vector.codec);
    expect(Object.fromEntries(metaOf(file.header))).toEqual({
      ...vector.meta,
      'avro.codec': vector.codec,
      'avro.schema': vectors.schemas.SegmentRecord.canonical,
    });
    expect([...file.blocks()].map(({ count }) => count)).toEqual(vector.recordsPerBlock);
    const records = [...file.records()];
    expect(records.map(({ bytes }) => recordHash(bytes).toString('hex'))).toEqual(vector.recordHashes);
    for (const { record, bytes } of records) expect(encodeRecord(record)).toEqual(bytes);
    if (vector.path !== null) expect(segmentPath(lane, file.header.first!)).toBe(vector.path);
  });

  test.for(readable.filter(({ name }) => !name.endsWith('stored')))('$name is written', (vector) => {
    const { header, records } = open(fileOf(vector));
    const encoded = [...records()].map(({ bytes }) => bytes);
    const written = [segmentHeader(header)];
    for (const count of vector.recordsPerBlock) {
      written.push(encodeBlock(encoded.splice(0, count), syncMarker('metadata', 1, 0), vector.codec));
    }
    expect(Buffer.concat(written).toString('base64')).toBe(vector.file);
  });

  test.for(tails)('$name', (vector) => {
    const file = fileOf(vector);
    const { header, blocks, records } = readTail(file);
    expect(segmentHeader({ ...lane, kind: 'data', codec: 'zstandard' })).toEqual(
      file.subarray(0, vector.headerBytes),
    );
    expect(Object.fromEntries(metaOf(header))).toMatchObject({ ...vector.meta, 'avro.codec': 'zstandard' });
    expect([...records()].map(({ bytes }) => recordHash(bytes).toString('hex'))).toEqual(vector.recordHashes);
    expect([...blocks()].map(({ count }) => count)).toEqual(vector.recordsPerBlock);
    const stored = [...blocks()].map((block) => block.stored);
    expect(Buffer.concat([file.subarray(0, vector.headerBytes), ...stored])).toEqual(file);
  });

  test.for(refused)('$name', (vector) => {
    const { blocks, records } = readSegment(fileOf(vector));
    expect(() => [...blocks()]).toThrow(archiveCorrupt());
    expect(() => [...records()]).toThrow(archiveCorrupt());
  });

  test('a hole and a gap are written as they are read', () => {
    expect(encodeMissing(lane, 'hole', 15, 20).toString('base64')).toBe(named('hole').file);
    expect(encodeMissing(lane, 'gap', 23, 1000).toString('base64')).toBe(named('gap').file);
  });

  test('another Avro reader reads what we write', async () => {
    const file = encodeSegment(lane, recordsOf(7, 3), 'deflate');
    const decoder = new avsc.streams.BlockDecoder();
    const offsets: number[] = [];
    decoder.on('data', ({ offset }: { offset: number }) => offsets.push(offset));
    const ended = new Promise((resolve) => decoder.on('end', resolve));
    decoder.end(file);
    await ended;
    expect(offsets).toEqual([7, 8, 9]);
  });
});

describe('segments', () => {
  test('any records come back, whatever the codec and wherever blocks are cut', () => {
    const codec = fc.constantFrom('null', 'deflate', 'zstandard');
    fc.assert(
      fc.property(
        fc.array(arbitrary.record, { minLength: 1 }),
        codec,
        fc.nat(1_000),
        (some, codec, first) => {
          const records = some.map((record, i) => ({ ...record, offset: first + i }));
          const file = encodeSegment(lane, records, codec);
          const { header, views } = readSegment(file);
          expect(header).toEqual({ ...lane, kind: 'data', first, next: first + records.length, codec });
          expect(readAll(file).map(({ record }) => record)).toEqual(records);
          expect([...views()].map(({ headers, value }) => ({ headers, value }))).toEqual(
            records.map(({ headers, value }) => ({ headers, value })),
          );
          expect(encodeSegment(lane, records.map(encodeRecord), codec)).toEqual(file);
        },
      ),
    );
  });

  test('blocks are cut near 4 MiB and hold a large record alone', () => {
    const records = recordsOf(0, 9).map((record) => ({ ...record, value: Buffer.alloc(1_000_000) }));
    const blocks = [...readSegment(encodeSegment(lane, records)).blocks()];
    expect(blocks.map(({ count }) => count)).toEqual([4, 4, 1]);
    expect(readAll(encodeSegment(lane, records)).length).toBe(9);
  });

  test('a break in the offsets is not written', () => {
    expect(() => encodeSegment(lane, [...recordsOf(0, 2), ...recordsOf(3, 1)])).toThrow(RangeError);
    expect(() => encodeSegment(lane, [...recordsOf(0, 2), ...recordsOf(0, 1)])).toThrow(RangeError);
    expect(() => encodeSegment(lane, [])).toThrow(RangeError);
    expect(() => encodeBlock([], sync)).toThrow(RangeError);
    expect(() => encodeBlock([Buffer.alloc(16 * 1024 * 1024 + 1)], sync)).toThrow(RangeError);
  });

  test('staged blocks concatenate to a tail; an empty tail is a header', () => {
    const header = segmentHeader({ ...lane, kind: 'data', codec: 'null' });
    expect([...readTail(header).records()]).toEqual([]);
    const [a, b] = [encodeBlock(recordsOf(3, 2), sync, 'null'), encodeBlock(recordsOf(5, 1), sync, 'null')];
    const offsets = (file: Buffer) => [...readTail(file).views()].map(({ offset }) => offset);
    expect(offsets(Buffer.concat([header, a, b]))).toEqual([3, 4, 5]);
    expect(offsets(Buffer.concat([header, b]))).toEqual([5]);
    expect(() => offsets(Buffer.concat([header, b, a]))).toThrow(archiveCorrupt('offset 3 where 6'));
  });
});

describe('a corrupt archive', () => {
  const whole = fileOf(named('segment, codec null'));
  const header = (changes: Record<string, string | undefined>, marker = sync) => {
    const meta = metaOf({ ...lane, kind: 'data', first: 0, next: 2, codec: 'null' });
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) meta.delete(key);
      else meta.set(key, value);
    }
    return encodeContainerHeader({ meta, sync: marker });
  };
  const two = encodeBlock(recordsOf(0, 2), sync, 'null');
  const block = (count: number, bytes: Uint8Array) => {
    const writer = new AvroWriter();
    writer.long(count);
    writer.bytes(bytes);
    writer.fixed(sync);
    return writer.copy();
  };

  test('the untouched one is read', () => {
    expect(readAll(Buffer.concat([header({}), two])).length).toBe(2);
  });

  test.for<[string, Record<string, string | undefined>]>([
    ['avro.schema', { 'avro.schema': recordSchemaText.replace('"v', '"w') }],
    ['avro.codec', { 'avro.codec': 'snappy' }],
    ['avro.codec', { 'avro.codec': undefined }],
    ['annal.topic', { 'annal.topic': undefined }],
    ['annal.kind', { 'annal.kind': 'date' }],
    ['annal.reason', { 'annal.reason': 'sparse' }],
    ['annal.reason', { 'annal.kind': 'hole' }],
    ['annal.reason', { 'annal.kind': 'gap', 'annal.reason': 'sparse' }],
    ['annal.first', { 'annal.first': '00' }],
    ['annal.first', { 'annal.first': '-0' }],
    ['annal.next', { 'annal.next': String(2 ** 44 + 1) }],
    ['no range', { 'annal.next': '0' }],
    ['no range', { 'annal.first': undefined }],
    ['no range', { 'annal.next': undefined }],
    ['annal.epoch', { 'annal.epoch': '0' }],
    ['annal.epoch', { 'annal.epoch': '512' }],
    ['annal.partition', { 'annal.partition': '512' }],
    ['unknown metadata', { 'annal.note': '' }],
    ['sync marker', { 'annal.partition': '1' }],
    ['sync marker', { 'annal.topic': 'metadatb' }],
    ['a tail', { 'annal.first': undefined, 'annal.next': undefined }],
    ['bytes after the header', { 'annal.kind': 'hole', 'annal.reason': 'sparse' }],
  ])('a header that lies: %s %o', ([reason, changes]) => {
    expect(() => readAll(Buffer.concat([header(changes), two]))).toThrow(archiveCorrupt(reason));
  });

  test('a header with the marker of another lane, where no block follows to tell', () => {
    const hole = { 'annal.kind': 'hole', 'annal.reason': 'sparse' };
    expect(readAll(header(hole))).toEqual([]);
    expect(() => readAll(header(hole, syncMarker('metadata', 1, 1)))).toThrow(archiveCorrupt('sync marker'));
  });

  test.for<[string, Buffer]>([
    ['ends before offset 1', encodeBlock(recordsOf(0, 1), sync, 'null')],
    ['ends before offset 0', Buffer.alloc(0)],
    ['ends before offset 3', encodeBlock(recordsOf(0, 3), sync, 'null')],
    ['offset 1 where 0', encodeBlock(recordsOf(1, 2), sync, 'null')],
    ['offset 0 where 1', Buffer.concat([encodeBlock(recordsOf(0, 1), sync, 'null'), two])],
    ['offset -1 where 0', encodeBlock(recordsOf(-1, 1), sync, 'null')],
    ['another lane', encodeBlock(recordsOf(0, 2), syncMarker('metadata', 2, 0), 'null')],
    ['without records', Buffer.concat([two, block(0, new Uint8Array())])],
    ['without records', block(-2, two.subarray(2, -16))],
    ['after the last record', block(1, two.subarray(2, -16))],
    ['record', block(3, two.subarray(2, -16))],
    ['needs 16 bytes', two.subarray(0, -1)],
    ['beyond the end', two.subarray(0, 5)],
    ['block', Buffer.concat([two, Buffer.alloc(1)])],
    ['16 MiB', block(2, Buffer.alloc(16 * 1024 * 1024 + 1))],
  ])('blocks that lie: %s', ([reason, blocks]) => {
    expect(() => readAll(Buffer.concat([header({}), blocks]))).toThrow(archiveCorrupt(reason));
  });

  test.for<['deflate' | 'zstandard', (block: Buffer) => Buffer]>([
    ['deflate', deflateRawSync],
    ['zstandard', zstdCompressSync],
  ])('compressed blocks are bounded, whole and alone: %s', ([codec, compress]) => {
    const file = (squeezed: Buffer) => Buffer.concat([header({ 'avro.codec': codec }), block(2, squeezed)]);
    const plain = two.subarray(2, -16);
    expect(readAll(file(compress(plain))).length).toBe(2);
    const tooMuch = compress(Buffer.alloc(16 * 1024 * 1024 + 1));
    expect(() => readAll(file(tooMuch))).toThrow(archiveCorrupt('larger than 16'));
    expect(() => readAll(file(compress(plain).subarray(0, -1)))).toThrow(archiveCorrupt());
    expect(() => readAll(file(Buffer.concat([compress(plain), Buffer.from('more')])))).toThrow(
      archiveCorrupt('after'),
    );
    expect(() => readAll(file(Buffer.concat([compress(plain), compress(plain)])))).toThrow(
      archiveCorrupt('after'),
    );
    expect(() => readAll(file(Buffer.from('nonsense')))).toThrow(archiveCorrupt());
    expect(() => readAll(file(Buffer.alloc(0)))).toThrow(archiveCorrupt());
  });

  test('a frame that promises more than 16 MiB is refused before anything is made for it', () => {
    const frame = zstdCompressSync(Buffer.alloc(300), { pledgedSrcSize: 300 });
    expect(frame.subarray(4, 7).toString('hex')).toBe('602c00'); // One segment, content size 300 − 256 in two bytes.
    const promising = Buffer.alloc(frame.length + 6, frame.subarray(0, 4));
    promising.set([0xe0, 0, 0, 0, 0, 1, 0, 0, 0], 4); // The same, 2^32 in eight bytes.
    promising.set(frame.subarray(7), 13);
    const file = Buffer.concat([header({ 'avro.codec': 'zstandard' }), block(2, promising)]);
    expect(() => readAll(file)).toThrow(archiveCorrupt('16 MiB'));
  });

  test('every cut is noticed', () => {
    for (let end = 0; end < whole.length; end++) {
      expect(() => readAll(whole.subarray(0, end)), `cut at ${end}`).toThrow(archiveCorrupt());
    }
  });

  test('a damaged byte is noticed or changes the hash of a record, and nothing else happens', () => {
    const compressed = fileOf(named('segment, codec zstandard'));
    const hashes = named('segment, codec null').recordHashes;
    fc.assert(
      fc.property(
        fc.constantFrom(whole, compressed),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (file, place, flip) => {
          const damaged = Buffer.from(file);
          damaged[place % file.length]! ^= flip;
          try {
            const read = readAll(damaged).map(({ bytes }) => recordHash(bytes).toString('hex'));
            // Compressed forms leave slack (a frame may say its size in two ways): then the records are the same.
            if (file === whole) expect(read).not.toEqual(hashes);
          } catch (error) {
            if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('a fault names the blob', () => {
    const fault = expect.objectContaining({ facts: expect.objectContaining({ blob: 'segments/x.avro' }) });
    expect(() => readSegment(Buffer.alloc(3), 'segments/x.avro')).toThrow(fault);
    expect(() => readTail(whole, 'segments/x.avro')).toThrow(fault);
  });
});
