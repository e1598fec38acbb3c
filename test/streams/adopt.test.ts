import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import {
  type Adoption,
  adoptArchive,
  adopted,
  isEmpty,
  pendingAdoption,
  statePrefixes,
  truthPrefixes,
} from '../../src/streams/adopt.ts';
import { archiveLimits, openArchiveWriter } from '../../src/streams/archive-lane.ts';
import { schemaName, segmentName } from '../../src/streams/archive-names.ts';
import { endReader } from '../../src/streams/epoch-end.ts';
import { openEpoch, readEpochs } from '../../src/streams/epochs.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { openNextEpoch } from '../../src/streams/next-epoch.ts';
import { read } from '../architecture/tree.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { anEpoch } from '../given/world.ts';

const lane = (partition: number) => ({ topic: 'annal', epoch: 1, partition });
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));
const adoption: Adoption = { from: 'a source', log: '019a9f00-0000-7000-8000-0000000000bb' };
const openedAt = '2026-02-01T00:00:00.000Z';

let dir: string;
let source: ArchiveStore;
const stores: ArchiveStore[] = [];
const opened = (name: string): ArchiveStore => {
  const store = folderArchive({ dir: join(dir, name) });
  stores.push(store);
  return store;
};

/** Two partitions: segments and a tail in the first, a tail alone in the second. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-adopt-'));
  source = opened('source');
  await openEpoch(source.truth, anEpoch(1, 2));
  await source.truth.create(schemaName('ab'.repeat(32)), Buffer.from('{}'));
  for (const [first, next] of [
    [0, 4],
    [4, 9],
  ] as const)
    await source.truth.create(segmentName(lane(0), first), encodeSegment(lane(0), records(first, next)));
  for (const [partition, from, to] of [
    [0, 9, 12],
    [1, 0, 3],
  ] as const) {
    const context = { store: source, clock: systemClock, limits: archiveLimits };
    const writer = await openArchiveWriter(context, lane(partition));
    for (const record of records(from, to)) writer.add(record);
    await writer.flush();
  }
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

/** What a start does: goes on with what is pending, else, where nothing is there, with `given`. */
async function adopt(target: ArchiveStore, given: Adoption): Promise<void> {
  const pending = await pendingAdoption(target);
  if (pending === undefined && !(await isEmpty(target))) return;
  const wanted = pending ?? given;
  await adoptArchive(source, target, wanted, () => undefined);
  const epochs = await readEpochs(target.truth);
  if (epochs.length === 1) {
    const end = await endReader(target, epochs[0]!).read();
    await openNextEpoch(target.truth, epochs[0]!, end, { partitions: 3, openedAt });
  }
  await adopted(target);
}

/** A store that stops the process before the `nth` write, or after it. */
function stopping(store: ArchiveStore, nth: number, when: 'before' | 'after'): ArchiveStore {
  let writes = 0;
  const counted =
    <Given extends unknown[], Result>(write: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      writes += 1;
      if (writes === nth && when === 'before') throw new Fault('STORE_UNAVAILABLE', { nth });
      const result = await write(...given);
      if (writes === nth) throw new Fault('STORE_UNAVAILABLE', { nth });
      return result;
    };
  const { truth, state, place, lease } = store;
  return {
    lease,
    truth: { ...truth, create: counted(truth.create.bind(truth)) },
    state: {
      ...state,
      write: counted(state.write.bind(state)),
      replace: counted(state.replace.bind(state)),
      remove: counted(state.remove.bind(state)),
    },
    place,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function contents({ truth, state }: ArchiveStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name } of truth.list('')) found[name] = (await truth.read(name))!.toString('base64');
  for await (const { name } of state.list(''))
    found[name] = (await state.read(name))!.bytes.toString('base64');
  return found;
}

