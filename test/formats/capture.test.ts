import avsc from 'avsc';
import { describe, expect, test } from 'vitest';
import {
  captureBounds,
  captureTime,
  readCaptureBlock,
  readCaptureHeader,
} from '../../src/formats/capture.ts';
import { captureFile, captureSchema } from '../given/capture-writer.ts';

const body = Buffer.from([0, 255, 1]);
const headerOf = (file: Buffer) => readCaptureHeader(file);
/** Behind a number of Avro. */
const behind = (file: Buffer, at: number): number => (file[at]! > 127 ? behind(file, at + 1) : at + 1);
/** The one block of a file, without its count, length and sync marker. */
const blockOf = (file: Buffer): Buffer =>
  file.subarray(behind(file, behind(file, headerOf(file).start)), file.length - 16);
const events = (file: Buffer, count = 1) => [...readCaptureBlock(blockOf(file), count, headerOf(file))];

describe('a captured event', () => {
  const one = {
    ...{ sequence: 7, time: '7/20/2026 9:33:43 PM', body },
    system: { 'x-opt-kafka-key': Buffer.from('k'), 'x-opt-enqueued-time': 5n },
    properties: { 'annal-epoch': Buffer.from('1'), text: 'é', n: -3n, half: 0.5 },
  };
  test.each(['null', 'deflate'] as const)('codec %s: key, value, headers, time and offset', (codec) => {
    const [found] = events(captureFile([one], { codec }));
    expect(found).toEqual({
      ...{ sequence: 7, hasTime: true },
      record: {
        ...{ offset: 7, appendTime: Date.UTC(2026, 6, 20, 21, 33, 43), key: Buffer.from('k'), value: body },
        headers: [
          [Buffer.from('annal-epoch'), Buffer.from('1')],
          [Buffer.from('text'), Buffer.from('é')],
          [Buffer.from('n'), Buffer.from('-3')],
          [Buffer.from('half'), Buffer.from('0.5')],
        ],
      },
    });
  });

  test('without a body, a time or a Kafka key', () => {
    const given = { sequence: 0, time: 'yesterday', body: null, system: { 'x-opt-partition-key': 'p' } };
    const [found] = events(captureFile([given]));
    expect(found).toMatchObject({
      hasTime: false,
      record: { appendTime: -1, value: null, key: Buffer.from('p') },
    });
    expect(events(captureFile([{ sequence: 0, body }]))[0]!.record.key).toBeNull();
  });
});

test.each([
  ['7/20/2026 9:33:43 PM', Date.UTC(2026, 6, 20, 21, 33, 43)],
  ['1/2/2026 12:00:00 AM', Date.UTC(2026, 0, 2)],
  ['1/2/2026 12:00:00 PM', Date.UTC(2026, 0, 2, 12)],
  ['07/20/2026 21:33:43', Date.UTC(2026, 6, 20, 21, 33, 43)],
  ['2026-07-20T21:33:43.123Z', Date.UTC(2026, 6, 20, 21, 33, 43, 123)],
  ['2026-07-20T21:33:43.1234567Z', Date.UTC(2026, 6, 20, 21, 33, 43, 123)],
  ['2026-07-20 21:33:43', Date.UTC(2026, 6, 20, 21, 33, 43)],
  ['2026-02-30T00:00:00Z', undefined],
  ['13/20/2026 9:33:43 PM', undefined],
  ['7/20/2026 13:33:43 PM', undefined],
  ['2026-07-20T21:33:43+02:00', undefined],
  ['', undefined],
])('the time %s', (text, expected) => {
  expect(captureTime(text)).toBe(expected);
});

describe('what is no file of Capture', () => {
  const good = captureFile([{ sequence: 1, body }]);
  const schema = (change: (text: string) => string) => captureFile([], { schema: change(captureSchema) });
  test.each([
    ['other bytes', Buffer.from('Obj\x02nothing', 'latin1')],
    ['another record', schema((text) => text.replace('EventData', 'EventDate'))],
    ['a field more', schema((text) => text.replace('}]}', '},{"name":"More","type":"long"}]}'))],
    ['fields in another order', schema((text) => text.replace('Offset', 'EnqueuedTimeUtc'))],
    ['values of another type', schema((text) => text.replace('"double"', '"float"'))],
    ['a type twice', schema((text) => text.replace('"double"', '"long"'))],
    ['a schema that is no JSON', captureFile([], { schema: '{' })],
    ['a schema that is null', captureFile([], { schema: 'null' })],
    ['a header that is cut off', good.subarray(0, 200)],
  ])('%s', (_, file) => {
    expect(() => headerOf(file)).toThrow('CAPTURE_INVALID');
  });

  test('blocks that say more than they hold, or hold more than they may', () => {
    const layout = headerOf(good);
    const block = (stored: Buffer, count: number, given = layout) => [
      ...readCaptureBlock(stored, count, given),
    ];
    expect(() => block(Buffer.from([2]), 1)).toThrow('CAPTURE_INVALID');
    expect(() => block(Buffer.from([0, 0, 0, 0, 0, 0]), 2 ** 50)).toThrow('CAPTURE_INVALID');
    // One record whose map says that it has a billion entries.
    expect(() => block(Buffer.from('0200000080a8d6b907', 'hex'), 1)).toThrow('CAPTURE_INVALID');
    expect(() => events(captureFile([{ sequence: -1, body }]))).toThrow('SequenceNumber -1');
    const bomb = captureFile([{ sequence: 1, body: Buffer.alloc(captureBounds.blockBytesMax + 1) }], {
      codec: 'deflate',
    });
    expect(() => events(bomb)).toThrow('CAPTURE_INVALID');
  });
});

test('what the tests write is Avro to another reader, and to another writer it is what it says', async () => {
  const given = { sequence: 3, body, system: { 'x-opt-kafka-key': Buffer.from('k') }, properties: { n: 5n } };
  const decoder = new avsc.streams.BlockDecoder();
  const found: unknown[] = [];
  decoder.on('data', (value: unknown) => found.push(value));
  const ended = new Promise((resolve) => decoder.on('end', resolve));
  decoder.end(captureFile([given], { codec: 'deflate' }));
  await ended;
  expect(found).toMatchObject([
    {
      ...{ SequenceNumber: 3, Offset: '864', EnqueuedTimeUtc: '7/20/2026 9:33:43 PM' },
      SystemProperties: { 'x-opt-kafka-key': { bytes: Buffer.from('k') } },
      ...{ Properties: { n: { long: 5 } }, Body: body },
    },
  ]);

  const encoder = new avsc.streams.BlockEncoder(JSON.parse(captureSchema), { codec: 'deflate' });
  const parts: Buffer[] = [];
  encoder.on('data', (part: Buffer) => parts.push(part));
  const written = new Promise((resolve) => encoder.on('end', resolve));
  encoder.end(found[0]);
  await written;
  const [read] = events(Buffer.concat(parts));
  expect(read).toEqual(events(captureFile([given]))[0]);
});
