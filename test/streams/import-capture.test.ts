import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { localFiles } from '../../src/adapters/scan/local-files.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { isFault } from '../../src/domain/fault.ts';
import { materialise } from '../../src/formats/record-view.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { entities } from '../../src/projections/entities.ts';
import { captureLayout } from '../../src/streams/capture-files.ts';
import { completeLane, lanesOf } from '../../src/streams/complete.ts';
import { readClosing, readEpochs } from '../../src/streams/epochs.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { foldHistory } from '../../src/streams/fold-history.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import {
  type CapturePlan,
  type CaptureRequest,
  type ImportOptions,
  importCapture,
  planCapture,
} from '../../src/streams/import-capture.ts';
import { missingOffsets } from '../../src/streams/missing-offsets.ts';
import { verifyArchive } from '../../src/streams/verify-archive.ts';
import { captureFile, capturePath, writeCapture } from '../given/capture-writer.ts';
import { archivedAs, capturedLanes, writeLanes } from '../given/captured.ts';

let dir: string;
let from: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-capture-'));
  from = join(dir, 'files');
  store = folderArchive({ dir: join(dir, 'data') });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

type Given = Partial<ImportOptions & CaptureRequest>;
const requestOf = ({ partitions = null, asEvents = false, place = from, layout = captureLayout }: Given) => ({
  ...{ place, layout, partitions, asEvents, name: 'annal' },
});
const worldOf = async () => ({
  ...{ tree: await localFiles(from), signal: new AbortController().signal, onProgress: () => undefined },
});
const planned = async (given: Given = {}): Promise<CapturePlan> =>
  planCapture(await worldOf(), requestOf(given));
const imported = async (given: Given = {}) =>
  importCapture(
    {
      ...(await worldOf()),
      ...{ store, clock: systemClock, newLogId: () => '019a9f00-0000-7000-8000-0000000000cc' },
      ...{ nextPartitions: 3, segmentBytes: 10_000, ...given },
    },
    requestOf(given),
  );

async function laneOf(partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const slice of historyLane(store, { topic: 'annal', epoch: 1, partition }, 0))
    records.push(...slice.records.map(materialise));
  return records;
}

