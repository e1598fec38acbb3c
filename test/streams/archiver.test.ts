import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { encodeRecord, encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import {
  type ArchivePoint,
  archiveLimits,
  openArchiveWriter,
  yielded,
} from '../../src/streams/archive-lane.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type ArchiveNotice, type Archiver, startArchiver } from '../../src/streams/archiver.ts';
import { archiveEnd, segmentFirsts } from '../../src/streams/chain.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { type MemoryLog, memoryLog } from '../given/memory-log.ts';

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const record = (offset: number): LogRecord => recordOf(anEvent({ n: offset }), offset);
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => record(from + n));
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

let dir: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-archiver-'));
  store = folderArchive({ dir });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

interface Running {
  readonly archiver: Archiver;
  readonly notices: ArchiveNotice[];
}

function start(
  log: MemoryLog,
  limits: Partial<typeof archiveLimits> = {},
  probe?: (point: ArchivePoint) => void,
): Running {
  const notices: ArchiveNotice[] = [];
  const archiver = startArchiver({
    store,
    clock: systemClock,
    limits: { ...archiveLimits, flushMs: 10, ...limits },
    log,
    name: lane.topic,
    group: 'archiver',
    retryMs: 1,
    onNotice: (notice) => notices.push(notice),
    ...(probe === undefined ? {} : { probe }),
  });
  return { archiver, notices };
}

