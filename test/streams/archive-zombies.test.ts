import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import type { Clock } from '../../src/ports/clock.ts';
import {
  type ArchivePoint,
  archiveLimits,
  openArchiveWriter,
  yielded,
} from '../../src/streams/archive-lane.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type ArchiveNotice, startArchiver } from '../../src/streams/archiver.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { indexLane, lastOffsets } from '../../src/streams/lane-base.ts';
import { all } from '../contracts/archive-store/given.ts';
import { anEvent, orders, recordOf } from '../given/events.ts';
import { type MemoryLog, memoryLog } from '../given/memory-log.ts';
import { type PlainLane, plainLane } from '../given/plain-archive.ts';
import { simArchive } from '../simulation/archive-store.ts';
import { type Blobs, blobs } from '../simulation/blobs.ts';
import { calmWire } from '../simulation/wire.ts';

// One test for each way in which the simulator (docs/architecture/simulation.md) broke the archive.

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

let memory: Blobs;
let store: ArchiveStore;
beforeEach(() => {
  memory = blobs();
  store = simArchive({ blobs: memory, wire: calmWire, pageMax: 100 });
});

const writer = (of: ArchiveStore = store, probe?: (point: ArchivePoint) => void) =>
  openArchiveWriter(
    {
      store: of,
      clock: systemClock,
      limits: { ...archiveLimits, sealBytes: 1 },
      ...(probe === undefined ? {} : { probe }),
    },
    lane,
  );

async function flushed(from: number, to: number, of: ArchiveStore = store) {
  const own = await writer(of);
  for (const one of records(from, to)) own.add(one);
  expect(await own.flush()).toBeUndefined();
  return own;
}

const archived = (): PlainLane =>
  plainLane(
    {
      truth: memory.truth,
      state: new Map([...memory.state].map(([name, { bytes }]) => [name, bytes])),
    },
    lane,
  );
const offsets = (): number[] => archived().records.map(({ offset }) => offset);

function start(log: MemoryLog, clock: Clock = systemClock) {
  const notices: ArchiveNotice[] = [];
  const archiver = startArchiver({
    ...{ store, clock, log, name: lane.topic, group: 'archiver', retryMs: 1 },
    limits: { ...archiveLimits, flushMs: 10 },
    onNotice: (notice) => notices.push(notice),
  });
  return { archiver, notices };
}

async function follow(log: MemoryLog, next: number, clock?: Clock): Promise<readonly ArchiveNotice[]> {
  const { archiver, notices } = start(log, clock);
  await archiver.reach([next], soon()).finally(() => archiver.stop());
  return notices;
}

