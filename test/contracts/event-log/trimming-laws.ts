import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isFault } from '../../../src/domain/fault.ts';
import type { EpochTopic, EventLog } from '../../../src/ports/event-log.ts';
import { code, never, numbered, onReader, take, texts, type Under, valued } from './given.ts';

export function trimmingLaws(under: Under): void {
  describe('trimming', () => {
    const trimmed = async (log: EventLog, topic: EpochTopic, before: number) => {
      await under().trim!(topic, 0, before);
      await expect.poll(async () => (await log.bounds())[0]!.first).toBe(before);
    };

    test('a next before the start is told as trimmed, with the start', async (context) => {
      if (under().trim === undefined) return context.skip('the adapter cannot trim');
      await onReader(under, 1, async (reader, log, topic) => {
        await log.append(0, numbered(0, 3));
        const { first } = await log.append(0, numbered(3, 2));
        await trimmed(log, topic, first);
        for (const next of [0, first - 1]) {
          const fault = await reader
            .lane(0, next)
            .pull(never())
            .catch((error: unknown) => error);
          expect(isFault(fault, 'LOG_TRIMMED') && fault.facts.first).toBe(first);
        }
        expect(texts(await take(reader.lane(0, first), 2))).toEqual(['value 3', 'value 4']);
      });
    });

    // What the log forgot can only come from memory: so this counts what a lane keeps ahead of its reader.
    test('at most one batch is kept ahead of the reader', async (context) => {
      if (under().trim === undefined) return context.skip('the adapter cannot trim');
      await onReader(under, 1, async (reader, log, topic) => {
        const big = randomBytes(700_000);
        let last = 0;
        for (let i = 0; i < 25; i++) last = (await log.append(0, [valued(big)])).first;
        const unread = reader.lane(0, 0);
        await trimmed(log, topic, last);
        expect(await code(unread.pull(never()))).toBe('LOG_TRIMMED');
      });
      await onReader(under, 1, async (reader, log, topic) => {
        const big = randomBytes(700_000);
        let last = 0;
        for (let i = 0; i < 25; i++) last = (await log.append(0, [valued(big)])).first;
        const lane = reader.lane(0, 0);
        await lane.pull(never());
        await trimmed(log, topic, last);
        const answers = [await code(lane.pull(never()))];
        if (answers[0] !== 'LOG_TRIMMED') answers.push(await code(lane.pull(never())));
        expect(answers.at(-1)).toBe('LOG_TRIMMED');
      });
    });
  });
}
