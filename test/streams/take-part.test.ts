import { expect, test } from 'vitest';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { liveClaim, withClaim } from '../../src/streams/claim.ts';
import { claimStaleMs } from '../../src/streams/heartbeat.ts';
import { openNextEpoch } from '../../src/streams/next-epoch.ts';
import { markCancelled, readJob } from '../../src/streams/rebuild-job.ts';
import type { RebuildProgress } from '../../src/streams/rebuild-pace.ts';
import type { RebuildContext } from '../../src/streams/rebuild-plan.ts';
import type { RebuildReport } from '../../src/streams/rebuild-report.ts';
import { takePart } from '../../src/streams/take-part.ts';
import { archiveEvents, blobsBelow, rebuildEntities, rootOfIndex, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const partitions = 4;
const of = 3;

/** Time goes as fast as it is looked at, and may be moved. */
function hurried({ context }: World) {
  const moved = { byMs: 0 };
  const { clock } = context;
  const wait = (ms: number, signal?: AbortSignal) => clock.wait(Math.min(ms, 5), signal);
  return { moved, context: { ...context, clock: { now: () => clock.now() + moved.byMs, wait } } };
}

const part = (
  context: RebuildContext,
  nth: number,
  {
    run = 'nightly',
    signal = AbortSignal.timeout(20_000),
    onProgress = (_: RebuildProgress): void => undefined,
  } = {},
): Promise<RebuildReport> =>
  takePart(context, {
    ...{ projection: entities, run, signal, onProgress, member: { by: `p${nth}`, nth, of } },
    newId: () => crypto.randomUUID(),
  });

/** How many indexes were made, and what happens to each store. */
function counted(world: World, onStore: () => Promise<void> = async () => undefined) {
  const created: string[] = [];
  const wrap = (index: ModelIndex): ModelIndex => ({
    ...index,
    async store(...given) {
      await onStore();
      return index.store(...given);
    },
  });
  const model: ReadModel = {
    ...world.model,
    async create(...asked) {
      const index = await world.model.create(...asked);
      created.push(index.name);
      return wrap(index);
    },
    async open(...asked) {
      const index = await world.model.open(...asked);
      return index === undefined ? undefined : wrap(index);
    },
  };
  return { created, model };
}

const serving = async (world: World): Promise<string | undefined> =>
  (await world.model.serving(entities.definition))?.name;

test('all that take part end with the one report, which says who did what; who comes later gets it too', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const alone = await rebuildEntities(world.context);
  const { created, model } = counted(world);
  const context = { ...hurried(world).context, model };
  const reports = await Promise.all([0, 1, 2].map((nth) => part(context, nth)));
  const [report] = reports as [RebuildReport, ...RebuildReport[]];
  expect(new Set(reports.map(({ id }) => id)).size).toBe(1);
  expect(report).toMatchObject({ root: alone.root, documents: alone.documents, replaced: alone.index });
  expect(report.ledBy).toMatch(/^p[0-2]$/);
  const { members = [] } = report;
  expect(members.reduce((sum, { units }) => sum + units, 0)).toBe(partitions);
  expect(members.reduce((sum, { documents }) => sum + documents, 0)).toBe(alone.documents);
  expect(await serving(world)).toBe(report.index);
  expect(await rootOfIndex((await world.model.serving(entities.definition))!)).toBe(report.root);
  expect(await blobsBelow(world, `rebuilds/${report.id}/`)).toEqual([]);

  expect(await part(context, 1)).toEqual(report);
  expect(created).toEqual([report.index]);
  const next = await part(context, 1, { run: 'the-next' });
  expect(next.id).not.toBe(report.id);
  expect(created).toEqual([report.index, next.index]);
});

test('each of them tells how much of all epochs is done', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const end = { epoch: 1, next: await world.ends(), timeMax: Date.now() };
  const opened = { partitions, openedAt: world.epoch.openedAt };
  const epochs = [world.epoch, await openNextEpoch(world.store.truth, world.epoch, end, opened)];
  const all = Promise.withResolvers<void>();
  const { model } = counted(world, () => all.promise);
  const context = { ...hurried(world).context, model, epochs };
  const told = new Map<number, Set<number>>();
  const parts = [0, 1].map((nth) =>
    part(context, nth, {
      onProgress({ phase, total }) {
        if (phase === 'fold') told.set(nth, (told.get(nth) ?? new Set()).add(total));
        if (told.size === 2) all.resolve();
      },
    }),
  );
  await Promise.all(parts);
  expect([...told.values()]).toEqual([new Set([20]), new Set([20])]);
});

