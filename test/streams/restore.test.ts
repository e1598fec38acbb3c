import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { embeddedRegistry } from '../../src/adapters/embedded-registry/schema-registry.ts';
import { fileLogHost } from '../../src/adapters/file-log/event-log.ts';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { eventSchemaSha256, eventSchemaText } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { encodeRecord } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import type { EventLog, LogHost } from '../../src/ports/event-log.ts';
import { schemaName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch, readEpochs } from '../../src/streams/epochs.ts';
import { type RestoreContext, type RestoreReport, restore } from '../../src/streams/restore.ts';
import { takeUpRestore } from '../../src/streams/restore-job.ts';
import { planRestore, type RestorePlan, topicFor } from '../../src/streams/restore-plan.ts';
import { manualClock } from '../given/manual-clock.ts';
import { archiveLanes, lanesOf, twoEpochs } from '../given/two-epochs.ts';
import { makeWhole, wholeEpoch } from '../given/whole-archive.ts';
import { anEpoch } from '../given/world.ts';

const asked = { epoch: null, partitions: null, asOf: null };
const all = { asked, anew: false };

let dir: string;
let store: ArchiveStore;
let host: LogHost;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-restore-'));
  store = folderArchive({ dir });
  host = fileLogHost({ dir: join(dir, 'log') });
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

type Given = Partial<RestoreContext> & { readonly request?: Parameters<typeof planRestore>[1] };

const planned = async (given: Given = {}): Promise<RestorePlan> => {
  const epochs = await readEpochs(store.truth);
  return planRestore({ store, clock: systemClock, epochs, host, ...given }, given.request ?? all);
};

async function restored(given: Given = {}): Promise<RestoreReport> {
  const epochs = await readEpochs(store.truth);
  const plan = await planned(given);
  await using registry = embeddedRegistry({ dir: join(dir, 'registry') });
  const context = { store, host, registry, clock: systemClock, epochs, signal: new AbortController().signal };
  return restore({ ...context, onProgress: () => undefined, ...given }, plan);
}

/** A topic as its readers see it. */
async function readTopic(topic: string): Promise<LogRecord[][]> {
  await using log = await host.open(topicFor({ topic, partitions: await host.partitions(topic) }));
  await using reader = await log.reader('outside');
  const lanes: LogRecord[][] = [];
  for (const [partition, { end }] of (await log.bounds()).entries()) {
    const lane = reader.lane(partition, 0);
    const records: LogRecord[] = [];
    while (records.length < end) records.push(...(await lane.pull(AbortSignal.timeout(5_000))).records);
    lanes.push(records);
  }
  return lanes;
}

/** What the archive holds of a record, as readers outside are told it: docs/formats/restored.md by the letter. */
const asRestored = (record: LogRecord, epoch: number, partition: number) => ({
  key: record.key && Buffer.from(record.key),
  value: record.value && Buffer.from(record.value),
  headers: [
    ...record.headers.map(([name, value]) => [Buffer.from(name), value && Buffer.from(value)]),
    [Buffer.from('annal-original-position'), Buffer.from(`${epoch}-${partition}-${record.offset}`)],
    [Buffer.from('annal-original-time'), Buffer.from(String(record.appendTime))],
  ],
});
const seen = ({ key, value, headers }: LogRecord) => ({ key, value, headers });

/** The digest of a partition, from what was archived. */
function digestOf(records: readonly { record: LogRecord; epoch: number; partition: number }[]): string {
  const sum = createHash('sha256');
  for (const { record, epoch, partition } of records) {
    const hash = createHash('sha256').update(encodeRecord(record)).digest('hex');
    const leaf = `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${record.offset},"record":"${hash}"}`;
    sum.update(createHash('sha256').update(`\0${leaf}`).digest());
  }
  return sum.digest('hex');
}

async function oneEpoch(count = 200): Promise<{ readonly epoch: Epoch; readonly lanes: LogRecord[][] }> {
  const lanes = lanesOf(1, 2, count);
  const epoch = await openEpoch(store.truth, anEpoch(1, 2));
  await archiveLanes(store, epoch, lanes);
  return { epoch, lanes };
}

