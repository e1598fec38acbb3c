import { expect, test } from 'vitest';
import type { TruthStore } from '../../src/ports/archive.ts';
import { markClosing, openEpoch } from '../../src/streams/epochs.ts';
import { foldLimit, limitedSource } from '../../src/streams/fold-limit.ts';
import type { LaneSource } from '../../src/streams/lane-source.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { manualClock } from '../given/manual-clock.ts';
import { memoryState } from '../given/memory-state.ts';
import { anEpoch } from '../given/world.ts';

const epoch = anEpoch(1, 1);
const lateMs = 30_000;

/** The limit of a lane whose log and archive a test moves. */
function world() {
  const [clock, blobs] = [manualClock(), memoryState()];
  const truth: TruthStore = {
    async create(name, bytes) {
      return (await blobs.write(name, bytes, null)) === 'changed' ? 'exists' : 'created';
    },
    read: async (name) => (await blobs.read(name))?.bytes,
    list: (prefix, after) => blobs.list(prefix, after),
  };
  const log = { end: 5, bounds: async () => [{ first: 0, end: log.end }] };
  const opened = openEpoch(truth, epoch);
  const closedAt = '2026-01-01T00:00:00.000Z';
  return {
    ...{ clock, log },
    limit: foldLimit({ ...{ truth, clock, epoch, log, lateMs }, onFault: () => undefined }),
    mark: async () => {
      await opened;
      await markClosing(truth, { v: 1, epoch: 1, log: epoch.log, lost: false, closedAt });
    },
    next: async () => {
      await opened;
      await openEpoch(truth, anEpoch(2, 1, { epoch: 1, next: [5], timeMax: 0 }));
    },
  };
}

test('an open epoch has no limit; once marked, what is in the log before its end is taken is certain, nothing after', async () => {
  const { clock, log, limit, mark, next } = world();
  expect(await limit.until(0)).toBe(Number.POSITIVE_INFINITY);
  await clock.advance(4_000);
  await mark();
  log.end = 9;
  // Seen within 5 s, and by then what was under way has come.
  for (let waitedMs = 0; waitedMs < lateMs - 5_000; waitedMs += 1_000) {
    await clock.advance(1_000);
    expect(await limit.until(0), `${waitedMs}`).toBe(Number.POSITIVE_INFINITY);
  }
  await clock.advance(1_000);
  await limit.look();
  log.end = 12;
  await next();
  expect(await limit.until(0)).toBe(9);
});

test('a process that slept, or starts, goes by what is there now; where the next epoch is open, by nothing', async () => {
  const slept = world();
  await slept.limit.look();
  await slept.mark();
  await slept.clock.advance(600_000);
  expect(await slept.limit.until(0)).toBe(5);
  const late = world();
  await late.limit.look();
  await late.mark();
  await late.next();
  late.log.end = 6;
  await late.clock.advance(600_000);
  expect(await late.limit.until(0)).toBe(0);
});

test('a lane ends at its limit: what it pulled beyond is not given', async () => {
  const { clock, log, limit, mark } = world();
  await mark();
  let progress = { epoch: 1, partition: 0, next: 0, timeMax: 0 };
  const records = Array.from({ length: 8 }, (_, offset) => recordOf(anEvent({ n: offset }), offset));
  const source: LaneSource = {
    epoch,
    progress: () => progress,
    moved: (to) => {
      progress = to;
    },
    pull: async () => ({ slice: { records: records.slice(progress.next), next: 8 }, logEnd: 8 }),
  };
  const limited = limitedSource(source, 0, limit);
  await clock.advance(60_000);
  log.end = 6;
  const pulled = await limited.pull();
  expect(pulled!.slice).toMatchObject({ next: 6, records: { length: 6 } });
  limited.moved({ ...progress, next: 6 });
  expect(await limited.pull()).toBeUndefined();
});
