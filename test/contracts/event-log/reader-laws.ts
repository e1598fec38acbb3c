import { describe, expect, test } from 'vitest';
import { code, holdsAll, never, numbered, onLog, onReader, take, texts, type Under } from './given.ts';

export function readerLaws(under: Under): void {
  describe('reader', () => {
    test('the only member of a group holds every partition, and the telling ends on abort', () =>
      onLog(under, 4, async (log) => {
        await using reader = await log.reader('alone');
        const stop = new AbortController();
        let held: ReadonlySet<number> = new Set();
        for await (const present of reader.assignments(stop.signal)) {
          held = present;
          if (held.size === 4) stop.abort();
        }
        expect([...held].sort()).toEqual([0, 1, 2, 3]);
      }));

    test('a lane starts at any next', () =>
      onReader(under, 1, async (reader, log) => {
        const { first } = await log.append(0, numbered(0, 4));
        await log.append(0, numbered(4, 3));
        for (const skipped of [0, 1, 3, 4, 6]) {
          const records = await take(reader.lane(0, first + skipped), 7 - skipped);
          expect(texts(records)).toEqual([0, 1, 2, 3, 4, 5, 6].slice(skipped).map((i) => `value ${i}`));
          expect(records[0]!.offset).toBe(first + skipped);
        }
      }));

    test('two groups read the same records', () =>
      onReader(under, 1, async (reader, log) => {
        await using other = await log.reader('others');
        await holdsAll(other, 1);
        await log.append(0, numbered(0, 2));
        expect(texts(await take(reader.lane(0, 0), 2))).toEqual(texts(await take(other.lane(0, 0), 2)));
      }));

    test('readers of no group hold every partition each, at once, and read the same', () =>
      onLog(under, 3, async (log) => {
        await using one = await log.reader(null);
        await using other = await log.reader(null);
        await holdsAll(one, 3);
        await holdsAll(other, 3);
        await log.append(2, numbered(0, 3));
        expect(texts(await take(one.lane(2, 0), 3))).toEqual(texts(await take(other.lane(2, 0), 3)));
      }));

    test('asking for a lane again ends the older one', () =>
      onReader(under, 1, async (reader, log) => {
        const older = reader.lane(0, 0);
        const waiting = code(older.pull(never()));
        const newer = reader.lane(0, 0);
        expect(await waiting).toBe('LANE_REVOKED');
        await log.append(0, numbered(0, 1));
        expect(texts(await take(newer, 1))).toEqual(['value 0']);
        expect(await code(older.pull(never()))).toBe('LANE_REVOKED');
      }));

    test('closing the reader ends its lanes', () =>
      onLog(under, 1, async (log) => {
        const reader = await log.reader('closing');
        await holdsAll(reader, 1);
        const waiting = code(reader.lane(0, 0).pull(never()));
        await reader[Symbol.asyncDispose]();
        expect(await waiting).toBe('LANE_REVOKED');
      }));
  });
}