test('all of it is copied under the new id, and the next epoch begins at its end', async () => {
  const target = opened('target');
  await adopt(target, adoption);
  const timeMax = 1_763_600_000_011;
  expect(await readEpochs(target.truth)).toEqual([
    { ...anEpoch(1, 2), log: adoption.log },
    { ...anEpoch(2, 3, { epoch: 1, next: [12, 3], timeMax }), log: adoption.log, openedAt },
  ]);
  expect(await pendingAdoption(target)).toBeUndefined();
  for (const [partition, end] of [12, 3].entries()) {
    const offsets: number[] = [];
    for await (const slice of historyLane(target, lane(partition), 0))
      offsets.push(...slice.records.map(({ offset }) => offset));
    expect(offsets).toEqual(Array.from({ length: end }, (_, n) => n));
  }
});

describe('a crash at every write, and a start after it', () => {
  test.each(['before', 'after'] as const)('%s', async (when) => {
    const whole = opened('whole');
    await adopt(whole, adoption);
    const expected = await contents(whole);
    let writes = 0;
    for (let crashed = true; crashed; ) {
      writes += 1;
      const target = opened(`${when}${writes}`);
      crashed = await adopt(stopping(target, writes, when), adoption).then(
        () => false,
        (error: unknown) => error instanceof Fault,
      );
      await adopt(target, { ...adoption, log: '019a9f00-0000-7000-8000-0000000000cc' });
      const found = await contents(target);
      const startedOver = crashed && when === 'before' && writes === 1;
      if (startedOver) expect(Object.keys(found)).toEqual(Object.keys(expected));
      else expect(found, `${when} write ${writes}`).toEqual(expected);
    }
    expect(writes).toBeGreaterThan(8);
  });
});

test('an adoption that is unfinished is gone on with, and no other one is begun', async () => {
  const target = opened('target');
  await expect(adopt(stopping(target, 4, 'after'), adoption)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  const other = { from: 'another source', log: null };
  await expect(adoptArchive(source, target, other, () => undefined)).rejects.toMatchObject({
    code: 'DATA_NOT_EMPTY',
    facts: { unfinished: adoption.from },
  });
  expect(await isEmpty(target)).toBe(false);
  expect(await pendingAdoption(target)).toEqual(adoption);
});

test('what another adoption left in the same place is not mixed with it', async () => {
  const target = opened('target');
  await target.truth.create(segmentName(lane(0), 4), encodeSegment(lane(0), records(4, 7)));
  const copying = adoptArchive(source, target, adoption, () => undefined);
  await expect(copying).rejects.toMatchObject({
    code: 'ARCHIVE_FORK',
    facts: { blob: segmentName(lane(0), 4) },
  });
  expect(await readEpochs(target.truth)).toEqual([]);
});

test('every blob that an archive is said to hold is copied, or named among what is not', async () => {
  const page = read('docs/formats/archive.md');
  const table = page.slice(page.indexOf('| container | blob |'), page.indexOf('`<topic>` is the log'));
  const prefixes = [...table.matchAll(/^\|[^|]*\| `([^/`]+\/?)/gm)].map(([, prefix]) => prefix!);
  expect(prefixes.length).toBeGreaterThan(15);
  const left = ['leases/', 'restored/', 'catalog/', 'adopting.json', 'importing.json'];
  const known = [...truthPrefixes, 'epochs/', ...statePrefixes, ...left];
  expect(prefixes.filter((prefix) => !known.some((one) => prefix.startsWith(one)))).toEqual([]);
});

test('what bridges refused, how far they came, and reports come along; claims and work of another place do not', async () => {
  const [come, stay] = [
    [
      'bridges/datahub/0.json',
      'refused/inbox/inbox/0/7.json',
      'drills/0199d2a4.note',
      'rebuilds/entities/reports/a.note',
    ],
    [
      'rebuilds/entities.lock',
      'rebuilds/entities/job.json',
      'rebuilds/entities/kept.json',
      'rebuilds/a/units/chain-0',
      'restored/x.json',
    ],
  ];
  for (const name of [...come, ...stay]) await source.state.replace(name, Buffer.from(name));
  const target = opened('target');
  await adopt(target, adoption);
  for (const name of come) expect((await target.state.read(name))?.bytes.toString(), name).toBe(name);
  for (const name of stay) expect(await target.state.read(name), name).toBeUndefined();
});
