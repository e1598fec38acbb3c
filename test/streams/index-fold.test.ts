import { expect, test } from 'vitest';
import type { ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { foldOfIndex } from '../../src/streams/index-fold.ts';
import { rollback } from '../../src/streams/kept-indexes.ts';
import { type Projector, startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { verify } from '../../src/streams/verify.ts';
import entitiesV2 from '../given/entities-v2.ts';
import { archiveEvents, rebuildEntities, rootOfIndex, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

const follow = (world: World, projection: Projection): Projector =>
  startProjector({
    ...world.context,
    ...{ projection, log: world.log, group: 'annal.entities', lateMs: 0, lookMs: 5, retryMs: 5 },
    build: async () => expect.unreachable('an index serves'),
    onNotice: () => undefined,
  });

const serving = async ({ model }: World): Promise<ModelIndex> => (await model.serving(entities.definition))!;

async function rebuildAs(world: World, projection: Projection): Promise<string> {
  const plan = await planRebuild(world.context, projection);
  const id = crypto.randomUUID();
  return (await rebuild(world.context, projection, plan, id, () => undefined, soon())).index;
}

/** Built by version 1, and one event behind its log. */
async function builtByV1(): Promise<World> {
  const world = await openWorld(1);
  await archiveEvents(world, tableEvents(12));
  await rebuildEntities(world.context);
  await archiveEvents(world, tableEvents(1, 12));
  return world;
}

const changed: Projection = { ...entities, frozen: 'ab'.repeat(32) };

test('a lane folds nothing into an index of another version: it halts, names both and what to run, and goes on once that is done', async () => {
  await using world = await builtByV1();
  const before = await rootOfIndex(await serving(world));
  const projector = follow(world, entitiesV2);
  await expect.poll(() => projector.status().state).toBe('halted');
  expect(projector.status().fault).toMatchObject({
    code: 'FOLD_NOT_KEPT',
    facts: { indexVersion: 1, programVersion: 2, run: 'annal rebuild entities' },
  });
  expect(await rootOfIndex(await serving(world))).toBe(before);
  const index = await rebuildAs(world, entitiesV2);
  await expect.poll(() => projector.status().state).toBe('running');
  await archiveEvents(world, tableEvents(3, 13));
  await projector.reach([16], soon());
  expect(projector.status()).toMatchObject({ index, state: 'running', fault: undefined });
  await projector.stop();
});

test('a fold that was changed under the number it had folds nothing either', async () => {
  await using world = await builtByV1();
  const projector = follow(world, changed);
  await expect.poll(() => projector.status().state).toBe('halted');
  expect(projector.status().fault).toMatchObject({
    code: 'FOLD_NOT_KEPT',
    facts: { indexVersion: 1, programVersion: 1, reason: 'one number, two folds' },
  });
  await projector.stop();
});

test('an index that notes no fold is told by its version', async () => {
  await using world = await openWorld(1);
  const old = await world.model.create(entities.definition, 'old');
  expect(await foldOfIndex(entities, old, undefined)).toBe(entities);
  await expect(foldOfIndex(entitiesV2, old, undefined)).rejects.toMatchObject({ code: 'FOLD_NOT_KEPT' });
});

test('an index is not verified, repaired or rolled back to by a fold that did not make it', async () => {
  await using world = await builtByV1();
  const before = await rootOfIndex(await serving(world));
  const alone = { ...world.context, barrier: { others: false } };
  const notKept = { code: 'FOLD_NOT_KEPT' };
  for (const repair of [false, true])
    await expect(
      verify(alone, entitiesV2, crypto.randomUUID(), () => undefined, soon(), { repair }),
    ).rejects.toMatchObject(notKept);
  expect(await rootOfIndex(await serving(world))).toBe(before);
  const index = await rebuildAs(world, entitiesV2);
  await expect(rollback(world.context, entitiesV2, 'back')).rejects.toMatchObject(notKept);
  expect((await serving(world)).name).toBe(index);
});

test('a kept fold is taken for the index that names it, and only if it made that index', async () => {
  const index = {
    name: 'entities-v1-x',
    definition: { ...entities.definition, fold: entities.frozen, bundle: 'b' },
  };
  const asked: string[] = [];
  const keeping = (kept: Projection | undefined) => async (bundle: string) => {
    asked.push(bundle);
    return kept;
  };
  expect(await foldOfIndex(entitiesV2, index, keeping(entities))).toBe(entities);
  for (const other of [undefined, changed, entitiesV2])
    await expect(foldOfIndex(entitiesV2, index, keeping(other))).rejects.toMatchObject({
      facts: { bundle: 'b' },
    });
  expect(asked).toEqual(['b', 'b', 'b', 'b']);
});
