import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedRegistry } from '../../src/adapters/embedded-registry/schema-registry.ts';
import { operate, type ToldOperation } from '../../src/apps/cli/operations.ts';
import type { Session } from '../../src/apps/cli/session.ts';
import { type Runtime, startRuntime } from '../../src/apps/runtime.ts';
import type { ReadModel } from '../../src/ports/read-model.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { archiveEvents, rebuildEntities, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

function runtimeOf(world: World, readModel: ReadModel): Runtime {
  const { clock, store: archive } = world.context;
  return startRuntime({
    ports: {
      ...{ clock, archive, readModel, logHost: world.host },
      registry: embeddedRegistry({ dir: join(world.dir, 'registry') }),
      [Symbol.asyncDispose]: async () => undefined,
    },
    places: [],
    epochs: [world.epoch],
    log: world.log,
    roles: { archiver: true, projector: false },
    intake: undefined,
    archiveLimits: { ...archiveLimits, flushMs: 10 },
    say: () => undefined,
  });
}

/** A read model whose new indexes take nothing before they may. */
function held(world: World) {
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const model: ReadModel = {
    ...world.model,
    async create(...given) {
      const index = await world.model.create(...given);
      return {
        ...index,
        async refresh() {
          asked.resolve();
          await go.promise;
          await index.refresh();
        },
      };
    },
  };
  return { model, asked: asked.promise, go: go.resolve };
}

test('stopped with its process, a rebuild is listed and gone on with by the next one, under its id', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  await rebuildEntities(world.context);
  const holding = held(world);
  const runtime = runtimeOf(world, holding.model);
  const { id } = await runtime.rebuild('entities');
  await holding.asked;
  await expect(runtime.rebuild('entities')).rejects.toMatchObject({ code: 'REBUILD_RUNNING', facts: { id } });
  const stopped = runtime.stop();
  holding.go();
  await stopped;
  const interrupted = { id, state: 'failed', resumable: true, fault: { code: 'REBUILD_INTERRUPTED' } };
  expect(await runtime.ended(id)).toMatchObject(interrupted);

  const next = runtimeOf(world, world.model);
  expect((await next.rebuilds()).find((told) => told.id === id)).toMatchObject(interrupted);
  expect(await next.rebuildOf(id)).toMatchObject(interrupted);
  expect(await next.plan('entities')).toMatchObject({ resumes: { id } });
  const again = await next.rebuild('entities');
  expect(again.id).toBe(id);
  expect(await next.ended(id)).toMatchObject({ state: 'done', rebuilt: { id, resumed: 1 } });
  await expect(next.cancel(id)).rejects.toMatchObject({ code: 'OPERATION_UNKNOWN' });
  await next.stop();
});

test('one that was left by a process that is gone is cleared away by whoever cancels it', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const first = await rebuildEntities(world.context);
  const holding = held(world);
  const runtime = runtimeOf(world, holding.model);
  const { id } = await runtime.rebuild('entities');
  await holding.asked;
  const cancelled = runtime.cancel(id);
  holding.go();
  await cancelled;
  expect(await runtime.ended(id)).toMatchObject({
    state: 'failed',
    resumable: false,
    fault: { code: 'REBUILD_CANCELLED' },
  });
  await runtime.stop();
  await expect(rebuildEntities(world.context, { signal: AbortSignal.abort() })).rejects.toThrow();
  const next = runtimeOf(world, world.model);
  const left = (await next.rebuilds()).find(({ resumable }) => resumable);
  await next.cancel(left!.id);
  expect((await world.model.list()).map(({ name }) => name)).toEqual([first.index]);
  await next.stop();
});

test('a shared one that all have left and somebody cancels is not begun anew by those that come back', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const first = await rebuildEntities(world.context);
  const share = { member: { by: 'p0', nth: 0, of: 2 }, run: 'nightly' };
  const holding = held(world);
  const runtime = runtimeOf(world, holding.model);
  const taking = await runtime.rebuild('entities', { share });
  await holding.asked;
  const stopped = runtime.stop();
  holding.go();
  await stopped;
  expect(await runtime.ended(taking.id)).toMatchObject({ fault: { code: 'REBUILD_INTERRUPTED' } });

  const next = runtimeOf(world, world.model);
  const left = (await next.rebuilds()).find(({ resumable }) => resumable);
  await next.cancel(left!.id);
  const back = await next.rebuild('entities', { share });
  expect(await next.ended(back.id)).toMatchObject({ state: 'failed', fault: { code: 'REBUILD_CANCELLED' } });
  expect((await world.model.list()).map(({ name }) => name)).toEqual([first.index]);
  const other = await next.rebuild('entities', { share: { ...share, run: 'another' } });
  expect(await next.ended(other.id)).toMatchObject({ state: 'done', rebuilt: { ledBy: 'p0' } });
  await next.stop();
});

test('whoever stops a rebuild is told the command that goes on with it', async () => {
  const stopping = new AbortController();
  const notes: string[] = [];
  const session = {
    ...{ io: { signal: stopping.signal, stderr: { write: () => true } }, output: 'table', colour: false },
    ...{ quiet: true, data: undefined, url: undefined, note: (line: string) => notes.push(line) },
    write: async () => undefined,
  };
  const operation = {
    id: 'x',
    state: 'running',
    link: '/v1/rebuilds/x',
    progress: null,
    projection: 'entities',
  };
  const call = async (method: string) => {
    if (method === 'GET') {
      stopping.abort(new Error('stopped'));
      throw stopping.signal.reason;
    }
    return { status: 202, headers: {}, text: JSON.stringify({ operations: [operation], refused: [] }) };
  };
  const told = ({ projection }: ToldOperation): string => `annal rebuild ${projection} --yes`;
  const operating = operate(
    session as never as Session,
    call,
    '/v1/rebuilds',
    { projection: 'entities' },
    told,
  );
  await expect(operating).rejects.toThrow('stopped');
  expect(notes).toEqual(['annal rebuild entities --yes']);
});
