import { expect, test } from 'vitest';
import type { ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Difference } from '../../src/streams/compare-model.ts';
import type { VerifyReport } from '../../src/streams/verify.ts';
import { verify } from '../../src/streams/verify.ts';
import { archiveEvents, rebuildEntities, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';
import type { ProofGiven } from './search-proof.ts';

/** A read model of its own for each test. */
export type PlaceOf = (world: World) => Promise<ProofGiven & AsyncDisposable>;

export interface Verified extends ProofGiven, AsyncDisposable {
  readonly world: World;
  readonly index: ModelIndex;
  verify(asked?: { repair?: boolean }): Promise<VerifyReport>;
}

/** Seven entities of 40 events, archived and built. */
export async function builtModel(place: PlaceOf): Promise<Verified> {
  const opening = new AsyncDisposableStack();
  const world = opening.use(await openWorld(1));
  const { model, plant } = opening.use(await place(world));
  await archiveEvents(world, tableEvents(40));
  const context = { ...world.context, model, barrier: { others: false } };
  await rebuildEntities(context);
  const index = (await model.serving(entities.definition))!;
  return {
    ...{ world, model, plant, index },
    verify: (asked) => verify(context, entities, 'v1', () => undefined, AbortSignal.timeout(20_000), asked),
    [Symbol.asyncDispose]: () => opening[Symbol.asyncDispose](),
  };
}

const told = ({ differences }: Pick<VerifyReport, 'differences'>) =>
  differences.map(({ id, what, pointers, field }: Difference) => [id, what, pointers, field]);

/** Laws of a verification and of a repair, on whatever engine. */
export function verifyLaws(place: PlaceOf): void {
  test('each difference is named by what it is, and repaired exactly', async () => {
    await using given = await builtModel(place);
    const { index, plant, world } = given;
    const clean = await given.verify({ repair: true });
    expect(clean).toMatchObject({ equal: true, documents: 7, differing: 0, repair: null, silent: [] });
    const before = new Map((await index.load([tableUrn(6)])).entries());

    await plant.gone(index, tableUrn(1));
    await index.store([{ id: tableUrn(99), version: 5, body: Buffer.from('{}'), search: null }], 2 ** 52);
    await plant.body(index, tableUrn(3), (body) => body.replace('"orders', '"olders'));
    const older = 2 ** 44 + 3;
    await plant.body(index, tableUrn(4), (body) => body, older);
    await plant.body(index, tableUrn(5), (body) => body, 2 ** 50);
    await plant.value(index, tableUrn(2), 'namespace');
    const found = await given.verify();
    expect(found).toMatchObject({ equal: false, differing: 6, repair: null });
    expect(new Set(told(found))).toEqual(
      new Set([
        [tableUrn(1), 'missing', [], null],
        [tableUrn(99), 'extra', [], null],
        [tableUrn(3), 'altered', ['/aspects/datasetProperties/value/name'], null],
        [tableUrn(4), 'altered', [], null],
        [tableUrn(5), 'version-ahead', [], null],
        [tableUrn(2), 'unsearchable', [], 'values namespace'],
      ]),
    );
    for (const { id, urn, aspects } of found.differences)
      expect([urn, aspects]).toEqual(id === tableUrn(99) ? [null, []] : [id, ['datasetProperties']]);
    expect(found.differences.find(({ id }) => id === tableUrn(5))).toMatchObject({ foundVersion: 2 ** 50 });

    const repaired = await given.verify({ repair: true });
    expect(repaired).toMatchObject({
      equal: true,
      differing: 0,
      differences: [],
      expectedRoot: clean.foundRoot,
    });
    expect(repaired.repair).toMatchObject({ written: 5, removed: 1, differing: 6 });
    expect(told(repaired.repair!)).toEqual(told(found));
    expect(await given.verify({ repair: true })).toMatchObject({ equal: true, repair: null });
    expect(new Map((await index.load([tableUrn(6)])).entries())).toEqual(before);
    // What comes later is taken as ever.
    const [later] = (await index.load([tableUrn(5)])).values();
    const next = { ...later!, version: later!.version + 1_000, search: null };
    expect(await index.store([next], 2 ** 52)).toMatchObject({ applied: 1 });
    expect(world.epoch.epoch).toBe(1);
  });

  test('a field that is searchable no more is told of the index as a whole; a repair does not hide it', async () => {
    await using given = await builtModel(place);
    await given.plant.shape(given.index, 'words');
    await given.plant.lost(given.index, tableUrn(2), 'words');
    const report = await given.verify({ repair: true });
    expect(report.equal).toBe(false);
    expect(report.expectedRoot).toBe(report.foundRoot);
    const [whole] = report.differences;
    expect(whole).toMatchObject({ id: given.index.name, what: 'unsearchable' });
    expect(whole!.field).toMatch(/^shape .*words/);
    expect(told(report.repair!)).toContainEqual([tableUrn(2), 'unsearchable', [], expect.any(String)]);
  });
}
