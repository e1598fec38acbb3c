import { describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { healthOf } from '../../src/apps/health.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { entities } from '../../src/projections/entities.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { segmentName, tailName } from '../../src/streams/archive-names.ts';
import { type ArchiveNotice, type Archiver, startArchiver } from '../../src/streams/archiver.ts';
import { segmentFirsts } from '../../src/streams/chain.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { lossyDisk } from '../adapters/file-log/lossy-disk.ts';
import { seeded } from '../adapters/file-log/seeded.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { type MemoryLog, memoryLog } from '../given/memory-log.ts';
import { openWorld } from '../given/world.ts';

// Faults of docs/architecture/faults.md that no other test shows: each is seen to happen, and what is archived is right after it.

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

const plain = () => folderArchive({ dir: '/data', disk: lossyDisk(seeded(1), '/data') });

function logOf(count: number): MemoryLog {
  const log = memoryLog();
  log.records = records(0, count);
  return log;
}

interface Running {
  readonly archiver: Archiver;
  readonly notices: ArchiveNotice[];
}

function start(
  store: ArchiveStore,
  log: MemoryLog,
  limits: Partial<typeof archiveLimits> = {},
  clock: Clock = systemClock,
): Running {
  const notices: ArchiveNotice[] = [];
  const archiver = startArchiver({
    ...{ store, log, clock, name: lane.topic, group: 'archiver', retryMs: 1 },
    limits: { ...archiveLimits, flushMs: 10, ...limits },
    onNotice: (notice) => notices.push(notice),
  });
  return { archiver, notices };
}

async function offsetsIn(store: ArchiveStore): Promise<number[]> {
  const offsets: number[] = [];
  for await (const slice of historyLane(store, lane, 0))
    offsets.push(...slice.records.map(({ offset }) => offset));
  return offsets;
}

/** A store whose writes fail while `failing` gives a fault; `lost`: they fail after they were done. */
function failingStore(inner: ArchiveStore) {
  const failed: string[] = [];
  const store = {
    failing: (_name: string): Fault | undefined => undefined,
    lost: false,
    failed,
  };
  const through =
    <Args extends readonly [string, ...unknown[]], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const fault = store.failing(args[0]);
      if (fault === undefined) return call(...args);
      failed.push(args[0]);
      if (store.lost) await call(...args);
      throw fault;
    };
  const { truth, state } = inner;
  return Object.assign(store, {
    store: {
      ...inner,
      truth: { ...truth, create: through(truth.create) },
      state: {
        ...state,
        write: through(state.write),
        append: through(state.append),
        replace: through(state.replace),
      },
    } satisfies ArchiveStore,
  });
}

/** A log whose partition a test gives to readers and takes from them. */
function dealing(log: MemoryLog) {
  const holders: { held: boolean; changed: PromiseWithResolvers<void> }[] = [];
  const dealt: MemoryLog = {
    ...log,
    async reader(group) {
      const reader = await log.reader(group);
      if (group === null) return reader;
      const holder = { held: holders.length === 0, changed: Promise.withResolvers<void>() };
      holders.push(holder);
      return {
        ...reader,
        async *assignments(signal) {
          signal.addEventListener('abort', () => holder.changed.resolve(), { once: true });
          while (!signal.aborted) {
            yield new Set(holder.held ? [0] : []);
            await holder.changed.promise;
            holder.changed = Promise.withResolvers();
          }
        },
      };
    },
  };
  const deal = (nth: number, held: boolean): void => {
    const holder = holders[nth]!;
    holder.held = held;
    holder.changed.resolve();
  };
  return { log: dealt, deal, holders };
}

describe('a partition that is taken away while records of it are in memory', () => {
  const slowly = { flushMs: 60_000 };

  test('they are flushed on the way out, and the next holder goes on behind them', async () => {
    const store = plain();
    const { log, deal, holders } = dealing(logOf(5));
    const [first, second] = [start(store, log, slowly), start(store, log)];
    await expect.poll(() => first.archiver.status()[0]!.logEnd).toBe(5);
    expect(await offsetsIn(store)).toEqual([]);
    await expect.poll(() => holders.length).toBe(2);
    deal(0, false);
    await expect.poll(() => offsetsIn(store)).toEqual(range(0, 5));
    deal(1, true);
    log.records.push(...records(5, 9));
    log.wake();
    await second.archiver.reach([9], soon());
    await Promise.all([first.archiver.stop(), second.archiver.stop()]);
    expect(await offsetsIn(store)).toEqual(range(0, 9));
  });

  test('they are dropped where the next holder was first, and each is archived once', async () => {
    const store = plain();
    const { log, deal, holders } = dealing(logOf(5));
    const [first, second] = [start(store, log, slowly), start(store, log)];
    await expect.poll(() => first.archiver.status()[0]!.logEnd).toBe(5);
    await expect.poll(() => holders.length).toBe(2);
    deal(1, true);
    await second.archiver.reach([5], soon());
    deal(0, false);
    await first.archiver.stop();
    expect(first.archiver.status()[0]!.next).toBe(0);
    await second.archiver.stop();
    expect(await offsetsIn(store)).toEqual(range(0, 5));
  });
});

