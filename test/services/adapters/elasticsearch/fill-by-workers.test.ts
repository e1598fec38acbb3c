import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { folderArchive } from '../../../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { fillByWorkers } from '../../../../src/apps/fill-by-workers.ts';
import type { PortSettings } from '../../../../src/composition/settings.ts';
import { rootOf } from '../../../../src/formats/root.ts';
import type { ModelIndex } from '../../../../src/ports/read-model.ts';
import { entities } from '../../../../src/projections/entities.ts';
import { openEventDecoders } from '../../../../src/streams/event-decoders.ts';
import { fillIndex } from '../../../../src/streams/fill-index.ts';
import { modelOfLog } from '../../../../src/streams/own-model.ts';
import { readBack } from '../../../../src/streams/read-back.ts';
import { benchPartitions, fillArchive } from '../../../bench/data.ts';
import { elasticsearchUrl, ownPrefix } from './given.ts';
import { elasticsearchPlants } from './plants.ts';

const events = 6_000;

/** An archive of a few partitions in a folder, an empty index for it, and both with what a fill is told. */
async function given() {
  const dir = await mkdtemp(join(tmpdir(), 'annal-workers-'));
  const place = ownPrefix();
  const store = folderArchive({ dir });
  const { epoch, next } = await fillArchive(store, events);
  const plain = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  const model = modelOfLog(plain, epoch.log);
  const settings: PortSettings = {
    log: { kind: 'kafka', brokers: ['127.0.0.1:1'], retentionMs: 1 },
    archive: { kind: 'folder', dir },
    registry: { kind: 'confluent', url: 'http://127.0.0.1:1' },
    readModel: { kind: 'elasticsearch', url: elasticsearchUrl(), prefix: place.prefix },
  };
  const history = { store, epochs: [epoch], decoders: openEventDecoders(store.truth) };
  const task = (index: ModelIndex, id: string, signal = new AbortController().signal) => ({
    ...{ projection: entities, until: { epoch: 1, next }, index, signal },
    record: { id, clock: systemClock },
  });
  return {
    ...{ model, settings, history, task, log: epoch.log, prefix: place.prefix },
    async [Symbol.asyncDispose]() {
      await plain[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

async function firstOf(index: ModelIndex): Promise<{ readonly id: string } | undefined> {
  for await (const [first] of index.scan()) return first;
  return undefined;
}

async function rootIn(index: ModelIndex): Promise<string> {
  const root = rootOf();
  await index.refresh();
  for await (const documents of index.scan())
    for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

test('several threads fill an index as one does, and what is on record is not done again', async () => {
  await using world = await given();
  const { model, settings, history, task, log } = world;
  const alone = await model.create(entities.definition, 'alone');
  const one = await fillIndex(history, task(alone, 'one'), () => undefined);
  const index = await model.create(entities.definition, 'several');
  const fill = fillByWorkers(settings, log)(3)!;
  const told: number[] = [];
  const filled = await fill(history, task(index, 'several'), ({ records }) => told.push(records));
  expect(filled.root.root()).toBe(one.root.root());
  expect(filled.counts).toEqual(one.counts);
  expect(filled.lanes).toHaveLength(benchPartitions);
  expect(await rootIn(index)).toBe(one.root.root());
  expect(told.at(-1)).toBe(events);
  expect(told).toEqual(told.toSorted((a, b) => a - b));

  await model.drop(index.name);
  const again = await fill(history, task(index, 'several'), () => undefined).catch((error: unknown) => error);
  // The threads look for the index first; in one that is there they would find nothing left to do.
  expect(again).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  const fresh = await model.create(entities.definition, 'fresh');
  const none = await fill(history, task(fresh, 'several'), () => undefined);
  expect(none.root.root()).toBe(one.root.root());
  expect(await rootIn(fresh)).toBe(rootOf().root());
});

test('an index that a search finds as it was folded is read once; a planted value has it read again, and is named', async () => {
  await using world = await given();
  const { model, history, task, prefix } = world;
  const index = await model.create(entities.definition, 'planted');
  const { search: asFolded, root } = await fillIndex(history, task(index, 'planted'), () => undefined);
  await index.refresh();
  let read = 0;
  const options = {
    asFolded,
    signal: new AbortController().signal,
    onRead: () => undefined,
    rest: async () => undefined,
  };
  const counted: ModelIndex = {
    ...index,
    async snapshot() {
      const snapshot = await index.snapshot();
      const scan = (): ReturnType<typeof snapshot.scan> => {
        read += 1;
        return snapshot.scan();
      };
      return { ...snapshot, scan };
    },
  };
  const proven = await readBack(counted, entities, options);
  expect(read).toBe(1);
  expect(proven.root.root()).toBe(root.root());
  expect(proven.search).toMatchObject({ documents: root.size, drawn: 1_000, unfound: 0 });
  const { id } = (await firstOf(index))!;
  await elasticsearchPlants(prefix).value(index, id, 'namespace');
  const planted = await readBack(counted, entities, options);
  expect(read).toBe(3);
  expect(planted.root.root()).toBe(root.root());
  expect(planted.search.named).toContainEqual({ what: 'values', id, field: 'namespace' });
});

test('stopped, all threads end, and nothing is told as filled', async () => {
  await using world = await given();
  const { model, settings, history, task, log } = world;
  const index = await model.create(entities.definition, 'stopped');
  const stopping = new AbortController();
  const fill = fillByWorkers(settings, log)(2)!;
  const filling = fill(history, task(index, 'stopped', stopping.signal), () => stopping.abort());
  await expect(filling).rejects.toMatchObject({ name: 'AbortError' });
});

test('one worker, or a read model with one writer, needs no threads', () => {
  const dir = '/nowhere';
  const settings: PortSettings = {
    log: { kind: 'file', dir },
    archive: { kind: 'folder', dir },
    registry: { kind: 'embedded', dir },
    readModel: { kind: 'sqlite', dir },
  };
  const elasticsearch = {
    ...settings,
    readModel: { kind: 'elasticsearch', url: 'http://x', prefix: 'x' } as const,
  };
  expect(fillByWorkers(settings, 'log')(4)).toBeUndefined();
  expect(fillByWorkers(elasticsearch, 'log')(1)).toBeUndefined();
});
