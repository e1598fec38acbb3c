import { expect, test } from 'vitest';
import { entities } from '../../src/projections/entities.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { keepReport, measuredReport } from '../../src/streams/rebuild-report.ts';
import { archiveEvents, rebuildEntities, tableEvents } from '../given/rebuilt.ts';
import { openWorld } from '../given/world.ts';

test('a plan goes by a rebuild that folded as much, not by one of next to nothing', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(40));
  const { state } = world.store;
  const real = await rebuildEntities(world.context);
  // Ids begin with their time, so these come after it.
  const later = (nth: number) => `ffffffff-0000-7000-8000-00000000000${nth}`;
  const [foldMs, readBackMs, documents] = [8_000, 700, real.documents];
  await keepReport(state, { ...real, id: later(1), events: 80, foldMs, readBackMs, documents }, undefined);
  await keepReport(state, { ...real, id: later(2), events: 1, foldMs: 900, readBackMs: 90 }, undefined);
  await keepReport(state, { ...real, id: later(3), events: 0, foldMs: 10, readBackMs: 26 }, undefined);

  expect((await measuredReport(state, 'entities', 40))?.id).toBe(later(1));
  expect((await measuredReport(state, 'entities', 2))?.id).toBe(later(2));
  expect((await measuredReport(state, 'entities', 1_000_000))?.id).toBe(later(1));
  expect(await measuredReport(state, 'history', 40)).toBeUndefined();
  expect((await planRebuild(world.context, entities)).estimatedMs).toBe(4_000 + 700);
});