describe('an answer that is lost', () => {
  test.each([
    'segments/',
    'tail/',
  ])('of a write to %s: what is there is read, and nothing is doubled', async (part) => {
    const inner = plain();
    const failing = failingStore(inner);
    const busy = start(failing.store, logOf(200), { flushBytes: 3_000, sealBytes: 12_000 });
    failing.lost = true;
    failing.failing = (name) =>
      name.startsWith(part) && failing.failed.length < 3
        ? new Fault('STORE_UNAVAILABLE', { blob: name, reason: 'no answer' })
        : undefined;
    await busy.archiver.reach([200], soon());
    await busy.archiver.stop();
    expect(failing.failed).toHaveLength(3);
    expect(busy.notices.filter(({ kind }) => kind === 'fault').map((notice) => notice)).toMatchObject(
      Array.from({ length: 3 }, () => ({ fault: { code: 'STORE_UNAVAILABLE' } })),
    );
    expect(await offsetsIn(inner)).toEqual(range(0, 200));
  });
});

test('a store that is busy is not asked before the time it named, and an archiver that waits for it can be stopped', async () => {
  const failing = failingStore(plain());
  const waits: number[] = [];
  const clock: Clock = {
    now: systemClock.now,
    wait(waitMs, signal) {
      waits.push(waitMs);
      return systemClock.wait(waitMs === 7_000 ? 1 : waitMs, signal);
    },
  };
  let times = 2;
  failing.failing = () => {
    times -= 1;
    return times < 0 ? undefined : new Fault('STORE_UNAVAILABLE', { status: 503, retryAfterMs: 7_000 });
  };
  const { archiver } = start(failing.store, logOf(5), {}, clock);
  await archiver.reach([5], soon());
  expect(failing.failed).toHaveLength(2);
  expect(waits.filter((waitMs) => waitMs === 7_000)).toHaveLength(2);
  await archiver.stop();

  const other = failingStore(plain());
  other.failing = () => new Fault('STORE_UNAVAILABLE', { status: 503, retryAfterMs: 60_000 });
  const waiting = start(other.store, logOf(5));
  await expect.poll(() => other.failed.length).toBe(1);
  const began = performance.now();
  await waiting.archiver.stop();
  expect(performance.now() - began).toBeLessThan(10_000);
});

