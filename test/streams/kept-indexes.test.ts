import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import type { ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { withClaim } from '../../src/streams/claim.ts';
import { predecessor, retire, rollback } from '../../src/streams/kept-indexes.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { archiveEvents, rebuildEntities, rootOfIndex, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const { definition } = entities;
const serving = async (world: World): Promise<string> => (await world.model.serving(definition))!.name;
const indexes = async (world: World): Promise<string[]> =>
  (await world.model.list()).map(({ name }) => name).sort();
const kept = async (world: World): Promise<string | undefined> =>
  (await predecessor(world.context, entities))?.index.name;

test('a swap keeps the index before it, and the next swap drops that one: there is one way back', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  const first = await rebuildEntities(world.context);
  expect([await kept(world), first.replaced]).toEqual([undefined, null]);
  const second = await rebuildEntities(world.context);
  expect([await kept(world), second.replaced]).toEqual([first.index, first.index]);
  expect(await planRebuild(world.context, entities)).toMatchObject({
    replaces: second.index,
    drops: first.index,
  });
  const third = await rebuildEntities(world.context);
  expect(await indexes(world)).toEqual([second.index, third.index].sort());
  expect(await kept(world)).toBe(second.index);
});

test('rolled back, the index that served before serves as it stood; the same again goes forward', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  const before = await rebuildEntities(world.context);
  await archiveEvents(world, tableEvents(5, 5));
  const after = await rebuildEntities(world.context);
  const back = await rollback(world.context, entities, 'back');
  expect(back).toMatchObject({ index: before.index, replaced: after.index, lanes: [{ next: 5 }] });
  expect(back.tookMs).toBeLessThan(1_000);
  expect(await serving(world)).toBe(before.index);
  expect(await rootOfIndex((await world.model.serving(definition))!)).toBe(before.root);
  expect(await rollback(world.context, entities, 'forward')).toMatchObject({ index: after.index });
  expect(await serving(world)).toBe(after.index);
});

test('retired, what was kept is gone, and there is no way back', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  const notKept = { code: 'INDEX_NOT_KEPT' };
  await expect(rollback(world.context, entities, 'a')).rejects.toMatchObject(notKept);
  const first = await rebuildEntities(world.context);
  await expect(rollback(world.context, entities, 'b')).rejects.toMatchObject(notKept);
  await expect(retire(world.context, entities, 'c', first.index)).rejects.toMatchObject(notKept);
  const second = await rebuildEntities(world.context);
  expect(await retire(world.context, entities, 'd')).toBe(first.index);
  expect(await indexes(world)).toEqual([second.index]);
  for (const again of [rollback, retire])
    await expect(again(world.context, entities, 'e')).rejects.toMatchObject(notKept);
});

test('while somebody rebuilds or verifies, nothing is rolled back or retired: the holder is named', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  await rebuildEntities(world.context);
  await rebuildEntities(world.context);
  const claim = { state: world.store.state, clock: world.context.clock, projection: 'entities' };
  await withClaim(claim, { id: 'holder', kind: 'rebuild' }, async () => {
    for (const change of [rollback, retire])
      await expect(change(world.context, entities, 'x')).rejects.toMatchObject({
        code: 'REBUILD_RUNNING',
        facts: { id: 'holder' },
      });
  });
});

test('an index of another version does not come back where nothing could follow with it', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  await rebuildEntities(world.context);
  await rebuildEntities(world.context);
  const later = { ...entities, definition: { ...definition, version: definition.version + 1 } };
  await expect(rollback(world.context, later, 'x')).rejects.toMatchObject({ code: 'FOLD_NOT_KEPT' });
});

/** A read model whose swaps happen, or not, and are not answered. */
const unanswered = (world: World, happens: boolean): ReadModel => ({
  ...world.model,
  async swap(...asked) {
    if (happens) await world.model.swap(...asked);
    throw new Fault('MODEL_UNAVAILABLE', { place: 'a test', reply: 'lost' });
  },
});

test('a swap whose answer is lost is looked up where it is recorded', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(5));
  const first = await rebuildEntities(world.context);
  const happened = { ...world.context, model: unanswered(world, true) };
  const second = await rebuildEntities(happened);
  expect([await serving(world), await kept(world)]).toEqual([second.index, first.index]);
  expect(await rollback(happened, entities, 'back')).toMatchObject({ index: first.index });

  const lost = { ...world.context, model: unanswered(world, false) };
  await expect(rebuildEntities(lost)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  // What is kept is still what served before, though the record of a swap is written ahead of it.
  expect([await serving(world), await kept(world)]).toEqual([first.index, second.index]);
  await expect(rollback(lost, entities, 'back')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  const third = await rebuildEntities(world.context);
  expect(third.resumed).toBe(1);
  expect([await serving(world), await kept(world)]).toEqual([third.index, first.index]);
});