describe('a topic for readers outside', () => {
  test('holds key, value, headers, partition and order of the log, and the digests say so', async () => {
    const { lanes } = await oneEpoch();
    const report = await restored();
    expect(report).toMatchObject({ topic: 'annal.restored.1', equal: true, records: 200, published: 200 });
    expect(await readTopic('annal.restored.1').then((found) => found.map((lane) => lane.map(seen)))).toEqual(
      lanes.map((records, partition) => records.map((record) => asRestored(record, 1, partition))),
    );
    for (const [partition, records] of lanes.entries())
      expect(report.lanes[partition]).toMatchObject({
        archive: {
          records: records.length,
          digest: digestOf(records.map((record) => ({ record, epoch: 1, partition }))),
        },
        equal: true,
        differsAt: null,
      });
    expect((await restored()).topic).toBe('annal.restored.2');
  });

  test('of other partition counts: by key, each URN in order, the newest epoch in its partitions', async () => {
    const { lanes } = await twoEpochs(store);
    const plan = await planned();
    expect(plan).toMatchObject({ partitions: 3, byKey: [1], events: 270, epochs: 2 });
    expect(await restored()).toMatchObject({ equal: true, records: 270 });
    const found = await readTopic('annal.restored.1');
    for (const [partition, records] of found.entries()) {
      const [first, second] = lanes.map((ofEpoch, n) =>
        ofEpoch.flatMap((own, from) =>
          own
            .filter(({ key }) => partitionOf(String(key), 3) === partition)
            .map((record) => asRestored(record, n + 1, from)),
        ),
      );
      expect(records.map(seen)).toEqual([...first!, ...second!]);
    }
  });

  test('what waits to be appended keeps no more of the archive than its own bytes', async () => {
    await twoEpochs(store);
    const kept: number[] = [];
    const watched: LogHost = {
      ...host,
      async open(topic) {
        const log = await host.open(topic);
        const append: EventLog['append'] = (partition, records) => {
          for (const record of records)
            kept.push(record.value!.buffer.byteLength - record.value!.length - record.key!.length);
          return log.append(partition, records);
        };
        return { ...log, append };
      },
    };
    expect(await restored({ host: watched })).toMatchObject({ equal: true, published: 270 });
    expect(kept).toHaveLength(270);
    // Its headers and framing.
    expect(Math.max(...kept)).toBeLessThan(200);
  });

  test('one epoch alone, at a past cut, with so many partitions', async () => {
    await twoEpochs(store);
    const cut = { epoch: 1, next: [10, 20] };
    const request = { asked: { epoch: 1, partitions: 1, asOf: '1:10.20' }, asOf: { cut }, anew: false };
    expect(await restored({ request })).toMatchObject({ partitions: 1, equal: true, records: 30 });
    await expect(planned({ request: { ...request, asked: { ...request.asked, epoch: 2 } } })).rejects.toThrow(
      'EPOCH_UNKNOWN',
    );
  });

  test('holes and gaps are told, and what is there is equal', async () => {
    await makeWhole(store);
    const plan = await planned();
    expect(plan.events).toBe(990);
    expect(plan.missing).toEqual([
      { kind: 'hole', epoch: 1, partition: 0, first: 300, next: 310 },
      { kind: 'gap', epoch: 1, partition: 0, first: 700, next: 800 },
    ]);
    expect(await restored()).toMatchObject({ equal: true, records: 990 });
  });

  test('an archive without events publishes nothing, and says so', async () => {
    await openEpoch(store.truth, wholeEpoch);
    await expect(planned()).rejects.toThrow('RESTORE_EMPTY');
  });

  test('a record that no append can hold is told, and the rest is there', async () => {
    const epoch = await openEpoch(store.truth, anEpoch(1, 1));
    const [records] = lanesOf(1, 1, 3);
    const large = { ...records![1]!, value: Buffer.alloc(1_039_500, 1) };
    await archiveLanes(store, epoch, [[records![0]!, large, records![2]!]]);
    const report = await restored();
    expect(report).toMatchObject({ equal: false, records: 2, omitted: 1 });
    expect(report.omittedFirst).toMatchObject([{ position: '1-0-1' }]);
  });

  test('readers find the schema at the registry of today; the id of before travels in a header', async () => {
    const epoch = await openEpoch(store.truth, anEpoch(1, 1));
    await store.truth.create(schemaName(eventSchemaSha256), Buffer.from(eventSchemaText));
    const [records] = lanesOf(1, 1, 4);
    const framed = records!.map((record) => ({
      ...record,
      value: Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), record.value!]),
    }));
    const stranger = { ...framed[3]!, headers: [] };
    await archiveLanes(store, epoch, [[...framed.slice(0, 3), stranger]]);
    expect(await restored()).toMatchObject({ equal: true, records: 4 });
    const [lane] = await readTopic('annal.restored.1');
    expect(lane!.map(({ value }) => value!.slice(0, 5).at(-1))).toEqual([1, 1, 1, 99]);
    expect(lane!.map(({ headers }) => String(headers.at(-1)![0]))).toEqual([
      ...new Array(3).fill('annal-original-registry-id'),
      'annal-original-time',
    ]);
  });
});

