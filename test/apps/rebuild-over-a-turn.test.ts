import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedRegistry } from '../../src/adapters/embedded-registry/schema-registry.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { type Runtime, startRuntime } from '../../src/apps/runtime.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { entities } from '../../src/projections/entities.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { startProjector } from '../../src/streams/projector.ts';
import { anEvent } from '../given/events.ts';
import { anEpoch, manyEvents, openWorld, type World } from '../given/world.ts';

const name = entities.definition.projection;
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const second = anEpoch(2, 1, { epoch: 1, next: [15], timeMax: 0 });

/** An epoch whose archive holds 20 records, five of which came behind its end. */
async function turning(): Promise<World> {
  const world = await openWorld(1);
  await world.append(
    manyEvents(20, (n) => anEvent({ n, urn: `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${n},PROD)` })),
  );
  const archiver = world.archiver({ limits: { sealBytes: 1 } });
  await archiver.reach([20], soon());
  await archiver.stop();
  return world;
}

/** A process that knows the first epoch alone. */
const oldRuntime = (world: World, archive: ArchiveStore = world.store): Runtime =>
  startRuntime({
    ports: {
      ...{ archive, clock: systemClock, logHost: world.host, readModel: world.model },
      registry: embeddedRegistry({ dir: join(world.dir, 'registry') }),
      [Symbol.asyncDispose]: async () => undefined,
    },
    ...{ places: [], epochs: [world.epoch], log: world.log, intake: undefined, say: () => undefined },
    roles: { archiver: false, projector: false },
    archiveLimits,
  });

/** Follows the second epoch with the index that serves, and says how it is. */
async function followed(world: World, epoch: Epoch): Promise<{ state: string; code: string | undefined }> {
  await world.host.create(epoch);
  await using log = await world.host.open(epoch);
  const projector = startProjector({
    ...world.context,
    ...{ projection: entities, epochs: [world.epoch, epoch], log, lateMs: 0, group: 'p' },
    ...{ lookMs: 5, retryMs: 5, build: async () => undefined, onNotice: () => undefined },
  });
  await expect.poll(() => projector.status().state).toMatch(/^(?:running|halted)$/);
  const { state, fault } = projector.status();
  await projector.stop();
  return { state, code: fault?.code };
}

test('by a process that does not know the next epoch yet: it ends where that says, and lanes go on from there', async () => {
  await using world = await turning();
  const runtime = oldRuntime(world);
  const epoch = await openEpoch(world.store.truth, second);
  expect(await runtime.plan(name)).toMatchObject({ until: { epoch: 2, next: [0] }, events: 15 });
  const { id } = await runtime.rebuild(name);
  expect(await runtime.ended(id)).toMatchObject({ state: 'done', rebuilt: { cut: '2:0', events: 15 } });
  const verified = await runtime.verify(name);
  expect(await runtime.ended(verified.id)).toMatchObject({ state: 'done', verified: { equal: true } });
  await runtime.stop();
  expect(await followed(world, epoch)).toEqual({ state: 'running', code: undefined });
});

test('while the next epoch opens: what was folded too far serves nobody, and it is done again', async () => {
  await using world = await turning();
  let opened: Promise<Epoch> | undefined;
  const { truth } = world.store;
  const folded: string[] = [];
  const archive: ArchiveStore = {
    ...world.store,
    truth: {
      ...truth,
      async read(blob) {
        if (blob.startsWith('segments/')) folded.push(blob);
        // Its plan is made: the chain was read once for it, and this is the fold.
        if (folded.length === 2) opened ??= openEpoch(truth, second);
        await opened;
        return truth.read(blob);
      },
    },
  };
  const runtime = oldRuntime(world, archive);
  const { id } = await runtime.rebuild(name);
  expect(await runtime.ended(id)).toMatchObject({ state: 'done', rebuilt: { id, cut: '2:0', events: 15 } });
  expect(folded.length).toBeGreaterThan(2);
  await runtime.stop();
  expect((await world.model.list()).filter(({ projection }) => projection === name)).toHaveLength(1);
  expect(await followed(world, (await opened)!)).toEqual({ state: 'running', code: undefined });
});
