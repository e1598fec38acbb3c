import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { NewRecord } from '../../../src/ports/event-log.ts';
import {
  bytes,
  code,
  header,
  holdsAll,
  newTopic,
  numbered,
  onLog,
  onReader,
  shape,
  take,
  texts,
  type Under,
  valued,
} from './given.ts';

export function appendLaws(under: Under): void {
  describe('append', () => {
    const plain: NewRecord[] = [
      { key: bytes('k'), value: bytes('v'), headers: [] },
      { key: null, value: bytes('no key'), headers: [] },
      { key: bytes('no value'), value: null, headers: [] },
      { key: null, value: null, headers: [] },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
      { key: Buffer.from([0, 255, 128, 10]), value: randomBytes(257), headers: [] },
      {
        key: bytes('k'),
        value: bytes('v'),
        headers: [header('b', '1'), header('a', '2'), header('c', '')],
      },
      { key: bytes('k'), value: bytes('v'), headers: [header('__proto__', 'x'), header('toString', 'y')] },
      { key: bytes('k'), value: bytes('v'), headers: [header('10', 'ten'), header('9', 'nine')] },
    ];
    const strange: NewRecord[] = [
      { key: bytes('k'), value: bytes('v'), headers: [header('null', null), header('empty', '')] },
      {
        key: bytes('k'),
        value: bytes('v'),
        headers: [header('a', '1'), header('b', '2'), header('a', '3'), header('b', '2')],
      },
      { key: bytes('k'), value: bytes('v'), headers: [[Buffer.from([0xff, 0xfe]), randomBytes(9)]] },
      {
        key: bytes('k'),
        value: bytes('v'),
        headers: [
          [Buffer.from([0xff]), bytes('1')],
          [Buffer.from([0xfe]), bytes('2')],
          [Buffer.from([0xef, 0xbf, 0xbd]), bytes('3')],
        ],
      },
      {
        key: bytes('k'),
        value: bytes('v'),
        headers: Array.from({ length: 200 }, (_, i) => header(`h${i % 7}`, String(i))),
      },
    ];

    test('records come back byte for byte, in order', () =>
      onReader(under, 1, async (reader, log) => {
        await log.append(0, plain);
        const records = await take(reader.lane(0, 0), plain.length);
        expect(records.map(shape)).toEqual(plain.map(shape));
      }));

    test('headers come back byte for byte, in order, also those that repeat or are not UTF-8', () =>
      onReader(under, 1, async (reader, log, topic) => {
        const { appendForeign } = under();
        if (appendForeign === undefined) await log.append(0, strange);
        else await appendForeign(topic, 0, strange);
        const records = await take(reader.lane(0, 0), strange.length);
        expect(records.map(shape)).toEqual(strange.map(shape));
      }));

    test('offsets ascend and the append tells them, with the time the lane tells', () =>
      onReader(under, 2, async (reader, log) => {
        const told: { offset: number; appendTime: number }[] = [];
        let end = 0;
        for (const count of [1, 3, 2]) {
          const { first, appendTime } = await log.append(1, numbered(0, count));
          if (under().contiguous) expect(first).toBe(end);
          else expect(first).toBeGreaterThanOrEqual(end);
          end = first + count;
          for (let i = 0; i < count; i++) told.push({ offset: first + i, appendTime });
        }
        const records = await take(reader.lane(1, told[0]!.offset), told.length);
        expect(records.map(({ offset, appendTime }) => ({ offset, appendTime }))).toEqual(told);
        const times = told.map(({ appendTime }) => appendTime);
        expect(times.every(Number.isSafeInteger)).toBe(true);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times[0]).toBeGreaterThan(0);
      }));

    test('an append above the bound is refused, and nothing of it is there', () =>
      onReader(under, 1, async (reader, log) => {
        const half = randomBytes(600_000);
        await log.append(0, [valued('before')]);
        expect(await code(log.append(0, [valued(half), valued(half)]))).toBe('RECORD_TOO_LARGE');
        await log.append(0, [valued('after')]);
        expect(texts(await take(reader.lane(0, 0), 2))).toEqual(['before', 'after']);
      }));

    test('bounds tell what a partition holds', () =>
      onLog(under, 3, async (log) => {
        const before = await log.bounds();
        expect(before.map(({ first, end }) => end - first)).toEqual([0, 0, 0]);
        const { first } = await log.append(1, numbered(0, 5));
        const after = await log.bounds();
        expect(after.map(({ first, end }) => end - first)).toEqual([0, 5, 0]);
        expect(after[1]).toEqual({ first, end: first + 5 });
      }));

    test('partitions are filled at the same time without mixing', () =>
      onReader(under, 3, async (reader, log) => {
        const filled = async (partition: number) => {
          for (let i = 0; i < 5; i++) await log.append(partition, [valued(`${partition} ${i}`)]);
        };
        await Promise.all([0, 1, 2].map(filled));
        for (const partition of [0, 1, 2])
          expect(texts(await take(reader.lane(partition, 0), 5))).toEqual(
            [0, 1, 2, 3, 4].map((i) => `${partition} ${i}`),
          );
      }));

    test('what was acknowledged is there after closing and opening again, and offsets go on', async () => {
      const topic = newTopic(1);
      await under().host.create(topic);
      const first = await (async () => {
        await using log = await under().host.open(topic);
        return log.append(0, numbered(0, 3));
      })();
      await using log = await under().host.open(topic);
      const second = await log.append(0, numbered(3, 2));
      expect(second.first).toBeGreaterThanOrEqual(first.first + 3);
      expect(second.appendTime).toBeGreaterThanOrEqual(first.appendTime);
      await using reader = await log.reader('again');
      await holdsAll(reader, 1);
      expect(texts(await take(reader.lane(0, first.first), 5))).toEqual(
        [0, 1, 2, 3, 4].map((i) => `value ${i}`),
      );
    });
  });
}