describe('stopped in the middle', () => {
  const stop = new Error('stopped');
  const large = (records: LogRecord[]): LogRecord[] =>
    records.map((record) => ({ ...record, value: Buffer.alloc(300_000, record.offset) }));

  test.each([
    ['begun', 1],
    ['appended', 1],
    ['appended', 4],
    ['published', 1],
  ] as const)('at %s %i: the same again goes on behind what is there', async (point, nth) => {
    const epoch = await openEpoch(store.truth, anEpoch(1, 2));
    const lanes = lanesOf(1, 2, 20).map(large);
    await archiveLanes(store, epoch, lanes);
    let times = 0;
    const probe = (at: string): void => {
      if (at === point && ++times === nth) throw stop;
    };
    await expect(restored({ probe })).rejects.toThrow(stop);
    const there = point === 'begun' ? 0 : (await readTopic('annal.restored.1')).flat().length;
    const report = await restored();
    expect(report).toMatchObject({
      topic: 'annal.restored.1',
      equal: true,
      published: 20 - there,
      records: 20,
    });
    expect((await readTopic('annal.restored.1')).map((lane) => lane.map(seen))).toEqual(
      lanes.map((records, partition) => records.map((record) => asRestored(record, 1, partition))),
    );
  });

  test('by somebody: it says so, and who goes on with it need not wait', async () => {
    await oneEpoch();
    const ended = new AbortController();
    const probe = (point: string): void => {
      if (point === 'begun') ended.abort(stop);
    };
    await expect(restored({ probe, signal: ended.signal })).rejects.toThrow(stop);
    expect((await planned()).resumes!.job.state).toBe('stopped');
    expect(await restored()).toMatchObject({ topic: 'annal.restored.1', equal: true, records: 200 });
  });

  test('an archive that grows meanwhile does not change what the topic holds', async () => {
    const { epochs } = await twoEpochs(store);
    const request = { asked: { ...asked, partitions: 2 }, anew: false };
    const probe = (point: string): void => {
      if (point === 'published') throw stop;
    };
    await expect(restored({ request, probe })).rejects.toThrow(stop);
    const grown = lanesOf(2, 3, 200).map((records) => records.slice(-10));
    const ends = lanesOf(2, 3, 120).map(({ length }) => length);
    await archiveLanes(
      store,
      epochs[1]!,
      grown.map((records, n) => records.map((record, i) => ({ ...record, offset: ends[n]! + i }))),
    );
    expect(await restored({ request })).toMatchObject({ equal: true, records: 270, published: 0 });
    expect(await restored({ request })).toMatchObject({ topic: 'annal.restored.2', records: 300 });
  });

  test('asked for otherwise, or anew, it is another topic', async () => {
    await oneEpoch();
    const probe = (): void => {
      throw stop;
    };
    await expect(restored({ probe })).rejects.toThrow(stop);
    expect(await planned()).toMatchObject({ topic: 'annal.restored.1', resumes: { job: { k: 1 } } });
    for (const request of [
      { asked, anew: true },
      { asked: { ...asked, epoch: 1 }, anew: false },
    ])
      expect(await planned({ request })).toMatchObject({ topic: 'annal.restored.2', resumes: null });
  });
});

