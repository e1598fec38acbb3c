import { expect, test } from 'vitest';
import { ratesText } from '../../../src/apps/cli/operations.ts';

const lane = (partition: number, done: number, eventsPerSecond: number) => ({
  ...{ epoch: 1, partition, done, total: 100, eventsPerSecond },
});

test('of the lanes that move at a time the slowest are told, of one alone nothing', () => {
  const rates = { phase: 'fold', done: 1, total: 2, eventsPerSecond: 12_000, leftMs: 4_000 } as const;
  const all = [lane(0, 100, 900), lane(1, 20, 700), lane(2, 20, 60), lane(3, 0, 0), lane(4, 20, 8_000)];
  expect(ratesText({ ...rates, lanes: all })).toBe(
    '12,000 events/s · lane 2 60/s · lane 1 700/s · lane 4 8,000/s · 4 s left',
  );
  expect(ratesText({ ...rates, lanes: all.slice(0, 2) })).toBe('12,000 events/s · 4 s left');
  const many = Array.from({ length: 32 }, (_, partition) => lane(partition, 1, 10 + partition));
  expect(ratesText({ ...rates, lanes: many }).match(/lane/g)).toHaveLength(4);
});
