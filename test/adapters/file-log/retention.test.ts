import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileLogHost } from '../../../src/adapters/file-log/event-log.ts';
import { type KeptFile, retentionDefault, retirable } from '../../../src/adapters/file-log/retention.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-retire-'));
});
afterEach(() => rm(dir, { recursive: true }));

const day = 24 * 3_600_000;
const mebibyte = 1024 * 1024;
const now = 100 * day;

/** Files of ten records each, of which the last one grows. */
const files = (ages: readonly number[], bytes = 64 * mebibyte): KeptFile[] =>
  ages.map((age, i) => ({ first: i * 10, next: (i + 1) * 10, bytes, until: now - age * day }));

test('files older than seven days go once their records are in segments', () => {
  const partition = files([20, 9, 7.5, 6, 0]);
  expect(retirable([partition], { archivedTo: [50], now })).toEqual([30]);
  expect(retirable([partition], { archivedTo: [29], now })).toEqual([20]);
  expect(retirable([partition], { archivedTo: [0], now })).toEqual([0]);
  expect(retirable([partition], { archivedTo: [], now })).toEqual([0]);
});

test('a log above a gibibyte gives up its oldest archived files, whichever partition they are of', () => {
  const large = files([5, 4, 3, 2, 1, 0], 110 * mebibyte);
  const small = files([4.5, 0.5, 0], 150 * mebibyte);
  // 1,110 MiB in all: without its oldest file the log is small enough.
  expect(retirable([large, small], { archivedTo: [60, 30], now })).toEqual([10, 0]);
  expect(retirable([large, small], { archivedTo: [0, 30], now })).toEqual([0, 10]);
});

test('the last file with records stays, and its time with it', () => {
  expect(retirable([files([30])], { archivedTo: [10], now })).toEqual([0]);
  const rolled = [...files([30, 29]), { first: 20, next: 20, bytes: 0, until: now - 29 * day }];
  expect(retirable([rolled], { archivedTo: [20], now })).toEqual([10]);
  expect(retirable([[]], { archivedTo: [0], now })).toEqual([0]);
});

const partitionOf = fc
  .array(
    fc.record({ age: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 1, max: 400 * mebibyte }) }),
    {
      maxLength: 8,
    },
  )
  .map((made): KeptFile[] => {
    const ages = made.map(({ age }) => age).sort((a, b) => b - a);
    return made.map(({ bytes }, i) => ({
      first: i * 10,
      next: i * 10 + 10,
      bytes,
      until: now - ages[i]! * day,
    }));
  });

test('nothing that is not archived goes, and nothing that is young while the log is small', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(partitionOf, fc.integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 4 }),
      (made) => {
        const partitions = made.map(([partition]) => partition);
        const archivedTo = made.map(([, archived]) => archived);
        const before = retirable(partitions, { archivedTo, now });
        const kept = partitions.map((partition, i) => partition.filter(({ next }) => next > before[i]!));
        const gone = partitions.map((partition, i) => partition.filter(({ next }) => next <= before[i]!));
        const bytes = (some: readonly KeptFile[][]) => some.flat().reduce((sum, file) => sum + file.bytes, 0);
        for (const [i, files_] of gone.entries()) {
          for (const { next } of files_) expect(next).toBeLessThanOrEqual(archivedTo[i]!);
          if (partitions[i]!.length > 0) expect(kept[i]!.length).toBeGreaterThan(0);
        }
        const youngGone = gone.flat().filter(({ until }) => now - until <= retentionDefault.ageMsMax);
        if (youngGone.length > 0) {
          const last = Math.max(...youngGone.map(({ until }) => until));
          const largest = Math.max(
            ...youngGone.filter(({ until }) => until === last).map((file) => file.bytes),
          );
          expect(bytes(kept) + largest).toBeGreaterThan(retentionDefault.logBytesMax);
        }
        const couldGo = kept.flatMap((some, i) =>
          some.slice(0, -1).filter(({ next }) => next <= archivedTo[i]!),
        );
        if (bytes(kept) > retentionDefault.logBytesMax) expect(couldGo).toEqual([]);
        for (const { until } of couldGo) expect(now - until).toBeLessThanOrEqual(retentionDefault.ageMsMax);
      },
    ),
  );
});

test('retiring removes whole files, and the log goes on from where it is', async () => {
  const topic = { epoch: 1, topic: 'log.e1', partitions: 1 };
  let time = now - 20 * day;
  const options = { dir, clock: { now: () => time }, segmentBytesMax: 1 };
  const record = (value: string) => ({ key: null, value: Buffer.from(value), headers: [] });
  {
    await using host = fileLogHost(options);
    await host.create(topic);
    const log = await host.open(topic);
    for (let i = 0; i < 20; i++) {
      await log.append(0, [record(`${i} a`), record(`${i} b`)]);
      time += day;
    }
    expect(await log.retire({ archivedTo: [19], now })).toBe(9);
    expect(await log.bounds()).toEqual([{ first: 18, end: 40 }]);
    expect(await log.retire({ archivedTo: [40], now })).toBe(4);
    expect(await log.retire({ archivedTo: [40], now })).toBe(0);
    expect(await log.bounds()).toEqual([{ first: 26, end: 40 }]);
  }
  // Opened again, a file is as old as the first record after it.
  await using host = fileLogHost(options);
  const log = await host.open(topic);
  expect(await log.bounds()).toEqual([{ first: 26, end: 40 }]);
  expect(await log.retire({ archivedTo: [40], now: now + 3 * day })).toBe(2);
  expect(await log.retire({ archivedTo: [40], now: now + 365 * day })).toBe(4);
  expect(await log.bounds()).toEqual([{ first: 38, end: 40 }]);
  expect(await readdir(join(dir, 'log.e1', '0'))).toEqual(['00000000000000000038.log']);
  expect((await log.append(0, [record('next')])).first).toBe(40);
});
