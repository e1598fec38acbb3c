import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesPerBatchMax, recordsPerBatchMax } from '../../../src/ports/event-log.ts';
import {
  batchesOf,
  code,
  contentBytes,
  isPending,
  never,
  numbered,
  onReader,
  take,
  texts,
  type Under,
  valued,
} from './given.ts';

export function laneLaws(under: Under): void {
  describe('lane', () => {
    test('it waits while there is nothing and wakes on an append', () =>
      onReader(under, 2, async (reader, log) => {
        const waiting = reader.lane(0, 0).pull(never());
        await log.append(1, numbered(0, 1));
        await take(reader.lane(1, 0), 1); // The log answers meanwhile: the wait is not slowness.
        expect(await isPending(waiting)).toBe(true);
        await log.append(0, [valued('woken')]);
        expect(texts((await waiting).records)).toEqual(['woken']);
      }));

    test('it waits at the end and goes on with what comes', () =>
      onReader(under, 1, async (reader, log) => {
        await log.append(0, numbered(0, 2));
        const lane = reader.lane(0, 0);
        const before = await take(lane, 2);
        for (let i = 2; i < 6; i++) {
          const waiting = lane.pull(never());
          await log.append(0, numbered(i, 1));
          const { records, end } = await waiting;
          expect(texts(records)).toEqual([`value ${i}`]);
          expect(records[0]!.offset).toBeGreaterThan(before.at(-1)!.offset);
          expect(end).toBeGreaterThan(records[0]!.offset);
        }
      }));

    test('an abort ends the wait with its reason', () =>
      onReader(under, 1, async (reader) => {
        const reason = new Error('stop now');
        const stop = new AbortController();
        const waiting = code(reader.lane(0, 0).pull(stop.signal));
        stop.abort(reason);
        expect(await waiting).toBe(reason);
        expect(await code(reader.lane(0, 0).pull(AbortSignal.abort(reason)))).toBe(reason);
      }));

    test('after an abort a new lane gives the same records', () =>
      onReader(under, 1, async (reader, log) => {
        const stop = new AbortController();
        const waiting = code(reader.lane(0, 0).pull(stop.signal));
        stop.abort();
        await waiting;
        await log.append(0, numbered(0, 3));
        expect(texts(await take(reader.lane(0, 0), 3))).toEqual(['value 0', 'value 1', 'value 2']);
      }));

    test('a next beyond the end is a fork, on an empty log too', () =>
      onReader(under, 2, async (reader, log) => {
        const { first } = await log.append(0, numbered(0, 3));
        expect(await code(reader.lane(0, first + 4).pull(never()))).toBe('LOG_FORK');
        expect(await code(reader.lane(1, 5).pull(never()))).toBe('LOG_FORK');
        expect(
          await isPending(
            reader
              .lane(0, first + 3)
              .pull(never())
              .catch(String),
          ),
        ).toBe(true);
      }));

    test('a batch is bounded in records', () =>
      onReader(under, 1, async (reader, log) => {
        const count = recordsPerBatchMax + 2_500;
        for (let from = 0; from < count; from += 2_500) await log.append(0, numbered(from, 2_500));
        const batches = await batchesOf(reader.lane(0, 0), count);
        expect(Math.max(...batches.map(({ records }) => records.length))).toBeLessThanOrEqual(
          recordsPerBatchMax,
        );
        expect(batches.every(({ records }) => records.length > 0)).toBe(true);
        const records = batches.flatMap((batch) => batch.records);
        expect(texts(records)).toEqual(Array.from({ length: count }, (_, i) => `value ${i}`));
      }));

    test('a batch is bounded in bytes', () =>
      onReader(under, 1, async (reader, log) => {
        const big = randomBytes(700_000);
        for (let i = 0; i < 15; i++) await log.append(0, [valued(big)]);
        const batches = await batchesOf(reader.lane(0, 0), 15);
        for (const { records } of batches)
          expect(contentBytes(records)).toBeLessThanOrEqual(bytesPerBatchMax + 800_000);
      }));

    test('the largest record passes', () =>
      onReader(under, 1, async (reader, log) => {
        const big = randomBytes(999_000);
        await log.append(0, [valued('before')]);
        await log.append(0, [valued(big)]);
        await log.append(0, [valued('after')]);
        const records = await take(reader.lane(0, 0), 3);
        expect(Buffer.from(records[1]!.value!).equals(big)).toBe(true);
      }));

    test('one that is slow does not hold up another partition', () =>
      onReader(under, 2, async (reader, log) => {
        const big = randomBytes(700_000);
        for (let i = 0; i < 12; i++) await log.append(0, [valued(big)]);
        await reader.lane(0, 0).pull(never()); // And is never asked again.
        const other = reader.lane(1, 0);
        for (let i = 0; i < 5; i++) {
          await log.append(1, numbered(i, 1));
          expect(texts(await take(other, 1))).toEqual([`value ${i}`]);
        }
      }));

    test('one that is never asked says nothing', () =>
      onReader(under, 2, async (reader, log) => {
        reader.lane(0, 99);
        await log.append(0, numbered(0, 1));
        await log.append(1, numbered(0, 1));
        expect(texts(await take(reader.lane(1, 0), 1))).toEqual(['value 0']);
        expect(texts(await take(reader.lane(0, 0), 1))).toEqual(['value 0']);
      }));
  });
}
