import { expect, test } from 'vitest';
import { foldKeeper } from '../../src/apps/kept-folds.ts';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { rollback } from '../../src/streams/kept-indexes.ts';
import { startKeptProjector } from '../../src/streams/kept-projector.ts';
import { type Projector, type ProjectorOptions, startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { verify } from '../../src/streams/verify.ts';
import entitiesV2 from '../given/entities-v2.ts';
import { archiveEvents, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** A program with one version of `entities`: it follows what serves and what is kept. */
interface Program extends AsyncDisposable {
  readonly context: RebuildContext;
  readonly serving: Projector;
  readonly kept: Projector;
  rebuild(): Promise<string>;
  /** Whether what serves is what its own fold makes of the archive. */
  verified(): Promise<boolean>;
}

function program(world: World, projection: Projection): Program {
  const context = { ...world.context, ...foldKeeper(world.store.state) };
  const options: Omit<ProjectorOptions, 'build'> = {
    ...{ ...context, projection, log: world.log, group: 'annal.entities' },
    ...{ lateMs: 0, lookMs: 5, retryMs: 5, onNotice: () => undefined },
  };
  const [serving, kept] = [
    startProjector({ ...options, build: async () => expect.unreachable('an index serves') }),
    startKeptProjector(options),
  ];
  return {
    ...{ context, serving, kept },
    async rebuild() {
      const plan = await planRebuild(context, projection);
      const id = crypto.randomUUID();
      return (await rebuild(context, projection, plan, id, () => undefined, soon())).index;
    },
    async verified() {
      const barrier = { others: false, hold: () => serving.hold() };
      const id = crypto.randomUUID();
      return (await verify({ ...context, barrier }, projection, id, () => undefined, soon())).equal;
    },
    async [Symbol.asyncDispose]() {
      await serving.stop();
      await kept.stop();
    },
  };
}

const servingIn = async ({ model }: World): Promise<ModelIndex> =>
  (await model.serving(entities.definition))!;

/** Built by a program of version 1, which keeps its code. */
async function builtByV1(world: World): Promise<string> {
  await archiveEvents(world, tableEvents(12));
  const context = { ...world.context, ...foldKeeper(world.store.state) };
  const plan = await planRebuild(context, entities);
  return (await rebuild(context, entities, plan, crypto.randomUUID(), () => undefined, soon())).index;
}

test('under a program of version 2 the index of version 1 is followed by its own fold, before the swap and after; the way back is up to date', async () => {
  await using world = await openWorld(2);
  const first = await builtByV1(world);
  await using v2 = program(world, entitiesV2);

  await archiveEvents(world, tableEvents(9, 12));
  await v2.serving.reach(await world.ends(), soon());
  expect(v2.serving.status()).toMatchObject({ index: first, state: 'running', fault: undefined });
  expect(await v2.verified()).toBe(true);

  const writing = world.append(tableEvents(20, 21));
  const second = await v2.rebuild();
  await writing;
  await archiveEvents(world, tableEvents(7, 41));
  for (const projector of [v2.serving, v2.kept]) {
    await expect.poll(() => projector.status().index).toBe(projector === v2.kept ? first : second);
    await projector.reach(await world.ends(), soon());
  }
  expect(await v2.verified()).toBe(true);

  const back = await rollback(v2.context, entitiesV2, 'back');
  expect(back).toMatchObject({ index: first, version: 1, replaced: second });
  expect(back.tookMs).toBeLessThan(1_000);
  const stands = back.lanes.map(({ next }) => next);
  expect(stands).toEqual(await world.ends());
  expect((await servingIn(world)).definition).toMatchObject({ version: 1, fold: entities.frozen });
  expect(await v2.verified()).toBe(true);

  // A program of version 1 sees in it what it would have made: nothing of version 2 was folded into it.
  await v2[Symbol.asyncDispose]();
  await using v1 = program(world, entities);
  expect(await v1.verified()).toBe(true);
});

test('a way back waits for lanes that are behind and follow; where nobody follows it leads to where they stand', async () => {
  await using world = await openWorld(1);
  const first = await builtByV1(world);
  const v2 = program(world, entitiesV2);
  const second = await v2.rebuild();
  // Until it has seen the swap, it follows what served before.
  const servesSecond = () => expect.poll(() => v2.serving.status().index).toBe(second);
  await servesSecond();
  const resume = await v2.kept.pause();
  await archiveEvents(world, tableEvents(30, 12));
  await v2.serving.reach(await world.ends(), soon());
  let looks = 0;
  // They go on once they were seen behind, and the time that is given to them does not pass.
  const model: ReadModel = {
    ...world.model,
    async open(name, definition) {
      const index = await world.model.open(name, definition);
      if (index === undefined) return undefined;
      const progress = async () => {
        const lanes = await index.progress();
        looks += 1;
        resume();
        return lanes;
      };
      return { ...index, progress };
    },
  };
  const at = world.context.clock.now();
  const clock = { ...world.context.clock, now: () => at };
  const back = await rollback({ ...v2.context, model, clock }, entitiesV2, 'back');
  expect(back).toMatchObject({ index: first, lanes: [{ next: 42 }] });
  expect(looks).toBeGreaterThan(1);

  await rollback(v2.context, entitiesV2, 'forward');
  await servesSecond();
  await v2.kept.stop();
  await archiveEvents(world, tableEvents(5, 42));
  await v2.serving.reach([47], soon());
  const stands = await rollback(v2.context, entitiesV2, 'back');
  expect(stands).toMatchObject({ index: first, lanes: [{ next: 42 }] });
  expect(stands.tookMs).toBeLessThan(1_000);
  await v2.serving.reach([47], soon());
  await v2.serving.stop();
});

test('what is retired or dropped while it is followed is let go of; the lanes of what serves go on', async () => {
  await using world = await openWorld(1);
  await builtByV1(world);
  await using v2 = program(world, entitiesV2);
  await v2.rebuild();
  await v2.rebuild();
  const third = await v2.rebuild();
  await archiveEvents(world, tableEvents(5, 12));
  await v2.serving.reach([17], soon());
  await expect.poll(() => v2.kept.status().lanes).toMatchObject([{ next: 17 }]);
  expect(v2.serving.status()).toMatchObject({ index: third, fault: undefined });
});
