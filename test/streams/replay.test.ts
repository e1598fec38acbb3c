import { describe, expect, test } from 'vitest';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { rootOf } from '../../src/formats/root.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { Document, LaneProgress, ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projections } from '../../src/projections/registry.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { foldHistory } from '../../src/streams/fold-history.ts';
import { type ProjectPoint, projectSlice } from '../../src/streams/project-slice.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import type { RebuildReport } from '../../src/streams/rebuild-report.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { anEpoch, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;

/** Changes, repeats and deletions of a few entities, whose append times fall back now and then. */
const records = (epoch: number, count: number, timeFrom: number): LogRecord[] =>
  Array.from({ length: count }, (_, offset) => {
    const event: MetadataChangeEvent = anEvent({
      n: epoch * 1_000 + (offset % 9 === 8 ? offset - 1 : offset),
      urn: urn(offset % 5),
      ...(offset % 11 === 10 ? { aspect: null, change: 'DELETE' } : {}),
    });
    const appendTime = timeFrom + (offset % 7 === 6 ? offset - 5 : offset);
    return { ...recordOf(event, offset, epoch), appendTime };
  });

async function rootOfIndex(index: ModelIndex): Promise<string> {
  const root = rootOf();
  for await (const documents of index.scan())
    for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

const start = (epoch: Epoch): LaneProgress => ({
  epoch: epoch.epoch,
  partition: 0,
  next: 0,
  timeMax: epoch.previous?.timeMax ?? 0,
});

/** Projects a lane in slices of the given size, from where the index stands; stops where `probe` throws. */
async function project(
  { context: { decoders } }: World,
  projection: Projection,
  index: ModelIndex,
  given: { readonly epoch: Epoch; readonly log: readonly LogRecord[]; readonly size: number },
  probe?: (point: ProjectPoint, lane: LaneProgress) => void,
): Promise<void> {
  const { epoch, log, size } = given;
  const saved = (await index.progress()).find((lane) => lane.epoch === epoch.epoch);
  let lane = saved ?? start(epoch);
  while (lane.next < log.length) {
    const slice = { records: log.slice(lane.next, lane.next + size), next: 0 };
    slice.next = lane.next + slice.records.length;
    const context = { projection, index, decoders, ...(probe === undefined ? {} : { probe }) };
    lane = await projectSlice(context, epoch, lane, slice, {
      logEnd: log.length,
      newestEpoch: epoch.epoch,
    });
  }
}

const rebuildNow = async (context: RebuildContext, projection: Projection): Promise<RebuildReport> =>
  rebuild(
    context,
    projection,
    await planRebuild(context, projection),
    crypto.randomUUID(),
    () => undefined,
    AbortSignal.timeout(20_000),
  );

/** Puts a lane into the archive as one segment. */
const archive = async ({ store }: World, epoch: Epoch, log: readonly LogRecord[]): Promise<void> => {
  const lane = { topic: epoch.name, epoch: epoch.epoch, partition: 0 };
  await store.truth.create(segmentName(lane, 0), encodeSegment(lane, log));
};

/** `entities`, of which the engine cannot search one: a field of it has another type than the definition says. */
const unsearchable = (of: Projection, id: string): Projection => ({
  ...of,
  stateDocument(state) {
    const document = of.stateDocument(state);
    return document.id === id ? { ...document, search: { ...document.search, platform: 12 } } : document;
  },
  searchOf(document) {
    const search = of.searchOf(document);
    return document.id === id ? { ...search, platform: 12 } : search;
  },
});

const points: readonly ProjectPoint[] = ['before-store', 'after-documents', 'after-states', 'after-progress'];
const log = records(1, 60, 1_763_600_000_000);

describe.each(
  projections.map((projection) => [projection.definition.projection, projection] as const),
)('%s', (_, projection) => {
  test('stopped at any point and gone on with: nothing is missing, nothing is doubled', async () => {
    await using world = await openWorld(1);
    const given = { epoch: world.epoch, log, size: 20 };
    const whole = await world.model.create(projection.definition, 'whole');
    await project(world, projection, whole, given);
    for (const [nth, point] of points.entries()) {
      const index = await world.model.create(projection.definition, `stopped${nth}`);
      const stopping = project(world, projection, index, given, (at, lane) => {
        if (at === point && lane.next >= 20) throw new Error('stopped');
      });
      await expect(stopping).rejects.toThrow('stopped');
      await project(world, projection, index, given);
      expect(await rootOfIndex(index), point).toBe(await rootOfIndex(whole));
    }
  });

  test('where slices are cut does not show, also where times fall back', async () => {
    await using world = await openWorld(1);
    const roots = new Set<string>();
    for (const size of [1, 7, 60]) {
      const index = await world.model.create(projection.definition, `size${size}`);
      await project(world, projection, index, { epoch: world.epoch, log, size });
      roots.add(await rootOfIndex(index));
    }
    expect(roots.size).toBe(1);
  });

  test('however a replay gathers records into windows, its documents are those of the live fold', async () => {
    await using world = await openWorld(1);
    const { store, decoders } = world.context;
    const index = await world.model.create(projection.definition, 'live');
    await project(world, projection, index, { epoch: world.epoch, log, size: 20 });
    const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
    for (let first = 0; first < log.length; first += 7)
      await store.truth.create(segmentName(lane, first), encodeSegment(lane, log.slice(first, first + 7)));
    const until = { epoch: 1, next: [log.length] };
    const history = { store, epochs: [world.epoch], until, decoders };
    for (const windowBytes of [1, 3_000, 1_000_000]) {
      const [root, counts] = [rootOf(), { records: 0, outcomes: {} }];
      for await (const documents of foldHistory(projection, history, counts, () => undefined, windowBytes))
        for (const { id, version, body } of documents) root.add(id, version, body);
      expect(root.root()).toBe(await rootOfIndex(index));
      expect(counts.records).toBe(log.length);
    }
  });

  test('a replay of two epochs is what was live, though the second began at an earlier time', async () => {
    await using world = await openWorld(1);
    const timeMax = Math.max(...log.map(({ appendTime }) => appendTime));
    const previous = { epoch: 1, next: [log.length], timeMax };
    const second = await openEpoch(world.store.truth, anEpoch(2, 1, previous));
    const later = records(2, 30, timeMax - 20);
    await archive(world, world.epoch, log);
    await archive(world, second, later);
    const live = await world.model.create(projection.definition, 'live');
    await project(world, projection, live, { epoch: world.epoch, log, size: 20 });
    await project(world, projection, live, { epoch: second, log: later, size: 20 });
    const root = await rootOfIndex(live);
    const report = await rebuildNow({ ...world.context, epochs: [world.epoch, second] }, projection);
    expect(report.root).toBe(root);
  });

  test('a document that is not what was folded keeps the new index from serving', async () => {
    await using world = await openWorld(1);
    await archive(world, world.epoch, log);
    await rebuildNow(world.context, projection);
    const serving = (await world.model.serving(projection.definition))!;
    const forging: ReadModel = {
      ...world.model,
      async create(definition, suffix) {
        const index = await world.model.create(definition, suffix);
        return { ...index, store: (documents, most) => index.store(forged(documents), most) };
      },
    };
    await expect(rebuildNow({ ...world.context, model: forging }, projection)).rejects.toMatchObject({
      code: 'REBUILD_DIFFERS',
      facts: { documents: expect.any(Number), found: expect.any(Number) },
    });
    expect((await world.model.serving(projection.definition))?.name).toBe(serving.name);
    expect((await world.model.list()).map(({ name }) => name)).toEqual([serving.name]);
    // What cannot be cleared away then hides nothing.
    const away = (): Promise<never> => Promise.reject(new Fault('MODEL_UNAVAILABLE', { place: 'a test' }));
    const kept = { ...world.context, model: { ...forging, drop: away } };
    await expect(rebuildNow(kept, projection)).rejects.toMatchObject({ code: 'REBUILD_DIFFERS' });
  });
});

/** As many documents, and one byte of one of them is another. */
const forged = <Given extends Pick<Document, 'body'>>([first, ...others]: readonly Given[]): Given[] => [
  { ...first!, body: Buffer.from(Buffer.from(first!.body).toString().replace('table', 'tabel')) },
  ...others,
];

describe('a document that the engine cannot search', () => {
  const projection = unsearchable(entities, urn(1));

  test('its entity goes on, and is found as soon as it can be', async () => {
    await using world = await openWorld(1);
    const index = await world.model.create(entities.definition, 'live');
    const given = { epoch: world.epoch, log: log.slice(0, 30), size: 10 };
    await project(world, projection, index, given);
    await index.refresh();
    expect((await world.model.list())[0]).toMatchObject({ unindexable: 1 });
    await project(world, entities, index, { ...given, log });
    await index.refresh();
    expect((await world.model.list())[0]).toMatchObject({ unindexable: 0 });
    const straight = await world.model.create(entities.definition, 'straight');
    await project(world, entities, straight, { epoch: world.epoch, log, size: 10 });
    expect(await rootOfIndex(index)).toBe(await rootOfIndex(straight));
  });

  test('a rebuild with one is refused and leaves what serves; accepted, it names it', async () => {
    await using world = await openWorld(1);
    await archive(world, world.epoch, log);
    await expect(rebuildNow(world.context, projection)).rejects.toMatchObject({
      code: 'REBUILD_UNINDEXABLE',
      facts: { unindexable: 1, first: expect.stringContaining(`${urn(1)}: FIELD_MISTYPED`) },
    });
    expect(await world.model.list()).toEqual([]);
    const report = await rebuildNow({ ...world.context, acceptUnindexable: 1 }, projection);
    expect(report).toMatchObject({ unindexable: 1, unsearchable: [{ id: urn(1) }] });
    const serving = (await world.model.serving(entities.definition))!;
    expect(await rootOfIndex(serving)).toBe(report.root);
  });
});
