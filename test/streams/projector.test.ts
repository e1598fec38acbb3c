import { describe, expect, test } from 'vitest';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { rootOf } from '../../src/formats/root.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { foldBatch } from '../../src/projections/fold-batch.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { type Projector, type ProjectorOptions, startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { anEvent, at, recordOf } from '../given/events.ts';
import { eventsRead } from '../given/fold.ts';
import { memoryLog } from '../given/memory-log.ts';
import { anEpoch, manyEvents, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;
const events = (count: number, from = 0): MetadataChangeEvent[] =>
  manyEvents(count, (n) => anEvent({ n: from + n, urn: urn((from + n) % 11) }));
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

async function rebuildNow(context: RebuildContext, signal = soon()): Promise<void> {
  const plan = await planRebuild(context, entities);
  await rebuild(context, entities, plan, crypto.randomUUID(), () => undefined, signal);
}

function projectorOf(world: World, options: Partial<ProjectorOptions> = {}): Projector {
  const context = { ...world.context, ...options };
  return startProjector({
    ...context,
    projection: entities,
    log: world.log,
    group: 'annal.entities',
    lateMs: 0,
    build: (signal) => rebuildNow(context, signal),
    onNotice: () => undefined,
    lookMs: 5,
    retryMs: 5,
    ...options,
  });
}

async function rootOfIndex(index: ModelIndex): Promise<string> {
  const root = rootOf();
  for await (const documents of index.scan())
    for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

const serving = async ({ model }: World): Promise<ModelIndex> => (await model.serving(entities.definition))!;

describe('pausing', () => {
  test('ends a first build that is under way; resumed, it is made', async () => {
    await using world = await openWorld(1);
    await world.append(events(20));
    const building = Promise.withResolvers<void>();
    let builds = 0;
    const projector = projectorOf(world, {
      async build(signal) {
        builds += 1;
        building.resolve();
        if (builds === 1) await world.context.clock.wait(60_000, signal);
        await rebuildNow(world.context, signal);
      },
    });
    await building.promise;
    const resume = await projector.pause();
    expect(projector.status().fault).toBeUndefined();
    resume();
    await projector.reach([20], soon());
    expect(builds).toBe(2);
    await projector.stop();
  });

  test('in the moment before a session starts: none starts until it is resumed', async () => {
    await using world = await openWorld(1);
    await world.append(events(5));
    await rebuildNow(world.context);
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let sessions = 0;
    const { state } = world.store;
    const store = {
      ...world.store,
      state: {
        ...state,
        async read(name: string) {
          asked.resolve();
          await answer.promise;
          return state.read(name);
        },
      },
    };
    const projector = projectorOf(world, {
      store,
      onNotice: ({ kind }) => {
        if (kind === 'session') sessions += 1;
      },
    });
    await asked.promise;
    const resume = await projector.pause();
    answer.resolve();
    await expect.poll(() => projector.status().state).toBe('paused');
    expect(sessions).toBe(0);
    resume();
    await projector.reach([5], soon());
    await projector.stop();
  });
});

test('an engine that is away while a batch is being stored is waited for', async () => {
  await using world = await openWorld(1);
  await rebuildNow(world.context);
  const storing = Promise.withResolvers<void>();
  const looked = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  let away = false;
  const model: ReadModel = {
    ...world.model,
    async serving(definition) {
      if (away) {
        looked.resolve();
        throw new Fault('MODEL_UNAVAILABLE', { place: 'a test' });
      }
      const index = await world.model.serving(definition);
      if (index === undefined) return undefined;
      return {
        ...index,
        async store(documents, versionMax) {
          storing.resolve();
          await told.promise;
          return index.store(documents, versionMax);
        },
      };
    },
  };
  const projector = projectorOf(world, { model });
  await world.append(events(5));
  await storing.promise;
  away = true;
  await looked.promise;
  // The look fails while the batch is still on its way.
  await new Promise((resolve) => setImmediate(resolve));
  told.resolve();
  await expect.poll(() => projector.status().state).toBe('waiting');
  away = false;
  await projector.reach([5], soon());
  await expect.poll(() => projector.status()).toMatchObject({ state: 'running', fault: undefined });
  await projector.stop();
});

describe('epochs', () => {
  /** Lays events into the archive as an epoch of so many partitions, and says where it ended. */
  async function archive(
    world: World,
    epoch: Epoch,
    given: readonly MetadataChangeEvent[],
    timeFrom: number,
  ) {
    const lanes = Array.from({ length: epoch.partitions }, (): LogRecord[] => []);
    for (const [n, event] of given.entries()) {
      const lane = lanes[partitionOf(event.urn, epoch.partitions)]!;
      lane.push({ ...recordOf(event, lane.length, epoch.epoch), appendTime: timeFrom + n });
    }
    for (const [partition, records] of lanes.entries()) {
      const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
      if (records.length > 0)
        await world.store.truth.create(segmentName(lane, 0), encodeSegment(lane, records));
    }
    return {
      epoch: epoch.epoch,
      next: lanes.map(({ length }) => length),
      timeMax: timeFrom + given.length - 1,
    };
  }

  test('a closed epoch with an idle lane is folded whole before the next one begins', async () => {
    await using world = await openWorld(2);
    const ended = await archive(world, world.epoch, events(400), 1_763_600_000_000);
    const whole = await planRebuild(world.context, entities);
    const half = { ...whole, until: { epoch: 1, next: [ended.next[0]!, 3] } };
    await rebuild(world.context, entities, half, crypto.randomUUID(), () => undefined, soon());
    const second = await openEpoch(world.store.truth, anEpoch(2, 3, ended));
    await world.host.create(second);
    await using log = await world.host.open(second);
    const epochs = [world.epoch, second];
    const projector = projectorOf(world, { log, epochs });
    await projector.reach([0, 0, 0], soon());
    await expect.poll(async () => (await (await serving(world)).progress()).length).toBe(2);
    await expect
      .poll(async () => (await (await serving(world)).progress()).map(({ next }) => next))
      .toEqual(ended.next);
    const live = await rootOfIndex(await serving(world));
    await projector.stop();
    await rebuildNow({ ...world.context, epochs });
    expect(await rootOfIndex(await serving(world))).toBe(live);
  });
});

test('an index that holds more of a closed epoch than the epoch had is not gone on with', async () => {
  await using world = await openWorld(1);
  await world.append(events(20));
  const first = projectorOf(world);
  await first.reach([20], soon());
  await first.stop();
  // The log was lost, and what the archive did not hold yet with it.
  const second = await openEpoch(world.store.truth, anEpoch(2, 1, { epoch: 1, next: [15], timeMax: 0 }));
  await world.host.create(second);
  await using log = await world.host.open(second);
  const projector = projectorOf(world, { log, epochs: [world.epoch, second] });
  await expect(projector.reach([0], soon())).rejects.toMatchObject({
    code: 'VERSION_AHEAD',
    facts: { epoch: 1, partition: 0, next: 20, end: 15 },
  });
  await projector.stop();
});

test('what a crash stored ahead of its progress is gone on with, also where the log has forgotten it', async () => {
  await using world = await openWorld(1);
  const log = memoryLog();
  log.records = events(30).map((event, offset) => recordOf(event, offset));
  await rebuildNow(world.context);
  const crashed = projectorOf(world, {
    log,
    probe: (point) => {
      if (point === 'after-states') throw new Fault('MODEL_UNAVAILABLE', { place: 'a test' });
    },
  });
  await expect.poll(() => crashed.status().fault?.code).toBe('MODEL_UNAVAILABLE');
  await crashed.stop();
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  for (const [first, next] of [
    [0, 10],
    [10, 25],
  ] as const)
    await world.store.truth.create(
      segmentName(lane, first),
      encodeSegment(lane, log.records.slice(first, next)),
    );
  [log.first, log.records] = [20, log.records.slice(20)];
  const next: number[] = [];
  const projector = projectorOf(world, {
    log,
    onNotice: (notice) => {
      if (notice.kind === 'progress') next.push(notice.lane.next);
    },
  });
  await projector.reach([30], soon());
  expect(next).toEqual([10, 25, 30]);
  await projector.stop();
});

describe('a projection that halted', () => {
  /** A serving index that stands further than the log it is read from. */
  async function ahead(world: World): Promise<ModelIndex> {
    await rebuildNow(world.context);
    const index = await serving(world);
    const [read] = eventsRead([anEvent({ urn: urn(3) })]);
    if (read?.kind !== 'event') throw new Error('not an event');
    const [state] = foldBatch(entities, new Map(), [{ ...read, position: at(900) }]).states;
    await index.store([state!], state!.version);
    return index;
  }

  test('says why, and goes on once another index serves', async () => {
    await using world = await openWorld(1);
    const old = await ahead(world);
    const projector = projectorOf(world);
    await world.append(events(11));
    await expect(projector.reach([11], soon())).rejects.toMatchObject({ code: 'VERSION_AHEAD' });
    expect(projector.status()).toMatchObject({ state: 'halted', index: old.name });
    await rebuildNow(world.context);
    await expect.poll(() => projector.status().state).toBe('running');
    await projector.reach([11], soon());
    expect(projector.status()).toMatchObject({ state: 'running', fault: undefined });
    await projector.stop();
  });

  test('can be stopped', async () => {
    await using world = await openWorld(1);
    await ahead(world);
    const projector = projectorOf(world);
    await world.append(events(11));
    await expect(projector.reach([11], soon())).rejects.toMatchObject({ code: 'VERSION_AHEAD' });
    await projector.stop();
  });
});
