import { expect, test } from 'vitest';
import { paceOf, type RebuildProgress } from '../../src/streams/rebuild-pace.ts';

const total = 100_000;
const [foldMs, readBackMs] = [40_000, 10_000];

/** A rebuild at even rates, a hundred words for each phase; `from`: events that an earlier process had done. */
function* words(
  from = 0,
): Generator<{ readonly at: number; readonly told: RebuildProgress; readonly leftMs: number }> {
  const whole = (foldMs * (total - from)) / total + readBackMs;
  for (let n = 0; n <= 100; n += 1) {
    const at = (foldMs * (total - from) * n) / 100 / total;
    const done = from + ((total - from) * n) / 100;
    yield { at, told: { phase: 'fold', done, total, documents: done / 2 }, leftMs: whole - at };
  }
  for (let n = 0; n <= 100; n += 1) {
    const at = whole - readBackMs + (readBackMs * n) / 100;
    yield { at, told: { phase: 'read-back', done: n * 500, total: 50_000 }, leftMs: whole - at };
  }
}

test.each([
  0, 60_000,
])('after a tenth the time left is told within a fifth (%i events were done before)', (from) => {
  for (const earlier of [{ foldMs: 8_000, readBackMs: 2_000 }, undefined]) {
    let now = 1_763_600_000_000;
    const begun = now;
    const pace = paceOf(() => now, earlier);
    for (const { at, told, leftMs } of words(from)) {
      now = begun + at;
      const { leftMs: said } = pace(told);
      const share = at / (at + leftMs);
      // Without an earlier rebuild nobody knows what reading back will take: it is guessed, and told a little wrong.
      const within = earlier === undefined && told.phase === 'fold' ? 0.4 : 0.2;
      if (share < 0.1 || said === undefined || leftMs < 1_000) continue;
      expect(Math.abs(said - leftMs) / leftMs, `${told.phase} at ${Math.round(share * 100)} %`).toBeLessThan(
        within,
      );
    }
  }
});

test('rates are of what was done since the first word, lane by lane', () => {
  let now = 0;
  const pace = paceOf(() => now, undefined);
  const lane = (partition: number, done: number) => ({ epoch: 1, partition, done, total: 1_000 });
  const told = (done: number, lanes: RebuildProgress['lanes']): RebuildProgress => ({
    ...{ phase: 'fold', done, total: 2_000, documents: done / 2 },
    ...(lanes === undefined ? {} : { lanes }),
  });
  expect(pace(told(500, [lane(0, 500), lane(1, 0)]))).toEqual(told(500, [lane(0, 500), lane(1, 0)]));
  now = 1_000;
  expect(pace(told(1_000, [lane(0, 700), lane(1, 300)]))).toMatchObject({
    eventsPerSecond: 500,
    documentsPerSecond: 250,
    lanes: [{ eventsPerSecond: 200 }, { eventsPerSecond: 300 }],
  });
});

test('the rate of a lane is that of the time in which it moves: one is folded after the other', () => {
  let now = 0;
  const pace = paceOf(() => now, undefined);
  const rates: (number | undefined)[][] = [];
  for (let n = 0; n <= 20; n += 1) {
    now = n * 500;
    const lanes = [Math.min(n, 10), Math.max(0, n - 10)].map((done, partition) => ({
      ...{ epoch: 1, partition, done: done * 100, total: 1_000 },
    }));
    const { lanes: told = [] } = pace({ phase: 'fold', done: n * 100, total: 2_000, lanes });
    rates.push(told.map(({ eventsPerSecond }) => eventsPerSecond));
  }
  expect(rates[10]).toEqual([200, 0]);
  expect(rates[11]).toEqual([200, 200]);
  expect(rates[20]).toEqual([200, 200]);
});

test('a rebuild of next to nothing tells nothing of how long the proof of another one takes', () => {
  const saying = (earlier: { foldMs: number; readBackMs: number } | undefined) => {
    let now = 0;
    const pace = paceOf(() => now, earlier);
    pace({ phase: 'fold', done: 0, total: 1_000 });
    now = 1_000;
    return pace({ phase: 'fold', done: 500, total: 1_000 }).leftMs;
  };
  expect(saying({ foldMs: 10, readBackMs: 26 })).toBe(saying(undefined));
  expect(saying({ foldMs: 1_000, readBackMs: 500 })).toBe(2_000);
});