describe('writers', () => {
  test('one that sleeps while it looks for the end, through a seal and a trim, writes nothing twice', async () => {
    const other = await flushed(0, 5);
    let looks = 0;
    const between = async <T>(look: Promise<T>): Promise<T> => {
      const found = await look;
      looks += 1;
      if (looks === 1) await other.sealIfDue();
      return found;
    };
    const { truth, state } = store;
    const sleepy: ArchiveStore = {
      ...store,
      truth: {
        ...truth,
        async *list(prefix, after) {
          yield* await between(all(truth.list(prefix, after)));
        },
      },
      state: { ...state, read: (name) => between(state.read(name)) },
    };
    for (let done = false; !done; ) {
      const own = await writer(sleepy);
      expect(own.next).toBe(5);
      for (const one of records(5, 7)) own.add(one);
      done = (await own.flush()) !== yielded;
    }
    expect((await writer()).next).toBe(7);
    expect(archived().faults).toEqual([]);
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('a hole after a crash between seal and trim leaves a tail that can be read', async () => {
    const crashing = await writer(store, (point) => {
      if (point === 'after-seal') throw new Error('the process is gone');
    });
    for (const one of records(0, 3)) crashing.add(one);
    await crashing.flush();
    await expect(crashing.sealIfDue()).rejects.toThrow('gone');
    const own = await writer();
    expect(await own.recordMissing('hole', 6)).toBeUndefined();
    for (const one of records(6, 8)) own.add(one);
    await own.flush();
    expect(archived().faults).toEqual([]);
    expect((await writer()).next).toBe(8);
  });

  test.each([
    'gap',
    'hole',
  ] as const)('records that were read before a %s cannot be flushed after it', async (kind) => {
    const zombie = await writer();
    for (const one of records(0, 3)) zombie.add(one);
    const other = await writer();
    expect(await other.recordMissing(kind, 3)).toBeUndefined();
    expect(await zombie.flush()).toBe(yielded);
    expect(offsets()).toEqual([]);
  });

  test('records of the tail that stand otherwise in a segment are a fork', async () => {
    await flushed(0, 5);
    const others = records(10, 13).map((one, offset) => ({ ...one, offset }));
    await store.truth.create(segmentName(lane, 0), encodeSegment(lane, others));
    await expect(writer()).rejects.toMatchObject({ code: 'ARCHIVE_FORK', facts: { offset: 0 } });
  });
});

test('who is slow to remove the base of before leaves the one of after', async () => {
  const decoders = openEventDecoders(store.truth);
  const indexed = (of: ArchiveStore) => indexLane(of, { ...lane, partitions: 1 }, decoders);
  const sealed = async (from: number, to: number) => (await flushed(from, to)).sealIfDue();
  await sealed(0, 3);
  const slow: ArchiveStore = {
    ...store,
    state: {
      ...store.state,
      async *list(prefix, after) {
        await sealed(3, 6);
        expect(await indexed(store)).toBe(1);
        yield* store.state.list(prefix, after);
      },
    },
  };
  expect(await indexed(slow)).toBe(1);
  await sealed(6, 8);
  expect(await indexed(store)).toBe(1);
  const { next, offsets: last } = await lastOffsets(store, lane, orders);
  expect([next, last]).toEqual([8, new Map([['datasetProperties', 7]])]);
});

describe('a log', () => {
  test('that forgot a part of what it never gave: a gap, then a hole', async () => {
    const log = memoryLog();
    log.records = [...records(0, 5), ...records(9, 12)];
    const { bounds } = log;
    log.bounds = () => {
      log.first = 7;
      return bounds();
    };
    const notices = await follow(log, 12);
    expect(notices).toContainEqual({ kind: 'gap', partition: 0, first: 5, next: 7 });
    expect(notices).toContainEqual({ kind: 'hole', partition: 0, first: 7, next: 9 });
    expect(archived().faults).toEqual([]);
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 9, 10, 11]);
  });

  test('that forgets while a hole is confirmed stops no lane', async () => {
    const log = memoryLog();
    log.records = [...records(0, 5), ...records(9, 12)];
    const { reader } = log;
    log.reader = (group) => {
      if (group === null) log.first = 10;
      return reader(group);
    };
    const notices = await follow(log, 12);
    expect(notices.filter(({ kind }) => kind === 'fault')).toEqual([]);
    expect(notices).toContainEqual({ kind: 'gap', partition: 0, first: 5, next: 9 });
    // What was read before the log forgot it is archived.
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 9, 10, 11]);
  });

  test.each([
    ['that ends one record before the archive', records(0, 4)],
    ['that has nothing where the archive has its last record', [...records(0, 4), ...records(7, 9)]],
  ])('%s is another one', async (_, remade) => {
    const log = memoryLog();
    log.records = records(0, 5);
    await follow(log, 5);
    log.records = remade;
    await expect(follow(log, 6)).rejects.toMatchObject({ code: 'LOG_FORK' });
    expect(offsets()).toEqual([0, 1, 2, 3, 4]);
  });
});

test('a clock that goes back keeps no record from the archive', async () => {
  const day = 24 * 60 * 60 * 1000;
  let looks = 0;
  const backwards: Clock = {
    ...systemClock,
    now() {
      looks += 1;
      return systemClock.now() - looks * day;
    },
  };
  const log = memoryLog();
  log.records = records(0, 3);
  const { archiver } = start(log, backwards);
  await expect.poll(() => archiver.status()[0]!.next, { timeout: 10_000 }).toBe(3);
  await archiver.stop();
  expect(offsets()).toEqual([0, 1, 2]);
});
