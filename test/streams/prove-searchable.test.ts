import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { searchProofLaws } from '../contracts/search-proof.ts';
import { anEvent } from '../given/events.ts';
import { sqlitePlants } from '../given/sqlite-plants.ts';
import { manyEvents, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;

describe('SQLite', () => {
  let world: World | undefined;
  beforeAll(async () => {
    world = await openWorld(1);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  searchProofLaws(() => ({ model: world!.model, plant: sqlitePlants(join(world!.dir, 'read')) }));
});

test('a rebuild whose index does not find what it holds is refused, and the old one serves', async () => {
  await using world = await openWorld(1);
  await world.append(manyEvents(20, (n) => anEvent({ n, urn: urn(n) })));
  const archiver = world.archiver();
  await archiver.reach(await world.ends(), AbortSignal.timeout(10_000));
  await archiver.stop();
  const rebuilt = async (model: ReadModel) => {
    const context = { ...world.context, model };
    const plan = await planRebuild(context, entities);
    return rebuild(
      context,
      entities,
      plan,
      crypto.randomUUID(),
      () => undefined,
      AbortSignal.timeout(10_000),
    );
  };
  const plant = sqlitePlants(join(world.dir, 'read'));
  /** A model of which each new index is changed once it is filled. */
  const planting = (work: (index: ModelIndex) => Promise<void>): ReadModel => ({
    ...world.model,
    async create(definition, suffix) {
      const index = await world.model.create(definition, suffix);
      const refresh = async (): Promise<void> => {
        await index.refresh();
        await work(index);
      };
      return { ...index, refresh };
    },
  });
  const { index, search } = await rebuilt(world.model);
  expect(search).toMatchObject({ documents: 20, drawn: 20, unfound: 0 });
  for (const [work, told] of [
    [(made: ModelIndex) => plant.value(made, urn(3), 'type'), `${urn(3)}: values type`],
    [(made: ModelIndex) => plant.lost(made, urn(5), 'words'), `${urn(5)}: ignored`],
    [(made: ModelIndex) => plant.shape(made, 'type'), 'the index: shape by_k_type'],
  ] as const)
    await expect(rebuilt(planting(work))).rejects.toMatchObject({
      code: 'REBUILD_UNSEARCHABLE',
      facts: { projection: 'entities', first: expect.stringContaining(told) },
    });
  expect((await world.model.list()).map(({ name }) => name)).toEqual([index]);
});