describe('a topic that holds something else', () => {
  const prefilled = async (topic: string, partitions = 2): Promise<EventLog> => {
    await host.create(topicFor({ topic, partitions }));
    return host.open(topicFor({ topic, partitions }));
  };
  const stray = { key: null, value: Buffer.from('stray'), headers: [] };

  test('is no free number, and one that is empty is taken', async () => {
    await oneEpoch();
    await using first = await prefilled('annal.restored.1');
    await first.append(0, [stray]);
    await using _second = await prefilled('annal.restored.2');
    expect(await planned()).toMatchObject({ topic: 'annal.restored.2', passedOver: ['annal.restored.1'] });
    expect(await restored()).toMatchObject({ topic: 'annal.restored.2', equal: true });
    await using _third = await prefilled('annal.restored.3', 5);
    await expect(planned()).rejects.toThrow('TOPIC_MISMATCH');
  });

  test('is not gone on with', async () => {
    await oneEpoch();
    const topic = 'annal.restored.1';
    const probe = async (point: string): Promise<void> => {
      if (point !== 'begun') return;
      await using log = await prefilled(topic);
      await log.append(1, [stray]);
      throw new Error('stopped');
    };
    await expect(restored({ probe })).rejects.toThrow('stopped');
    await expect(restored()).rejects.toThrow('RESTORE_DIFFERS');
    expect((await readTopic(topic)).map(({ length }) => length)).toEqual([expect.any(Number), 1]);
  });

  test('written to by somebody else meanwhile: the next append shows it', async () => {
    const epoch = await openEpoch(store.truth, anEpoch(1, 1));
    const [records] = lanesOf(1, 1, 20);
    await archiveLanes(store, epoch, [
      records!.map((record) => ({ ...record, value: Buffer.alloc(300_000) })),
    ]);
    let appended = 0;
    const probe = async (point: string): Promise<void> => {
      if (point !== 'appended' || ++appended > 1) return;
      await using log = await prefilled('annal.restored.1', 1);
      await log.append(0, [stray]);
    };
    await expect(restored({ probe })).rejects.toThrow('RESTORE_DIFFERS');
    expect(appended).toBe(1);
  });

  test('more than was published, at its end: read back, it differs', async () => {
    await oneEpoch();
    const probe = async (point: string): Promise<void> => {
      if (point !== 'published') return;
      await using log = await prefilled('annal.restored.1');
      await log.append(1, [stray]);
    };
    const report = await restored({ probe });
    expect(report.equal).toBe(false);
    expect(report.lanes).toMatchObject([{ equal: true }, { equal: false, differsAt: 'end' }]);
  });

  test('another record in the place of one: read back, its position is named', async () => {
    await oneEpoch();
    const deaf: LogHost = {
      ...host,
      async open(topic) {
        const log = await host.open(topic);
        return {
          ...log,
          append: (partition, given) =>
            log.append(
              partition,
              given.map((record, n) => (n === 7 ? { ...record, headers: [] } : record)),
            ),
        };
      },
    };
    const report = await restored({ host: deaf });
    expect(report.equal).toBe(false);
    expect(report.lanes.map(({ differsAt }) => differsAt)).toEqual(['1-0-7', '1-1-7']);
  });
});

describe('an append without an answer', () => {
  const unanswered = (happens: boolean): LogHost => ({
    ...host,
    lateMs: 1,
    async open(topic) {
      const log = await host.open(topic);
      let silent = true;
      return {
        ...log,
        async append(partition, records) {
          if (!silent) return log.append(partition, records);
          silent = false;
          if (happens) await log.append(partition, records);
          throw new Fault('APPEND_UNKNOWN', { topic: topic.topic });
        },
      };
    },
  });
  test.each([true, false])('that happened: %s: each record is there once', async (happens) => {
    await oneEpoch();
    expect(await restored({ host: unanswered(happens) })).toMatchObject({ equal: true, records: 200 });
  });
});

describe('one run, one owner', () => {
  const left = async () => {
    await oneEpoch();
    const probe = (): void => {
      throw new Fault('APPEND_UNKNOWN');
    };
    await expect(restored({ probe })).rejects.toThrow('APPEND_UNKNOWN');
    const { resumes } = await planned();
    expect(resumes!.job.state).toBe('working');
    return resumes!;
  };

  test('killed, it is taken up once nothing can come to the topic any more', async () => {
    const resumes = await left();
    const clock = manualClock(resumes.job.workedAt + 1_000);
    const hands = { state: store.state, clock };
    const signal = new AbortController().signal;
    const taking = takeUpRestore(hands, resumes, 30_000, signal);
    await clock.advance(33_999);
    expect((await planned()).resumes!.job).toEqual(resumes.job);
    await clock.advance(1);
    expect((await taking).job.owner).not.toBe(resumes.job.owner);
  });

  test('taken up by two, one has it', async () => {
    const resumes = await left();
    const hands = { state: store.state, clock: systemClock };
    const signal = new AbortController().signal;
    const first = await takeUpRestore(hands, resumes, 0, signal);
    await expect(takeUpRestore(hands, resumes, 0, signal)).rejects.toThrow('RESTORE_RUNNING');
    await first.note({ state: 'stopped' });
    const [second] = [await takeUpRestore(hands, (await planned()).resumes!, 0, signal)];
    await expect(first.note({})).rejects.toThrow('RESTORE_RUNNING');
    await second.note({});
  });
});

test('no epoch is a restored topic, whoever says so', async () => {
  const named = { ...anEpoch(1, 1), name: 'annal.restored.1', topic: 'annal.restored.1.e1' };
  await expect(openEpoch(store.truth, named)).rejects.toThrow('EPOCH_INVALID');
  await store.truth.create('epochs/1.json', Buffer.from(JSON.stringify(named)));
  await expect(readEpochs(store.truth)).rejects.toThrow('a restored topic is no epoch');
});
