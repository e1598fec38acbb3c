import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { closingName } from '../../src/streams/archive-names.ts';
import { readTailBlob, tailRecords } from '../../src/streams/chain.ts';
import { type ClosingWorld, closeEpoch, type TurnPoint } from '../../src/streams/close-epoch.ts';
import { readClosing } from '../../src/streams/epochs.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { anEvent } from '../given/events.ts';
import { manualClock } from '../given/manual-clock.ts';
import { anEpoch, manyEvents, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n % 7},PROD)`;
const events = (count: number, from = 0) =>
  manyEvents(count, (n) => anEvent({ n: from + n, urn: urn(from + n) }));
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const points: readonly TurnPoint[] = ['closing-written', 'drained', 'archived', 'sealed'];

/** Archives to where it is asked, and no further: what comes later stays in the log. */
async function archiveTo(world: World, next: readonly number[], signal: AbortSignal): Promise<void> {
  const archiver = world.archiver({ limits: { flushMs: 60_000 } });
  try {
    await archiver.reach(next, signal);
  } finally {
    await archiver.stop();
  }
}

const closingOf = (world: World, more: Partial<ClosingWorld> = {}): ClosingWorld => ({
  ...{ store: world.store, clock: world.context.clock, epoch: world.epoch, log: world.log, lateMs: 0 },
  drain: async () => undefined,
  archiveTo: (next, signal) => archiveTo(world, next, signal),
  onPhase: () => undefined,
  ...more,
});

async function offsetsIn({ store, epoch }: World): Promise<number[]> {
  const counts: number[] = [];
  for (let partition = 0; partition < epoch.partitions; partition += 1) {
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    let count = 0;
    for await (const { records } of historyLane(store, lane, 0)) count += records.length;
    counts.push(count);
    const tail = await readTailBlob(store, lane);
    expect([...tailRecords(tail!.bytes, lane, 0)], 'the tail is empty').toEqual([]);
  }
  return counts;
}

test('it is marked first, drained, archived to the end of the log and sealed; the end is where the log ended', async () => {
  await using world = await openWorld(2);
  await world.append(events(40));
  const phases: string[] = [];
  let drainedWith: number[] | undefined;
  const drain = async (): Promise<void> => {
    expect(await readClosing(world.store.truth, world.epoch)).toMatchObject({ epoch: 1, lost: false });
    // What was under way when the mark was written.
    await world.append(events(9, 40));
    drainedWith = await world.ends();
  };
  const end = await closeEpoch(
    closingOf(world, { drain, onPhase: (phase) => void phases.push(phase) }),
    soon(),
  );
  expect(phases).toEqual(['read', 'drain', 'archive', 'seal']);
  expect(end).toMatchObject({ epoch: 1, next: drainedWith });
  expect(await offsetsIn(world)).toEqual(drainedWith);
  const times: number[] = [];
  for (const partition of [0, 1])
    for await (const { records } of historyLane(world.store, { topic: 'annal', epoch: 1, partition }, 0))
      times.push(...records.map(({ appendTime }) => appendTime));
  expect(end.timeMax).toBe(Math.max(...times));
});

describe('a crash at each point, and closing again', () => {
  test.each(points)('%s', async (point) => {
    await using world = await openWorld(2);
    await world.append(events(30));
    const probe = (passed: TurnPoint): void => {
      if (passed === point) throw new Fault('STORE_UNAVAILABLE', { point });
    };
    await expect(closeEpoch(closingOf(world, { probe }), soon())).rejects.toMatchObject({
      facts: { point },
    });
    const mark = await world.store.truth.read(closingName(1));
    expect(mark).toBeDefined();
    const end = await closeEpoch(closingOf(world), soon());
    expect(end.next).toEqual(await world.ends());
    expect(await offsetsIn(world)).toEqual(end.next);
    expect(await world.store.truth.read(closingName(1))).toEqual(mark);
  });
});

test('two who close it at once come to the same end', async () => {
  await using world = await openWorld(2);
  await world.append(events(50));
  const ends = await Promise.all([1, 2].map(() => closeEpoch(closingOf(world), soon())));
  expect(ends[0]).toEqual(ends[1]);
  expect(ends[0]!.next).toEqual(await world.ends());
  expect(await offsetsIn(world)).toEqual(ends[0]!.next);
});

test('an epoch whose log is lost ends where its archive does, and the mark says so', async () => {
  await using world = await openWorld(2);
  await world.append(events(20));
  const archived = await world.ends();
  await archiveTo(world, archived, soon());
  await world.append(events(5, 20));
  const never = () => Promise.reject(new Error('nothing is left to archive'));
  const end = await closeEpoch(closingOf(world, { log: undefined, archiveTo: never }), soon());
  expect(end.next).toEqual(archived);
  expect(await readClosing(world.store.truth, world.epoch)).toMatchObject({ lost: true });
});

describe('a log to which others append too', () => {
  const lateMs = 30_000;

  /** Closes an epoch whose log grows for so long after the mark; tells what was waited, by a clock that nothing else moves. */
  async function closing(growsMs: number) {
    const world = await openWorld(1);
    const clock = manualClock(0);
    let markedAt = 0;
    let waitedMs: number | undefined;
    const end = (): number => Math.min(clock.now(), markedAt + growsMs);
    const log: EventLog = { ...world.log, bounds: async () => [{ first: 0, end: end() }] };
    const drain = async (): Promise<void> => {
      markedAt = clock.now();
    };
    const archived = async (next: readonly number[]): Promise<void> => {
      waitedMs = clock.now() - markedAt;
      expect(next).toEqual([end()]);
      throw new Fault('ARCHIVE_BEHIND', {});
    };
    const done = closeEpoch(
      closingOf(world, { log, clock, lateMs, drain, archiveTo: archived }),
      soon(),
    ).catch((error: unknown) => error as Fault);
    let over = false;
    void done.then(() => {
      over = true;
    });
    while (!over) await clock.advance(1_000);
    await world[Symbol.asyncDispose]();
    return { code: ((await done) as Fault).code, waitedMs };
  }

  test('it waits as long as an append may be under way, and until nothing comes any more', async () => {
    expect(await closing(0)).toEqual({ code: 'ARCHIVE_BEHIND', waitedMs: lateMs + 5_000 });
    expect(await closing(52_000)).toEqual({ code: 'ARCHIVE_BEHIND', waitedMs: 60_000 });
  });

  test('somebody who never stops is told of; the epoch stays closed and no end is given', async () => {
    const forever = 10 * 60_000;
    expect(await closing(forever)).toEqual({ code: 'EPOCH_BUSY', waitedMs: undefined });
  });
});

test('a mark of another log is no mark', async () => {
  await using world = await openWorld(1);
  const mark = { v: 1, epoch: 1, log: 'another', lost: false, closedAt: '2026-01-01T00:00:00.000Z' };
  await world.store.truth.create(closingName(1), Buffer.from(JSON.stringify(mark)));
  await expect(closeEpoch(closingOf(world), soon())).rejects.toMatchObject({ code: 'EPOCH_INVALID' });
  expect(anEpoch(1, 1).log).not.toBe('another');
});
