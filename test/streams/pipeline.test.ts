import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { rootOf } from '../../src/formats/root.ts';
import { entities } from '../../src/projections/entities.ts';
import { history as historyProjection } from '../../src/projections/history.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { entityQuery } from '../../src/projections/queries.ts';
import { projections } from '../../src/projections/registry.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';
import { modelOfLog } from '../../src/streams/own-model.ts';
import { type Projector, startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { verify } from '../../src/streams/verify.ts';
import { anEvent } from '../given/events.ts';
import { manyEvents, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;
const history = (count: number, from = 0) =>
  manyEvents(count, (n) =>
    anEvent({
      n: from + n,
      urn: urn((from + n) % 37),
      aspect: ['datasetProperties', 'ownership'][n % 2]!,
      value: { name: `table ${n}`, owners: [] },
    }),
  );

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const rebuildNow = async (world: World, projection: Projection, id = crypto.randomUUID()) =>
  rebuild(
    world.context,
    projection,
    await planRebuild(world.context, projection),
    id,
    () => undefined,
    soon(),
  );

const projectorOf = (world: World, projection: Projection): Projector =>
  startProjector({
    ...world.context,
    projection,
    log: world.log,
    group: `annal.${projection.definition.projection}`,
    lateMs: 0,
    build: async () => void (await rebuildNow(world, projection)),
    onNotice: () => undefined,
    lookMs: 20,
    retryMs: 20,
  });

async function servingRoot(world: World, projection: Projection): Promise<string> {
  const root = rootOf();
  const index = await world.model.serving(projection.definition);
  for await (const documents of index!.scan())
    for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

describe.each(
  projections.map((projection) => [projection.definition.projection, projection] as const),
)('%s', (_, projection) => {
  test('live, rebuilt and verified are one', async () => {
    await using world = await openWorld();
    const archiver = world.archiver();
    const projector = projectorOf(world, projection);
    await world.append(history(300));
    await projector.reach(await world.ends(), soon());
    await world.append(history(300, 300));
    const ends = await world.ends();
    await projector.reach(ends, soon());
    await archiver.reach(ends, soon());
    const live = await servingRoot(world, projection);

    const verified = await verify(world.context, projection, 'v1', () => undefined, soon());
    expect(verified).toMatchObject({ equal: true, expectedRoot: live, foundRoot: live, differences: [] });

    const before = (await world.model.serving(projection.definition))!.name;
    const report = await rebuildNow(world, projection);
    expect(report).toMatchObject({ root: live, events: 600, replaced: before });
    expect(report.cut).toBe(`1:${ends.join('.')}`);
    expect(await servingRoot(world, projection)).toBe(live);

    await world.append(history(50, 600));
    await projector.reach(await world.ends(), soon());
    // The old one follows until the projector has seen the swap.
    await expect.poll(() => projector.status().index).toBe(report.index);
    await projector.stop();
    await archiver.stop();
  });

  test('a document altered behind our back is named', async () => {
    await using world = await openWorld();
    const archiver = world.archiver();
    await world.append(history(80));
    await archiver.reach(await world.ends(), soon());
    await archiver.stop();
    await rebuildNow(world, projection);
    const index = (await world.model.serving(projection.definition))!;
    let victim: { id: string; version: number; body: Buffer } | undefined;
    for await (const documents of index.scan()) victim ??= documents[0];
    const altered = Buffer.from(victim!.body.toString().replace('table', 'tabel'));
    const search = projection.searchOf({ id: victim!.id, body: altered });
    await index.store([{ ...victim!, version: victim!.version + 1, body: altered, search }], 2 ** 52);
    const context = { ...world.context, barrier: { others: false } };
    const report = await verify(context, projection, 'v1', () => undefined, soon());
    expect(report.equal).toBe(false);
    expect(report.differences).toMatchObject([
      {
        id: victim!.id,
        what: 'altered',
        expectedVersion: victim!.version,
        foundVersion: victim!.version + 1,
      },
    ]);
  });
});

test('a rebuild needs the archive alone, and finds by words', async () => {
  await using world = await openWorld();
  const archiver = world.archiver({ limits: { sealBytes: 2_000 } });
  await world.append(history(200));
  await archiver.reach(await world.ends(), soon());
  await archiver.stop();
  expect((await archiveCut(world.store, [world.epoch])).next).toEqual(await world.ends());
  await rebuildNow(world, entities);
  const index = (await world.model.serving(entities.definition))!;
  const page = await index.query(entityQuery({ text: 'shop.table_3', limit: 50 }, 'all'));
  expect(page.total).toBe(8);
  expect(page.hits[0]!.id).toBe(urn(3));
});

test('what a killed rebuild has left is removed by the next one; what other logs and projections have is not', async () => {
  await using world = await openWorld();
  const { definition } = entities;
  const others = modelOfLog(world.model, 'another log');
  const left = await world.model.create(definition, 'leftover');
  const theirs = await others.create(definition, 'theirs');
  const history = await world.model.create(historyProjection.definition, 'history');
  const own = { ...world.context, model: modelOfLog(world.model, 'log') };
  const mine = await own.model.create(definition, 'mine');
  const plan = await planRebuild(own, entities);
  const { index } = await rebuild(own, entities, plan, crypto.randomUUID(), () => undefined, soon());
  const names = (await world.model.list()).map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set([left.name, theirs.name, history.name, index]));
  expect(names).not.toContain(mine.name);
});

test('two rebuilds of one projection: the second is refused with the id of the first', async () => {
  await using world = await openWorld();
  const plan = await planRebuild(world.context, entities);
  const one = rebuild(world.context, entities, plan, 'first-000000000001', () => undefined, soon());
  await expect(
    rebuild(world.context, entities, plan, 'second-00000000002', () => undefined, soon()),
  ).rejects.toMatchObject({ code: 'REBUILD_RUNNING' });
  await one;
});

test('stopping an archiver flushes what it holds', async () => {
  await using world = await openWorld();
  const archiver = world.archiver({ limits: { flushMs: 60_000 } });
  await world.append(history(20));
  const ends = await world.ends();
  while (archiver.status().some(({ logEnd }, partition) => logEnd < ends[partition]!))
    await systemClock.wait(5);
  await archiver.stop();
  expect((await archiveCut(world.store, [world.epoch])).next).toEqual(ends);
});
