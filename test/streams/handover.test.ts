import { expect, test } from 'vitest';
import type { ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { startProjector } from '../../src/streams/projector.ts';
import { verify } from '../../src/streams/verify.ts';
import { archiveEvents, rebuildEntities, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const { definition } = entities;

const following = (world: World) =>
  startProjector({
    ...world.context,
    ...{ projection: entities, log: world.log, group: 'annal.entities', lateMs: 0, lookMs: 20, retryMs: 20 },
    build: async () => void (await rebuildEntities(world.context)),
    onNotice: () => undefined,
  });

async function next(model: ReadModel): Promise<number> {
  const index = (await model.serving(definition))!;
  return (await index.progress()).reduce((sum, lane) => sum + lane.next, 0);
}

test('what serves follows the log through a rebuild, and what serves after the swap is no older', async () => {
  await using world = await openWorld(2);
  // What serves is ahead of the archive for a while.
  const archiver = world.archiver({ limits: { flushMs: 800 } });
  const projector = following(world);
  await world.append(tableEvents(30));
  await projector.reach(await world.ends(), soon());
  await archiver.reach(await world.ends(), soon());

  const seen: { readonly before: number; readonly after: number; readonly lanes: string }[] = [];
  let during = 0;
  const model: ReadModel = {
    ...world.model,
    async create(...given) {
      const index = await world.model.create(...given);
      return {
        ...index,
        // Filled to its cut: the log goes on, and what serves with it.
        async snapshot() {
          await world.append(tableEvents(20, 1_000));
          await projector.reach(await world.ends(), soon());
          during = await next(world.model);
          return index.snapshot();
        },
      };
    },
    async swap(...asked) {
      const before = await next(world.model);
      const lanes = projector.status().state;
      await world.model.swap(...asked);
      seen.push({ before, after: await next(world.model), lanes });
    },
  };
  const barrier = { others: false, hold: () => projector.hold() };
  const report = await rebuildEntities({ ...world.context, model, barrier });
  expect(during).toBe(50);
  expect(report).toMatchObject({ events: 30, cut: expect.stringMatching(/^1:/) });
  expect(seen).toEqual([{ before: 50, after: 50, lanes: 'running' }]);

  await world.append(tableEvents(10, 2_000));
  await expect.poll(() => next(world.model), { timeout: 20_000 }).toBe(60);
  await archiver.reach(await world.ends(), soon());
  const verified = await verify(world.context, entities, 'after', () => undefined, soon());
  expect(verified).toMatchObject({ equal: true, index: report.index });
  await projector.stop();
  await archiver.stop();
});

test('where nobody can say when lanes stand, the new index is as far as the archive when it begins to serve', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(10));
  await rebuildEntities(world.context);
  const model: ReadModel = {
    ...world.model,
    async create(...given) {
      const index = await world.model.create(...given);
      return {
        ...index,
        async snapshot() {
          await archiveEvents(world, tableEvents(10, 1_000));
          return index.snapshot();
        },
      };
    },
  };
  await rebuildEntities({ ...world.context, model });
  expect(await next(world.model)).toBe(20);
});

test('what serves and is of an epoch that there is not is waited for no more: the log will never say it', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(10));
  await rebuildEntities(world.context);
  const serving = (await world.model.serving(definition))!;
  await serving.saveProgress([{ epoch: 7, partition: 0, next: 1, timeMax: 0 }]);
  const { clock } = world.context;
  let lookedAgain = 0;
  const counting = {
    now: () => clock.now(),
    wait(waitMs: number, signal?: AbortSignal) {
      if (waitMs === 100) lookedAgain += 1;
      return clock.wait(waitMs, signal);
    },
  };
  const barrier = { others: false };
  await rebuildEntities({ ...world.context, clock: counting, barrier });
  expect(lookedAgain).toBe(0);
  expect(await next(world.model)).toBe(10);
});