/** What the archive holds, as an independent reader sees it: offsets, and [first, next) of what is missing. */
async function archived(): Promise<{ offsets: number[]; missing: string[]; next: number }> {
  const offsets: number[] = [];
  const missing: string[] = [];
  let next = 0;
  for await (const slice of historyLane(store, lane, 0)) {
    offsets.push(...slice.records.map(({ offset }) => offset));
    if (slice.records.length === 0) missing.push(`[${next}, ${slice.next})`);
    next = slice.next;
  }
  return { offsets, missing, next };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe('one archiver', () => {
  test('every offset once, in order, across seals', async () => {
    const log = memoryLog();
    log.records = records(0, 300);
    const { archiver } = start(log, { flushBytes: 3_000, sealBytes: 9_000 });
    await archiver.reach([300], soon());
    await archiver.stop();
    expect(await archived()).toEqual({ offsets: range(0, 300), missing: [], next: 300 });
    expect((await segmentFirsts(store.truth, lane)).length).toBeGreaterThan(2);
  });

  test('goes on where the archive ends', async () => {
    const log = memoryLog();
    log.records = records(0, 10);
    const first = start(log);
    await first.archiver.reach([10], soon());
    await first.archiver.stop();
    log.records.push(...records(10, 25));
    const second = start(log);
    await second.archiver.reach([25], soon());
    await second.archiver.stop();
    expect(await archived()).toEqual({ offsets: range(0, 25), missing: [], next: 25 });
  });

  test('sparse offsets become a hole, once a second reader has seen the same', async () => {
    const log = memoryLog();
    log.records = [...records(0, 5), ...records(9, 12)];
    const { archiver, notices } = start(log);
    await archiver.reach([12], soon());
    await archiver.stop();
    expect(await archived()).toEqual({ offsets: [...range(0, 5), 9, 10, 11], missing: ['[5, 9)'], next: 12 });
    expect(notices).toContainEqual({ kind: 'hole', partition: 0, first: 5, next: 9 });
  });

  test('a reader that skips records makes no hole', async () => {
    const log = memoryLog();
    log.records = records(0, 12);
    let lanes = 0;
    const skipping: MemoryLog = {
      ...log,
      async reader(group) {
        const reader = await log.reader(group);
        return {
          ...reader,
          lane(partition, next) {
            const lane = reader.lane(partition, next);
            lanes += 1;
            if (lanes > 1) return lane;
            const pull = async (signal: AbortSignal) => {
              const batch = await lane.pull(signal);
              return { ...batch, records: batch.records.filter(({ offset }) => offset < 5 || offset > 8) };
            };
            return { partition, pull };
          },
        };
      },
    };
    const { archiver, notices } = start(skipping);
    await archiver.reach([12], soon());
    await archiver.stop();
    expect(await archived()).toEqual({ offsets: range(0, 12), missing: [], next: 12 });
    expect(notices).toContainEqual({ kind: 'yielded', partition: 0 });
  });

  test('what nobody can decode is archived byte for byte', async () => {
    const odd: readonly Partial<LogRecord>[] = [
      { value: null },
      { value: Buffer.alloc(0) },
      { value: Buffer.from('ff00ff', 'hex') },
      { key: null, headers: [] },
      { key: Buffer.from([0xff]), headers: [[Buffer.from([0xff]), null]] },
      { appendTime: -1 },
    ];
    const log = memoryLog();
    log.records = odd.map((change, offset) => ({ ...record(offset), ...change }));
    const { archiver } = start(log, { sealBytes: 1 });
    await archiver.reach([odd.length], soon());
    await archiver.stop();
    const kept: Buffer[] = [];
    for await (const slice of historyLane(store, lane, 0)) kept.push(...slice.records.map(encodeRecord));
    expect(kept).toEqual(log.records.map(encodeRecord));
  });

  test('what retention took first becomes a gap and an alarm, never a silent reset', async () => {
    const log = memoryLog();
    log.records = records(0, 5);
    const first = start(log);
    await first.archiver.reach([5], soon());
    await first.archiver.stop();
    log.records = records(8, 12);
    log.first = 8;
    const second = start(log);
    await second.archiver.reach([12], soon());
    await second.archiver.stop();
    expect(await archived()).toEqual({
      offsets: [...range(0, 5), ...range(8, 12)],
      missing: ['[5, 8)'],
      next: 12,
    });
    expect(second.notices).toContainEqual({ kind: 'gap', partition: 0, first: 5, next: 8 });
  });

  test.each([
    ['is shorter', records(0, 2)],
    [
      'holds another record before the end',
      [...records(0, 4), record(40)].map((given, offset) => ({ ...given, offset })),
    ],
  ])('a log made again that %s stops the lane', async (_, remade) => {
    const log = memoryLog();
    log.records = records(0, 5);
    const first = start(log);
    await first.archiver.reach([5], soon());
    await first.archiver.stop();
    log.records = remade as LogRecord[];
    const second = start(log);
    await expect(second.archiver.reach([6], soon())).rejects.toMatchObject({ code: 'LOG_FORK' });
    expect(second.archiver.status()[0]).toMatchObject({ state: 'halted', next: 5 });
    await second.archiver.stop();
    expect((await archived()).next).toBe(5);
  });
});

describe('two writers of one lane', () => {
  const context = () => ({ store, clock: systemClock, limits: { ...archiveLimits, sealBytes: 1 } });

  test('a zombie with an old tail yields, and nothing is doubled', async () => {
    const [zombie, other] = [
      await openArchiveWriter(context(), lane),
      await openArchiveWriter(context(), lane),
    ];
    for (const one of records(0, 3)) other.add(one);
    expect(await other.flush()).toBeUndefined();
    for (const one of records(0, 5)) zombie.add(one);
    expect(await zombie.flush()).toBe(yielded);
    expect((await archived()).offsets).toEqual(range(0, 3));
  });

  test('the shorter segment wins the name, and the other goes on from its end', async () => {
    const [short, long] = [
      await openArchiveWriter(context(), lane),
      await openArchiveWriter(context(), lane),
    ];
    for (const one of records(0, 3)) short.add(one);
    await short.flush();
    await store.truth.create(segmentName(lane, 0), encodeSegment(lane, records(0, 2)));
    expect(await short.sealIfDue()).toBe(yielded);
    expect(await archiveEnd(store, lane)).toMatchObject({ next: 3 });
    expect((await archived()).offsets).toEqual(range(0, 3));
    for (const one of records(0, 4)) long.add(one);
    expect(await long.flush()).toBe(yielded);
  });

  test('a longer segment that another writer sealed stands', async () => {
    const short = await openArchiveWriter(context(), lane);
    for (const one of records(0, 3)) short.add(one);
    await short.flush();
    await store.truth.create(segmentName(lane, 0), encodeSegment(lane, records(0, 5)));
    expect(await short.sealIfDue()).toBe(yielded);
    expect(await archiveEnd(store, lane)).toMatchObject({ next: 5 });
  });

  test('another segment under the name, with other records, is a fork', async () => {
    const writer = await openArchiveWriter(context(), lane);
    for (const one of records(0, 3)) writer.add(one);
    await writer.flush();
    const others = records(10, 13).map((given, offset) => ({ ...given, offset }));
    await store.truth.create(segmentName(lane, 0), encodeSegment(lane, others));
    await expect(writer.sealIfDue()).rejects.toMatchObject({ code: 'ARCHIVE_FORK' });
  });

  test('one that is stopped, or loses its lane, and finds the work of another in its last write, says that it gave way', async () => {
    const log = memoryLog();
    log.records = records(0, 3);
    const { archiver, notices } = start(log, { flushMs: 60_000 });
    await archiver.reach([3], soon());
    log.records.push(...records(3, 6));
    log.wake();
    await expect.poll(() => archiver.status()[0]!.logEnd).toBe(6);
    const other = await openArchiveWriter(context(), lane);
    for (const one of records(3, 6)) other.add(one);
    expect(await other.flush()).toBeUndefined();
    await archiver.stop();
    expect(notices).toContainEqual({ kind: 'yielded', partition: 0 });
    expect((await archived()).offsets).toEqual(range(0, 6));
  });

  test('two archivers at once leave each offset in the archive once', async () => {
    const log = memoryLog();
    log.records = records(0, 400);
    const limits = { flushBytes: 2_000, sealBytes: 6_000 };
    const [one, two] = [start(log, limits), start(log, limits)];
    await Promise.all([one.archiver.reach([400], soon()), two.archiver.reach([400], soon())]);
    await Promise.all([one.archiver.stop(), two.archiver.stop()]);
    expect(await archived()).toEqual({ offsets: range(0, 400), missing: [], next: 400 });
  });
});

describe('a crash at every point', () => {
  const points: ArchivePoint[] = ['before-flush', 'after-flush', 'before-seal', 'after-seal', 'after-trim'];

  test.each(
    points.flatMap((point) => [1, 2, 5].map((nth) => [point, nth] as const)),
  )('%s, time %i: nothing is lost, nothing is doubled', async (point, nth) => {
    const log = memoryLog();
    log.records = records(0, 200);
    let seen = 0;
    const crashed = Promise.withResolvers<void>();
    const limits = { flushBytes: 2_000, sealBytes: 5_000 };
    const first = start(log, limits, (at) => {
      if (at !== point) return;
      seen += 1;
      // From here on this writer is gone: it never comes back from the point.
      if (seen >= nth) {
        crashed.resolve();
        return new Promise<never>(() => undefined) as never;
      }
    });
    await crashed.promise;
    const second = start(log, limits);
    await second.archiver.reach([200], soon());
    await second.archiver.stop();
    void first;
    expect(await archived()).toEqual({ offsets: range(0, 200), missing: [], next: 200 });
  });
});
