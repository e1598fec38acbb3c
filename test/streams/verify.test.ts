import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { verify } from '../../src/streams/verify.ts';
import { anEvent } from '../given/events.ts';
import { manyEvents, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

/** Progress is taken to stand still soon; heartbeats keep their time. */
const hurried: Clock = {
  now: systemClock.now,
  wait: (waitMs, signal) => systemClock.wait(waitMs < 2_000 ? 1 : waitMs, signal),
};

async function archivedAndBuilt(world: World): Promise<void> {
  await world.append(manyEvents(20, (n) => anEvent({ n, urn: urn(n % 7) })));
  const archiver = world.archiver();
  await archiver.reach(await world.ends(), soon());
  await archiver.stop();
  const plan = await planRebuild(world.context, entities);
  await rebuild(world.context, entities, plan, crypto.randomUUID(), () => undefined, soon());
}

/** A model whose serving index gives other documents than it holds. */
const showing = (world: World, scan: (index: ModelIndex) => ReturnType<ModelIndex['scan']>): ReadModel => ({
  ...world.model,
  async serving(definition) {
    const index = await world.model.serving(definition);
    return index === undefined ? undefined : { ...index, scan: () => scan(index) };
  },
});

const verified = (world: World, model: ReadModel, signal = soon()) => {
  const context = { ...world.context, model, clock: hurried };
  return verify(context, entities, crypto.randomUUID(), () => undefined, signal);
};

test('each difference is named by what it is', async () => {
  await using world = await openWorld(2);
  await archivedAndBuilt(world);
  expect(await verified(world, world.model)).toMatchObject({ equal: true, documents: 7, differing: 0 });
  const model = showing(world, async function* (index) {
    for await (const documents of index.scan())
      yield documents.flatMap((document) => {
        const { id, version, body } = document;
        if (id === urn(1)) return [];
        if (id === urn(2)) return [document, { ...document, id: urn(99) }];
        if (id === urn(3))
          return [{ id, version, body: Buffer.from(body.toString().replace('"orders', '"olders')) }];
        if (id === urn(4)) return [{ id, version: version - 1, body }];
        return [document];
      });
  });
  const report = await verified(world, model);
  expect(report).toMatchObject({ equal: false, differing: 4 });
  const told = report.differences.map(({ id, what, pointers }) => [id, what, pointers]);
  expect(new Set(told)).toEqual(
    new Set([
      [urn(1), 'missing', []],
      [urn(99), 'extra', []],
      [urn(3), 'altered', ['/aspects/datasetProperties/value/name']],
      [urn(4), 'altered', []],
    ]),
  );
});

test('a difference that a second look does not find again is none', async () => {
  await using world = await openWorld(1);
  await archivedAndBuilt(world);
  let looks = 0;
  const model = showing(world, async function* (index) {
    looks += 1;
    if (looks > 2) yield* index.scan();
  });
  expect(await verified(world, model)).toMatchObject({ equal: true });
});

test('a stop ends it, also while differences are being named', async () => {
  await using world = await openWorld(1);
  await archivedAndBuilt(world);
  const stopping = new AbortController();
  let scans = 0;
  const model = showing(world, async function* (index) {
    scans += 1;
    if (scans === 2) stopping.abort(new Error('stopped'));
    for await (const documents of index.scan()) yield documents.slice(1);
  });
  await expect(verified(world, model, stopping.signal)).rejects.toThrow('stopped');
  expect(scans).toBe(2);
});
