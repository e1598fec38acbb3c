import { expect, test } from 'vitest';
import { again } from '../../src/apps/again.ts';
import { manualClock } from '../given/manual-clock.ts';

test('work is begun once in its time, however long it takes, until it is stopped', async () => {
  const clock = manualClock(0);
  const begun: number[] = [];
  const stopping = new AbortController();
  const takes = [10, 90, 250, 10];
  const repeating = again(clock, 100, stopping.signal, async () => {
    begun.push(clock.now());
    await clock.wait(takes[begun.length - 1]!);
  }).catch((error: Error) => error.message);
  await clock.advance(460);
  expect(begun).toEqual([0, 100, 200, 450]);
  stopping.abort(new Error('stopped'));
  expect(await clock.until(repeating)).toBe('stopped');
  expect(begun).toHaveLength(4);
});
