import { expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { logAges } from '../../src/streams/log-ages.ts';
import { type LogWatch, type StalledLane, watchLog } from '../../src/streams/watch-log.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { manualClock } from '../given/manual-clock.ts';
import { memoryLog } from '../given/memory-log.ts';

const stallMs = 60_000;
const clock = manualClock();
const records = (count: number) => Array.from({ length: count }, (_, n) => recordOf(anEvent({ n }), n));
const never = (): AbortSignal => new AbortController().signal;

function watching(log: EventLog): { watch: LogWatch; told: StalledLane[] } {
  const told: StalledLane[] = [];
  return { told, watch: watchLog(log, { clock, stallMs, onStall: (lane) => void told.push(lane) }) };
}

/** What a pull comes to, once it does. */
function outcome(pulled: Promise<unknown>): { code: string | undefined } {
  const found: { code: string | undefined } = { code: undefined };
  pulled.then(
    () => {
      found.code = 'given';
    },
    (error: unknown) => {
      found.code = isFault(error) ? error.code : String(error);
    },
  );
  return found;
}

test('a lane that waits though the log has more is given up; a new one goes on, and the stall is over once it moved', async () => {
  const log = memoryLog();
  log.records = records(5);
  log.hidden = 3;
  const { watch, told } = watching(log);
  const reader = await watch.log.reader('group');
  const lane = reader.lane(0, 0);
  await lane.pull(never());
  const waiting = outcome(lane.pull(never()));
  await clock.advance(stallMs - 1_000);
  expect(waiting.code).toBeUndefined();
  await clock.advance(10_000);
  expect(waiting.code).toBe('LANE_STALLED');
  const stood = { group: 'group', partition: 0, next: 3, end: 5 };
  expect(told).toEqual([stood]);
  expect([watch.stalled(), watch.stalls]).toMatchObject([[stood], [1]]);

  const again = reader.lane(0, 3);
  const second = outcome(again.pull(never()));
  await clock.advance(stallMs / 2);
  expect(watch.stalled()).toHaveLength(1);
  log.hidden = 5;
  log.wake();
  await clock.advance(0);
  expect(second.code).toBe('given');
  expect(watch.stalled()).toEqual([]);
  await watch[Symbol.asyncDispose]();
});

test('a lane at the log’s end waits for ever, and so does one that is not asked', async () => {
  const log = memoryLog();
  log.records = records(3);
  const { watch, told } = watching(log);
  const lane = (await watch.log.reader('group')).lane(0, 0);
  await clock.advance(10 * stallMs);
  await lane.pull(never());
  const waiting = outcome(lane.pull(never()));
  await clock.advance(10 * stallMs);
  expect([waiting.code, told, watch.stalls]).toEqual([undefined, [], [0]]);
  await watch[Symbol.asyncDispose]();
});

test('a lane beyond offsets that hold no record is at the end, whatever it gave last', async () => {
  const log = memoryLog();
  log.records = records(2);
  const reader = await log.reader('group');
  const { watch, told } = watching({
    ...log,
    bounds: async () => [{ first: 0, end: 3 }],
    reader: async () => ({
      ...reader,
      lane: (partition, next) => ({ ...reader.lane(partition, next), next: 3 }),
    }),
  });
  const lane = (await watch.log.reader('group')).lane(0, 0);
  await lane.pull(never());
  const waiting = outcome(lane.pull(never()));
  await clock.advance(3 * stallMs);
  expect([waiting.code, told]).toEqual([undefined, []]);
  await watch[Symbol.asyncDispose]();
});

test('a lane that does not even hear of an abort is left behind, and nothing is awaited of it', async () => {
  const log = memoryLog();
  log.records = records(1);
  const deaf = { partition: 0, pull: () => new Promise<never>(() => undefined) };
  const reader = { ...(await log.reader('group')), lane: () => deaf };
  const { watch } = watching({ ...log, bounds: log.bounds, reader: async () => reader });
  const waiting = outcome((await watch.log.reader('group')).lane(0, 0).pull(never()));
  await clock.advance(2 * stallMs);
  expect(waiting.code).toBe('LANE_STALLED');
  await watch[Symbol.asyncDispose]();
});

test('a stall whose partition went to another process is told no longer', async () => {
  const log = memoryLog();
  log.records = records(1);
  log.hidden = 0;
  const { watch } = watching(log);
  const waiting = outcome((await watch.log.reader('group')).lane(0, 0).pull(never()));
  await clock.advance(stallMs + 10_000);
  expect([waiting.code, watch.stalled().length]).toEqual(['LANE_STALLED', 1]);
  await clock.advance(stallMs);
  expect(watch.stalled()).toEqual([]);
  await watch[Symbol.asyncDispose]();
});

test('the age of what is not read yet: from when it was seen, never younger, in bounded memory', () => {
  const ages = logAges();
  expect(ages.ageMs(0, 0, 9)).toBe(0);
  ages.see(0, 10, 1_000);
  ages.see(0, 10, 2_000);
  ages.see(0, 20, 3_000);
  ages.see(1, 5, 3_000);
  expect([0, 9, 10, 19, 20].map((next) => ages.ageMs(0, next, 5_000))).toEqual([
    4_000, 4_000, 2_000, 2_000, 0,
  ]);
  const many = logAges();
  for (let n = 1; n <= 10_000; n += 1) many.see(0, n, n);
  for (const next of [0, 1, 5_000, 9_000, 9_999])
    expect(many.ageMs(0, next, 10_000)).toBeGreaterThanOrEqual(10_000 - (next + 1));
  expect(many.ageMs(0, 9_900, 10_000)).toBeLessThan(1_000);
  expect(many.ageMs(0, 10_000, 10_000)).toBe(0);
});
