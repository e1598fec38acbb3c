import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { IndexSnapshot } from '../../src/ports/index-snapshot.ts';
import type { ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { VerifyContext } from '../../src/streams/look.ts';
import { startProjector } from '../../src/streams/projector.ts';
import { verify } from '../../src/streams/verify.ts';
import { verifyLaws } from '../contracts/verify-model.ts';
import { archiveEvents, rebuildEntities, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { sqlitePlants } from '../given/sqlite-plants.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

describe('SQLite', () =>
  verifyLaws(async ({ dir, model }) => ({
    model,
    plant: sqlitePlants(join(dir, 'read')),
    [Symbol.asyncDispose]: async () => undefined,
  })));

const alone = { others: false };

async function built(): Promise<World> {
  const world = await openWorld(2);
  await archiveEvents(world, tableEvents(20));
  await rebuildEntities(world.context);
  return world;
}

/** A model whose serving index shows otherwise than it is. */
const showing = (world: World, show: (snapshot: IndexSnapshot) => Partial<IndexSnapshot>): ReadModel => ({
  ...world.model,
  async serving(definition) {
    const index = (await world.model.serving(definition))!;
    const snapshot = async (): Promise<IndexSnapshot> => {
      const held = await index.snapshot();
      return { ...held, ...show(held) };
    };
    return { ...index, snapshot };
  },
});

const verified = (context: VerifyContext, signal = soon()) =>
  verify(context, entities, crypto.randomUUID(), () => undefined, signal);

test('where lanes are silent, a difference that a second look does not find again is none', async () => {
  await using world = await built();
  let scans = 0;
  const model = showing(world, (held) => ({
    async *scan() {
      scans += 1;
      if (scans > 2) yield* held.scan();
    },
  }));
  const silent = { others: true, waitMs: 0 };
  expect(await verified({ ...world.context, model, barrier: silent })).toMatchObject({
    equal: true,
    silent: [0, 1],
  });
  scans = 0;
  expect(await verified({ ...world.context, model, barrier: alone })).toMatchObject({
    equal: false,
    silent: [],
    differing: 7,
  });
});

test('a stop ends it, also while differences are being named', async () => {
  await using world = await built();
  const stopping = new AbortController();
  let scans = 0;
  const model = showing(world, (held) => ({
    async *scan() {
      scans += 1;
      if (scans === 2) stopping.abort(new Error('stopped'));
      for await (const documents of held.scan()) yield documents.slice(1);
    },
  }));
  const context = { ...world.context, model, barrier: alone };
  await expect(verified(context, stopping.signal)).rejects.toThrow('stopped');
  expect(scans).toBe(2);
});

/** Follows the log with `entities`, and counts the batches that begin while `held()`. */
function following(world: World, held: () => boolean = () => false) {
  let batchesWhileHeld = 0;
  const projector = startProjector({
    ...world.context,
    projection: entities,
    log: world.log,
    group: 'annal.entities',
    lateMs: 0,
    build: () => Promise.reject(new Error('nothing to build')),
    onNotice: () => undefined,
    lookMs: 20,
    retryMs: 20,
    probe: () => {
      if (held()) batchesWhileHeld += 1;
    },
  });
  return { projector, batchesWhileHeld: () => batchesWhileHeld };
}

test.for([
  'in this process',
  'in another one',
])('on a log that never rests it ends, exact at a barrier of lanes %s, which go on', async (where) => {
  await using world = await built();
  const archiver = world.archiver();
  let held = false;
  const { projector, batchesWhileHeld } = following(world, () => held);
  let [appending, appended] = [true, 20];
  const busy = (async () => {
    for (; appending; appended += 5) {
      await world.append(tableEvents(5, appended));
      await projector.reach(await world.ends(), soon());
    }
  })();
  const model: ReadModel = {
    ...world.model,
    async serving(definition) {
      const index = (await world.model.serving(definition))!;
      const snapshot = async () => {
        held = true;
        await world.append(tableEvents(5, 100_000 + appended));
        const taken = await index.snapshot();
        held = false;
        return taken;
      };
      return { ...index, snapshot };
    },
  };
  const barrier = where === 'in this process' ? { others: false, hold: () => projector.hold() } : {};
  const archivedTo = (next: readonly number[]) => archiver.reach(next, soon());
  for (let turn = 0; turn < 3; turn += 1) {
    const before = appended;
    const report = await verified({ ...world.context, model, barrier, archivedTo });
    expect(report).toMatchObject({ equal: true, silent: [], differing: 0 });
    expect(report.events).toBeGreaterThanOrEqual(before - 5);
    expect(projector.status().state).toBe('running');
  }
  expect(batchesWhileHeld()).toBe(0);
  appending = false;
  await busy;
  await projector.stop();
  await archiver.stop();
  for await (const { name } of world.store.state.list('rebuilds/entities/barrier/')) expect(name).toBe('');
});

test('lanes that halted at a version from the future go on once it is repaired', async () => {
  await using world = await built();
  const plant = sqlitePlants(join(world.dir, 'read'));
  const index = (await world.model.serving(entities.definition))!;
  await plant.body(index, tableUrn(1), (body) => body, 2 ** 50);
  const { projector } = following(world);
  await archiveEvents(world, tableEvents(20, 20));
  await expect(projector.reach(await world.ends(), soon())).rejects.toMatchObject({ code: 'VERSION_AHEAD' });
  const barrier = { ...alone, hold: () => projector.hold() };
  const context = { ...world.context, barrier };
  const report = await verify(context, entities, 'v1', () => undefined, soon(), { repair: true });
  expect(report).toMatchObject({ equal: true, repair: { written: 1, removed: 0 } });
  expect(report.repair!.differences).toMatchObject([{ id: tableUrn(1), what: 'version-ahead' }]);
  const goesOn = async (): Promise<void> => {
    while (projector.status().state !== 'running') await world.context.clock.wait(5, soon());
  };
  await goesOn();
  await projector.reach(await world.ends(), soon());
  expect(await verified(context)).toMatchObject({ equal: true, events: 40 });
  await projector.stop();
});