describe('captured history', () => {
  test('becomes epoch 1, closed, record by record; the log goes on in epoch 2', async () => {
    const lanes = capturedLanes(300);
    await writeLanes(from, lanes, { codec: 'deflate' });
    const [first, second] = await imported();
    expect(first).toMatchObject({ epoch: 1, partitions: 2, topic: 'annal.e1', previous: null });
    const next = lanes.map(({ length }) => length);
    expect(second).toMatchObject({
      ...{ epoch: 2, partitions: 3, log: first!.log },
      previous: { epoch: 1, next, timeMax: Date.UTC(2026, 6, 20, 21, 33, 43) },
    });
    expect(await readClosing(store.truth, first!)).toMatchObject({ lost: true });
    for (const [partition, events] of lanes.entries())
      expect(await laneOf(partition)).toEqual(events.map(archivedAs));
  });

  test('is folded and verified like other epochs', async () => {
    await writeLanes(from, capturedLanes(200));
    const epochs = await imported();
    const until = await archiveCut(store, epochs);
    const history = { store, epochs, until, decoders: openEventDecoders(store.truth) };
    const counts = { records: 0, outcomes: {} };
    let documents = 0;
    for await (const batch of foldHistory(entities, history, counts)) documents += batch.length;
    expect(counts).toEqual({ records: 200, outcomes: { applied: 200 } });
    expect(documents).toBe(17);
    for (const lane of lanesOf(epochs))
      await completeLane({ store, clock: systemClock, log: epochs[0]!.log, signer: undefined }, lane);
    const report = await verifyArchive({ store, clock: systemClock, deep: true, keys: [], kept: [] });
    expect(report.findings).toEqual([]);
    expect(report.records).toBe(200);
  });

  test('files in another order than their names, overlapping, twice: each event once', async () => {
    const [events] = capturedLanes(60, 1);
    const file = (n: number, first: number, next: number) =>
      writeCapture(from, capturePath(0, n), captureFile(events!.slice(first, next)));
    await file(9, 0, 20);
    await file(3, 10, 30);
    await file(4, 10, 30);
    await file(1, 30, 60);
    await file(2, 0, 0);
    expect((await planned()).lanes).toMatchObject([{ records: 60, repeated: 30, gaps: [], files: 4 }]);
    await imported();
    expect(await laneOf(0)).toEqual(events!.map(archivedAs));
  });

  test('numbers that one file leaves out and another has stand in their order', async () => {
    const [events] = capturedLanes(12, 1);
    await writeCapture(from, capturePath(0, 0), captureFile([...events!.slice(0, 3), ...events!.slice(10)]));
    await writeCapture(from, capturePath(0, 1), captureFile(events!.slice(5, 8)));
    await writeCapture(
      from,
      capturePath(0, 2),
      captureFile([...events!.slice(3, 5), ...events!.slice(8, 11)]),
    );
    expect((await planned()).lanes).toMatchObject([{ records: 12, repeated: 1, gaps: [] }]);
    await imported();
    expect(await laneOf(0)).toEqual(events!.map(archivedAs));
  });

  test('a missing file is a gap on record, and so is what came before the first', async () => {
    const [events] = capturedLanes(100, 1);
    await writeCapture(from, capturePath(0, 0), captureFile(events!.slice(10, 40)));
    await writeCapture(from, capturePath(0, 1), captureFile(events!.slice(60, 100)));
    const gaps = [
      { first: 0, next: 10 },
      { first: 40, next: 60 },
    ];
    expect((await planned()).lanes).toMatchObject([{ records: 70, next: 100, gaps }]);
    const epochs = await imported();
    const missing = await missingOffsets(store, epochs, { clock: systemClock, everyMs: 0 })();
    expect(missing).toEqual(gaps.map((gap) => ({ kind: 'gap', epoch: 1, partition: 0, ...gap })));
    expect(await laneOf(0)).toEqual([...events!.slice(10, 40), ...events!.slice(60)].map(archivedAs));
  });

  test('bytes that are no event are archived, and quarantined', async () => {
    const [events] = capturedLanes(4, 1);
    const odd = [
      { ...events![0]!, body: Buffer.from('{"no":"event"}') },
      { ...events![1]!, body: null },
      { ...events![2]!, properties: {} },
      { ...events![3]!, sequence: 3 },
    ];
    await writeCapture(from, capturePath(0, 0), captureFile(odd));
    expect((await planned()).lanes[0]!.outcomes).toEqual({ undecodable: 2, foreign: 1, event: 1 });
    await imported();
    expect(await laneOf(0)).toEqual(odd.map(archivedAs));
  });

  test('by consent, events that no intake wrote get the headers of the epoch, and a key where there is none', async () => {
    const [events] = capturedLanes(10, 1, false);
    const bare = events!.map(({ system: _, ...event }) => event);
    await writeCapture(
      from,
      capturePath(0, 0),
      captureFile([...bare, { sequence: 10, body: Buffer.from('x') }]),
    );
    expect((await planned()).lanes[0]!.outcomes).toEqual({ foreign: 11 });
    expect((await planned({ asEvents: true })).lanes[0]!.outcomes).toEqual({ event: 10, foreign: 1 });
    await imported({ asEvents: true });
    const records = await laneOf(0);
    expect(
      records.slice(0, 10).map(({ key, value, headers }) => [String(key), value, headers.length]),
    ).toEqual(events!.map(({ system, body }) => [String(system!['x-opt-kafka-key']), body, 2]));
    expect(records[10]).toMatchObject({ key: null, headers: [] });
  });

  test('partitions without files are asked for, and there is no more of them than there are', async () => {
    await writeLanes(from, capturedLanes(20));
    expect(await planned({ partitions: 5 })).toMatchObject({ partitions: 5, lanes: { length: 5 } });
    await expect(planned({ partitions: 1 })).rejects.toThrow('CAPTURE_INVALID');
  });
});