test('where the one that leads is stopped, or falls silent, another one goes on with it', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const alone = await rebuildEntities(world.context);
  for (const how of ['stopped', 'silent'] as const) {
    const { context, moved } = hurried(world);
    const stopping = new AbortController();
    const isDead = { is: false };
    const stored = Promise.withResolvers<void>();
    const dying = counted(world, async () => {
      stored.resolve();
      if (how === 'silent') {
        isDead.is = true;
        await new Promise(() => undefined);
      }
      await context.clock.wait(0, stopping.signal);
    });
    const { state } = world.store;
    const store = {
      ...world.store,
      state: {
        ...state,
        write: (...given: Parameters<typeof state.write>) =>
          isDead.is ? new Promise<never>(() => undefined) : state.write(...given),
      },
    };
    const run = `nightly-${how}`;
    const first = part({ ...context, model: dying.model, store }, 0, { run, signal: stopping.signal });
    const ended = Promise.allSettled([first]);
    await stored.promise;
    const { id } = (await liveClaim(state, 'entities', context.clock))!;
    const others = [1, 2].map((nth) => part(context, nth, { run }));
    if (how === 'stopped') {
      stopping.abort(new Error('stopped'));
      expect(await ended).toMatchObject([{ status: 'rejected', reason: { message: 'stopped' } }]);
    } else moved.byMs = claimStaleMs + 1_000;
    const reports = await Promise.all(others);
    for (const report of reports) {
      expect(report).toMatchObject({ id, root: alone.root, resumed: 1, documents: alone.documents });
      expect(report.ledBy).not.toBe('p0');
    }
    expect(await serving(world)).toBe(reports[0]!.index);
    stopping.abort();
  }
});

test('what it failed of is what each of them ends with: none of them begins it anew', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const before = await rebuildEntities(world.context);
  const { created, model } = counted(world);
  const losing: ReadModel = {
    ...model,
    async create(...asked) {
      const index = await model.create(...asked);
      return { ...index, store: async (given, max) => index.store(given.slice(1), max) };
    },
    async open(...asked) {
      const index = await model.open(...asked);
      return index && { ...index, store: async (given, max) => index.store(given.slice(1), max) };
    },
  };
  const context = { ...hurried(world).context, model: losing };
  const parts = await Promise.allSettled([0, 1, 2].map((nth) => part(context, nth)));
  for (const ended of parts)
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'REBUILD_DIFFERS' } });
  await expect(part(context, 2)).rejects.toMatchObject({ code: 'REBUILD_DIFFERS' });
  expect(created).toHaveLength(1);
  expect(await serving(world)).toBe(before.index);
});

test('cancelled, all of them end, and nothing is left', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const before = await rebuildEntities(world.context);
  const { context } = hurried(world);
  const go = Promise.withResolvers<void>();
  const { model, created } = counted(world, () => go.promise);
  const parts = [0, 1, 2].map((nth) => part({ ...context, model }, nth));
  const ended = Promise.allSettled(parts);
  const { state } = world.store;
  await expect.poll(async () => (await readJob(state, 'entities'))?.step).toBe('fill');
  const { id } = (await readJob(state, 'entities'))!;
  expect(await markCancelled(state, 'entities', id)).toBe(true);
  await context.clock.wait(0);
  go.resolve();
  for (const one of await ended)
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'REBUILD_CANCELLED' } });
  expect(created).toHaveLength(1);
  expect(await blobsBelow(world, `rebuilds/${id}/`)).toEqual([]);
  expect((await world.model.list()).map(({ name }) => name)).toEqual([before.index]);
});

test('a rebuild of one process alone is not joined; who verifies is waited for', async () => {
  await using world = await openWorld(partitions);
  await archiveEvents(world, tableEvents(20));
  const { context } = hurried(world);
  const go = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { model } = counted(world, () => {
    asked.resolve();
    return go.promise;
  });
  const alone = rebuildEntities({ ...context, model });
  await asked.promise;
  await expect(part(context, 0)).rejects.toMatchObject({ code: 'REBUILD_RUNNING' });
  go.resolve();
  await alone;

  const over = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const claim = { state: world.store.state, clock: world.context.clock, projection: 'entities' };
  const verifying = withClaim(claim, { id: 'v', kind: 'verify' }, async () => {
    held.resolve();
    await over.promise;
  });
  await held.promise;
  const looked = Promise.withResolvers<void>();
  const { clock } = context;
  // It waits for the first time once it saw who has the claim.
  const wait = (ms: number, signal?: AbortSignal): Promise<void> => {
    looked.resolve();
    return clock.wait(ms, signal);
  };
  const waiting = part({ ...context, clock: { ...clock, wait } }, 0);
  await looked.promise;
  const overAt = clock.now();
  over.resolve();
  await verifying;
  expect((await waiting).startedAt).toBeGreaterThanOrEqual(overAt);
});