/** What `/readyz` says of an archiver and nothing else. */
const healthOfArchiver = async (store: ArchiveStore, log: MemoryLog, archiver: Archiver) => {
  await using world = await openWorld(1);
  const nothing = () => Promise.reject(new Error('not asked'));
  return healthOf({
    ports: {
      archive: store,
      clock: systemClock,
      logHost: world.host,
      readModel: world.model,
      registry: {
        ...{ kind: 'confluent', place: '', register: nothing, lookup: nothing, latest: nothing },
        ...{ subjects: nothing, versions: nothing, version: nothing, places: nothing },
        [Symbol.asyncDispose]: async () => undefined,
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
    ...{ places: [], epochs: [world.epoch], log, archiver, projectors: [] },
  });
};

test.each([
  ['a role that was taken away', { status: 403, code: 'AuthorizationPermissionMismatch' }],
  ['an account that is locked', { status: 409, code: 'BlobImmutableDueToPolicy' }],
])('%s: not ready, with the reason; nothing counts as archived, and all is once it may write again', async (_, facts) => {
  const inner = plain();
  const failing = failingStore(inner);
  const log = logOf(10);
  const { archiver } = start(failing.store, log);
  await archiver.reach([10], soon());
  failing.failing = (blob) => new Fault('STORE_UNAVAILABLE', { blob, ...facts });
  log.records.push(...records(10, 20));
  log.wake();
  await expect.poll(() => failing.failed.length).toBeGreaterThan(3);
  expect(archiver.status()[0]).toMatchObject({ next: 10, fault: { code: 'STORE_UNAVAILABLE' } });
  const health = await healthOfArchiver(failing.store, log, archiver);
  expect(health).toMatchObject({ ready: false, reasons: [{ code: 'STORE_UNAVAILABLE' }] });
  expect(health.reasons[0]!.detail).toContain(facts.code);
  expect(await offsetsIn(inner)).toEqual(range(0, 10));
  failing.failing = () => undefined;
  await archiver.reach([20], soon());
  expect((await healthOfArchiver(failing.store, log, archiver)).ready).toBe(true);
  await archiver.stop();
  expect(await offsetsIn(inner)).toEqual(range(0, 20));
});

test('a disk that is full under the archive: no half segment, not ready with the reason, and it goes on when there is room', async () => {
  const disk = lossyDisk(seeded(2), '/data');
  await using store = folderArchive({ dir: '/data', disk });
  const log = logOf(40);
  const { archiver } = start(store, log, { sealBytes: 4_000 });
  await archiver.reach([40], soon());
  const before = await segmentFirsts(store.truth, lane);
  const whole = await Promise.all(before.map((first) => store.truth.read(segmentName(lane, first))));
  const used = [...whole, (await store.state.read(tailName(lane)))?.bytes].reduce(
    (sum, bytes) => sum + (bytes?.length ?? 0),
    0,
  );
  disk.capacity = used;
  log.records.push(...records(40, 120));
  log.wake();
  await expect.poll(() => archiver.status()[0]!.fault?.message).toContain('no space left on the disk');
  const health = await healthOfArchiver(store, log, archiver);
  expect(health).toMatchObject({ ready: false, reasons: [{ code: 'STORE_UNAVAILABLE' }] });
  expect(health.reasons[0]!.detail).toContain('no space left on the disk');
  // Whatever has a name is whole: the reader below throws at any other.
  const meanwhile = await offsetsIn(store);
  expect(meanwhile).toEqual(range(0, meanwhile.length));
  for (const [n, first] of before.entries())
    expect((await store.truth.read(segmentName(lane, first)))?.equals(whole[n]!)).toBe(true);
  disk.capacity = Number.POSITIVE_INFINITY;
  await archiver.reach([120], soon());
  await archiver.stop();
  expect(await offsetsIn(store)).toEqual(range(0, 120));
});

test('a log that gives what it gave before, batch after batch: each record is archived once', async () => {
  const store = plain();
  const log = logOf(60);
  let again = 0;
  const repeating: MemoryLog = {
    ...log,
    async reader(group) {
      const reader = await log.reader(group);
      return {
        ...reader,
        lane(partition, from) {
          const lane = reader.lane(partition, from);
          let given: readonly LogRecord[] = [];
          return {
            partition,
            async pull(signal) {
              const { records: fresh, end } = await lane.pull(signal);
              again += given.length;
              const both = [...given, ...fresh];
              given = fresh;
              return { records: both, end };
            },
          };
        },
      };
    },
  };
  const { archiver } = start(store, repeating, { flushBytes: 1_000, sealBytes: 3_000 });
  for (let end = 60; end <= 120; end += 20) {
    await archiver.reach([end], soon());
    log.records.push(...records(end, end + 20));
    log.wake();
  }
  await archiver.reach([140], soon());
  await archiver.stop();
  expect(again).toBeGreaterThan(60);
  expect(await offsetsIn(store)).toEqual(range(0, 140));
});

test('no key, no value, an empty one of each: archived as four records that differ', async () => {
  const store = plain();
  const log = memoryLog();
  const [none, empty] = [null, Buffer.alloc(0)];
  const given = [
    { key: none, value: none },
    { key: none, value: empty },
    { key: empty, value: none },
    { key: empty, value: empty },
  ];
  log.records = given.map((one, offset) => ({ ...one, offset, appendTime: 7, headers: [] }));
  const { archiver } = start(store, log);
  await archiver.reach([4], soon());
  await archiver.stop();
  const found: unknown[] = [];
  for await (const slice of historyLane(store, lane, 0))
    for (const { key, value } of slice.records) found.push({ key: key?.length, value: value?.length });
  expect(found).toEqual([
    { key: undefined, value: undefined },
    { key: undefined, value: 0 },
    { key: 0, value: undefined },
    { key: 0, value: 0 },
  ]);
});

test('a rebuild from an archive with a flipped bit is refused with the blob’s name, and what served serves', async () => {
  await using world = await openWorld(1);
  await world.append(Array.from({ length: 50 }, (_, n) => anEvent({ n })));
  const archiver = world.archiver({ limits: { sealBytes: 1 } });
  await archiver.reach([50], soon());
  await archiver.stop();
  const run = async () => {
    const plan = await planRebuild(world.context, entities);
    return rebuild(world.context, entities, plan, crypto.randomUUID(), () => undefined, soon());
  };
  const { index } = await run();
  const [first] = await segmentFirsts(world.store.truth, lane);
  const name = segmentName(lane, first!);
  const { truth } = world.store;
  const damaged: ArchiveStore = {
    ...world.store,
    truth: {
      ...truth,
      async read(blob) {
        const bytes = await truth.read(blob);
        if (blob !== name || bytes === undefined) return bytes;
        const flipped = Buffer.from(bytes);
        flipped[bytes.length >> 1]! ^= 1;
        return flipped;
      },
    },
  };
  const plan = await planRebuild(world.context, entities);
  const context = { ...world.context, store: damaged };
  await expect(
    rebuild(context, entities, plan, crypto.randomUUID(), () => undefined, soon()),
  ).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT', facts: { blob: name } });
  expect((await world.model.serving(entities.definition))?.name).toBe(index);
});