describe('nothing is imported', () => {
  const refused = async (code: string, reason = ''): Promise<void> => {
    for (const attempt of [planned, imported]) {
      const error: unknown = await attempt().catch((thrown: unknown) => thrown);
      expect(isFault(error) ? error.message : '').toMatch(new RegExp(`${code}.*${reason}`));
    }
    expect(await readEpochs(store.truth)).toEqual([]);
  };

  test('of a file that was cut off: it is named, with the place', async () => {
    await writeLanes(from, capturedLanes(100, 1));
    const file = captureFile(capturedLanes(140, 1)[0]!.slice(100));
    await writeCapture(from, capturePath(0, 30), file.subarray(0, file.length - 7));
    await refused('CAPTURE_INVALID', '0/2026/07/20/00/30/00.avro.*the file ends inside a block');
  });

  test('where two files hold different events of one number', async () => {
    const [events] = capturedLanes(20, 1);
    await writeCapture(from, capturePath(0, 0), captureFile(events!));
    const other = { ...events![19]!, body: Buffer.from('another') };
    await writeCapture(from, capturePath(0, 1), captureFile([other]));
    await refused('CAPTURE_CONFLICT');
  });

  test('where numbers fall within a file', async () => {
    const [events] = capturedLanes(3, 1);
    await writeCapture(from, capturePath(0, 0), captureFile([events![0]!, events![2]!, events![1]!]));
    await refused('CAPTURE_INVALID', 'SequenceNumber 1 follows 2');
  });

  test('of two hubs, of paths of another layout, of no events', async () => {
    await writeCapture(from, capturePath(0, 0), captureFile([]));
    await refused('CAPTURE_EMPTY');
    await writeCapture(from, capturePath(0, 0, 'other'), captureFile([]));
    await refused('CAPTURE_INVALID', 'several hubs');
    await rm(from, { recursive: true });
    await writeCapture(from, 'x.avro', captureFile([]));
    await refused('CAPTURE_INVALID', 'not of the layout');
  });

  test('into an archive that holds anything, or was begun with other files', async () => {
    await writeLanes(from, capturedLanes(20));
    await imported();
    await expect(imported()).rejects.toThrow('DATA_NOT_EMPTY');
    await store.state.write('importing.json', Buffer.from('{"place":"elsewhere"}'), null);
    await expect(imported()).rejects.toThrow('unfinished elsewhere');
  });
});

test('another layout, and a folder that lies deeper', async () => {
  const [events] = capturedLanes(5, 1);
  await writeCapture(from, '2026/07/20/metadata-0/21/33/43.avro', captureFile(events!));
  const layout = '{Year}/{Month}/{Day}/{EventHub}-{PartitionId}/{Hour}/{Minute}/{Second}';
  expect(await planned({ layout })).toMatchObject({ hub: 'metadata', partitions: 1 });
  await expect(planned({ layout: '{Year}' })).rejects.toThrow('CAPTURE_INVALID');
  await rm(from, { recursive: true });
  await writeLanes(from, [events!]);
  from = join(from, 'hubs/metadata');
  expect(await planned()).toMatchObject({ partitions: 1, hub: '' });
});

describe('stopped in the middle', () => {
  const stop = new Error('stopped');
  test.each([
    ['begun', 1],
    ['segment', 1],
    ['segment', 4],
    ['segments', 1],
    ['epoch', 1],
    ['closed', 1],
  ] as const)('at %s %i: half an archive is no log, and the same again goes on', async (point, nth) => {
    const lanes = capturedLanes(200);
    await writeLanes(from, lanes);
    let times = 0;
    const probe = (at: string): void => {
      if (at === point && ++times === nth) throw stop;
    };
    await expect(imported({ probe })).rejects.toThrow(stop);
    const left = await readEpochs(store.truth);
    expect(left).toHaveLength(point === 'epoch' || point === 'closed' ? 1 : 0);
    expect(await imported({ newLogId: () => 'another' })).toMatchObject([
      { log: '019a9f00-0000-7000-8000-0000000000cc' },
      { epoch: 2 },
    ]);
    for (const [partition, events] of lanes.entries())
      expect(await laneOf(partition)).toEqual(events.map(archivedAs));
    expect(await store.state.read('importing.json')).toBeUndefined();
  });

  test('before it was completed: the same again does that too', async () => {
    await writeLanes(from, capturedLanes(20));
    const complete = async (): Promise<void> => {
      throw stop;
    };
    await expect(imported({ complete })).rejects.toThrow(stop);
    const completed: number[] = [];
    await imported({
      complete: async (epochs) => {
        completed.push(epochs.length);
      },
    });
    expect(completed).toEqual([2]);
    await expect(imported()).rejects.toThrow('DATA_NOT_EMPTY');
  });

  test('files that changed meanwhile are told', async () => {
    await writeLanes(from, capturedLanes(100));
    const probe = (at: string): void => {
      if (at === 'segments') throw stop;
    };
    await expect(imported({ probe })).rejects.toThrow(stop);
    await cp(join(from, capturePath(1, 0)), join(dir, 'kept'));
    await rm(join(from, capturePath(0, 0)));
    await expect(imported()).rejects.toThrow('ARCHIVE_FORK');
  });
});
