import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { embeddedRegistry } from '../../src/adapters/embedded-registry/schema-registry.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { liveAnnal } from '../../src/apps/live-annal.ts';
import { type Runtime, type RuntimeOptions, startRuntime } from '../../src/apps/runtime.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { entities } from '../../src/projections/entities.ts';
import { projections } from '../../src/projections/registry.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { anEvent } from '../given/events.ts';
import { manyEvents, openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const name = entities.definition.projection;
const events = (count: number) =>
  manyEvents(count, (n) =>
    anEvent({ n, urn: `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${n % 5},PROD)` }),
  );

/** Long waits are short: nobody waits 20 s for an archiver that does not go on. */
const hurried: Clock = {
  now: systemClock.now,
  wait: (waitMs, signal) => systemClock.wait(waitMs > 5_000 ? 20 : waitMs, signal),
};

const portsOf = (world: World, clock: Clock): RuntimeOptions['ports'] => ({
  clock,
  logHost: world.host,
  archive: world.store,
  readModel: world.model,
  registry: embeddedRegistry({ dir: join(world.dir, 'registry') }),
  [Symbol.asyncDispose]: async () => undefined,
});

function runtimeOf(world: World, options: Partial<RuntimeOptions> = {}): Runtime {
  return startRuntime({
    ports: portsOf(world, hurried),
    places: [],
    epochs: [world.epoch],
    log: world.log,
    roles: { archiver: true, projector: true },
    intake: undefined,
    archiveLimits: { ...archiveLimits, flushMs: 10 },
    say: () => undefined,
    ...options,
  });
}

const reached = (runtime: Runtime, next: readonly number[]) =>
  Promise.all(runtime.projectors.map((projector) => projector.reach(next, soon())));

describe('an archiver that does not go on', () => {
  test.each([true, false])('a rebuild says so and nothing else ends (in this process: %s)', async (here) => {
    await using world = await openWorld(1);
    const { promise: never, resolve: goOn } = Promise.withResolvers<void>();
    const roles = { archiver: here, projector: true };
    const runtime = runtimeOf(world, { roles, archiveProbe: () => never });
    await world.append(events(5));
    await reached(runtime, [5]);
    const started = await runtime.rebuild(name);
    expect(await runtime.ended(started.id)).toMatchObject({
      state: 'failed',
      fault: { code: 'ARCHIVE_BEHIND' },
    });
    await expect(runtime.plan(name)).rejects.toMatchObject({ code: 'ARCHIVE_BEHIND' });
    goOn();
    await runtime.stop();
  });

  test('a stop does not wait for it', async () => {
    await using world = await openWorld(1);
    const runtime = runtimeOf(world, {
      roles: { archiver: false, projector: true },
      ports: portsOf(world, systemClock),
    });
    await world.append(events(5));
    await reached(runtime, [5]);
    const started = await runtime.rebuild(name);
    await runtime.stop();
    expect(await runtime.ended(started.id)).toMatchObject({ state: 'failed' });
  });
});

test('a rebuild goes by the archive where the log is away', async () => {
  await using world = await openWorld(1);
  let away = false;
  const log: RuntimeOptions['log'] = {
    ...world.log,
    async bounds() {
      if (away) throw new Fault('LOG_UNAVAILABLE', { broker: 'a test' });
      return world.log.bounds();
    },
  };
  const runtime = runtimeOf(world, { log, ports: portsOf(world, systemClock) });
  await world.append(events(5));
  await reached(runtime, [5]);
  await runtime.plan(name);
  away = true;
  const started = await runtime.rebuild(name);
  expect(await runtime.ended(started.id)).toMatchObject({ state: 'done', rebuilt: { cut: '1:5' } });
  away = false;
  await runtime.stop();
});

test('documents that a crash left ahead of their progress are no difference', async () => {
  await using world = await openWorld(1);
  const crashed = runtimeOf(world, {
    projectProbe: (point) => {
      if (point === 'after-states') throw new Fault('MODEL_UNAVAILABLE', { place: 'a test' });
    },
  });
  const built = async () => (await world.model.list()).filter(({ serving }) => serving).length;
  await expect.poll(built, { timeout: 20_000 }).toBe(projections.length);
  await world.append(events(5));
  await expect
    .poll(() => crashed.projectors.map((projector) => projector.status().fault?.code))
    .toEqual(projections.map(() => 'MODEL_UNAVAILABLE'));
  await crashed.stop();
  const index = await world.model.serving(entities.definition);
  expect((await index!.progress()).map(({ next }) => next)).toEqual([0]);
  const runtime = runtimeOf(world, { ports: portsOf(world, systemClock) });
  const started = await runtime.verify(name);
  expect(await runtime.ended(started.id)).toMatchObject({ verified: { equal: true, cut: '1:5' } });
  await runtime.stop();
});

test('what an operator accepts reaches the rebuild, whichever epoch runs', async () => {
  await using world = await openWorld(1);
  const runtime = runtimeOf(world);
  const heard: unknown[] = [];
  const listening: Runtime = Object.assign(Object.create(runtime) as Runtime, {
    rebuild: (...asked: Parameters<Runtime['rebuild']>) => {
      heard.push(asked);
      return runtime.rebuild(...asked);
    },
  });
  const live = await liveAnnal({
    ports: portsOf(world, systemClock),
    first: { epochs: [world.epoch], log: world.log },
    openIntake: async () => undefined,
    begin: (epochs, log) => ({
      epochs,
      log,
      intake: undefined,
      runtime: listening,
      stop: () => runtime.stop(),
    }),
    lookMs: null,
    say: () => undefined,
  });
  const { id } = await live.runtime.rebuild(name, { acceptUnindexable: 7 });
  expect(await live.runtime.ended(id)).toMatchObject({ state: 'done' });
  expect(heard).toEqual([[name, { acceptUnindexable: 7 }]]);
  await live.stop();
});
