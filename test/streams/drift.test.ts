import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { entities } from '../../src/projections/entities.ts';
import { liveClaim } from '../../src/streams/claim.ts';
import { checkDrift, type Drift, readDrift, watchDrift } from '../../src/streams/drift.ts';
import type { VerifyContext } from '../../src/streams/look.ts';
import { verify } from '../../src/streams/verify.ts';
import { archiveEvents, rebuildEntities, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { sqlitePlants } from '../given/sqlite-plants.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const alone = { others: false };

async function built(): Promise<World> {
  const world = await openWorld(1);
  await archiveEvents(world, tableEvents(40));
  await rebuildEntities(world.context);
  return world;
}

const contextOf = ({ context }: World): VerifyContext => ({ ...context, barrier: alone });

test('what drifted is found, counted and named, and told until somebody compares again', async () => {
  await using world = await built();
  const index = (await world.model.serving(entities.definition))!;
  const context = contextOf(world);
  const { state } = world.store;
  expect(await readDrift(state, 'entities')).toBeUndefined();
  expect(await checkDrift(context, entities, 'd1', 1e6, soon())).toMatchObject({ drifted: 0, first: [] });
  const plant = sqlitePlants(join(world.dir, 'read'));
  await plant.body(index, tableUrn(3), (body) => body.replace('"orders', '"olders'));
  await plant.value(index, tableUrn(5), 'type');
  const found = await checkDrift(context, entities, 'd2', 1e6, soon());
  expect(found).toMatchObject({ index: index.name, cut: '1:40', documents: 7, drifted: 2 });
  expect(found.first).toEqual([
    { id: tableUrn(3), what: 'altered' },
    { id: tableUrn(5), what: 'unsearchable' },
  ]);
  expect(await readDrift(state, 'entities')).toEqual(found);
  await verify(context, entities, 'v1', () => undefined, soon(), { repair: true });
  expect(await readDrift(state, 'entities')).toMatchObject({ drifted: 0 });
});

test('it keeps its pace, and holds neither the claim nor the lanes meanwhile', async () => {
  await using world = await built();
  const waits: number[] = [];
  const claims: unknown[] = [];
  let held = 0;
  const begun = systemClock.now();
  const clock: Clock = {
    now: () => begun,
    async wait(waitMs, signal) {
      // Heartbeats of a claim keep their time.
      if (waitMs >= 5_000) return systemClock.wait(waitMs, signal);
      // To let others be heard is no pace.
      if (waitMs === 0) return;
      waits.push(waitMs);
      claims.push(await liveClaim(world.store.state, 'entities', clock));
      expect(held).toBe(0);
    },
  };
  const hold = async () => {
    held += 1;
    const release = (): void => {
      held -= 1;
    };
    return { partitions: [0], release };
  };
  const context = { ...world.context, clock, barrier: { ...alone, hold } };
  await checkDrift(context, entities, 'd1', 10, soon());
  // Seven documents of the index, seven of the fold.
  expect(waits).toEqual([700, 1_400]);
  expect(new Set(claims)).toEqual(new Set([undefined]));
});

test('each is checked once in its time, by one of all processes, and again where it could not be', async () => {
  await using world = await built();
  const [checked, faults, stopping] = [[] as Drift[], [] as string[], new AbortController()];
  const rested = Promise.withResolvers<void>();
  let [away, looks] = [true, 0];
  const contextNow = (): VerifyContext => {
    const context = contextOf(world);
    if (checked.length > 0) looks += 1;
    if (looks === 60) rested.resolve();
    const archivedTo = async (): Promise<void> => {
      if (away) await context.model.swap('entities', 'not', 'there');
    };
    return { ...context, archivedTo };
  };
  const watching = (firstMs: number) =>
    watchDrift(
      {
        context: contextNow,
        projections: [entities],
        limits: { documentsPerSecond: 1e6, everyMs: 1e9, firstMs, lookMs: 5 },
        onChecked: (_, drift) => void checked.push(drift),
        onFault: (projection, { code }) => {
          faults.push(`${projection} ${code}`);
          away = false;
        },
      },
      stopping.signal,
    );
  const all = [watching(1e9), watching(0), watching(0)];
  await rested.promise;
  stopping.abort();
  await Promise.all(all);
  expect(faults).toContain('entities SWAP_REFUSED');
  expect(checked).toHaveLength(1);
});
