import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { entities } from '../../src/projections/entities.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { changedSince } from '../../src/streams/changed-since.ts';
import { fewAtATime } from '../../src/streams/few-at-a-time.ts';
import { foldHistory } from '../../src/streams/fold-history.ts';
import { laneTree, treeLimits } from '../../src/streams/lane-tree.ts';
import { laneTreeName } from '../../src/streams/tree-names.ts';
import { verify } from '../../src/streams/verify.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { rebuildEntities, tableUrn } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const tables = 2_000;
/** Documents of a fold between two of which others are heard. */
const documentsPerTurn = 250;

/** An archive of one segment. */
async function archived(events: number, entities: number): Promise<World> {
  const world = await openWorld(1);
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  const records = Array.from({ length: events }, (_, n) =>
    recordOf(anEvent({ n, urn: tableUrn(n % entities) }), n),
  );
  await world.store.truth.create(segmentName(lane, 0), encodeSegment(lane, records));
  return world;
}

/** A clock that counts how often somebody lets others be heard. */
function turning(): { readonly clock: Clock; readonly turns: () => number } {
  let turns = 0;
  const wait: Clock['wait'] = (waitMs, signal) => {
    if (waitMs === 0) turns += 1;
    return systemClock.wait(waitMs, signal);
  };
  return { clock: { now: systemClock.now, wait }, turns: () => turns };
}

test('whoever else lives in the process is heard while a history is folded to be compared', async () => {
  await using world = await archived(tables, tables);
  const proving = turning();
  await rebuildEntities({ ...world.context, clock: proving.clock });
  expect(proving.turns()).toBeGreaterThanOrEqual((2 * tables) / documentsPerTurn);
  const { clock, turns } = turning();
  const context = { ...world.context, clock, barrier: { others: false } };
  const signal = AbortSignal.timeout(20_000);
  const report = await verify(context, entities, 'v1', () => undefined, signal);
  expect(report).toMatchObject({ equal: true, documents: tables });
  // Both sides: what the engine holds, and what the fold gives.
  expect(turns()).toBeGreaterThanOrEqual((2 * tables) / documentsPerTurn);
  const before = turns();
  const history = { ...context, until: { epoch: 1, next: [tables] } };
  const from = { epoch: 1, next: [0] };
  const changed = await changedSince(entities, history, from, { clock, signal });
  expect(changed).toMatchObject({ records: tables, after: { root: { size: tables } } });
  expect(turns() - before).toBeGreaterThanOrEqual(tables / documentsPerTurn);
});

test('and while the records of one segment are gathered, which is decompressed by slices', async () => {
  /** No slice holds more. */
  const [events, perSlice] = [25_000, 10_000];
  await using world = await archived(events, 5);
  const { clock, turns } = turning();
  const history = { ...world.context, clock, until: { epoch: 1, next: [events] } };
  const counts = { records: 0, outcomes: {} };
  for await (const documents of foldHistory(entities, history, counts)) expect(documents).toHaveLength(5);
  expect(counts.records).toBe(events);
  expect(turns()).toBeGreaterThanOrEqual(events / perSlice);
});

test('and while the leaves of what was archived are taken into a tree', async () => {
  const [events, leavesPerTurn] = [5_000, 1_000];
  await using world = await archived(events, 5);
  const { clock, turns } = turning();
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  const tree = laneTree({
    ...{ store: world.store, clock, lane, tree: laneTreeName(world.epoch.log, lane), limits: treeLimits },
    ...{ signer: undefined, turns: (work) => work() },
  });
  tree.opened(events);
  await tree.run(AbortSignal.abort());
  expect(tree.progress()?.size).toBe(events);
  expect(turns()).toBeGreaterThanOrEqual(events / leavesPerTurn);
});

test('what an engine gives at once is worked on a few at a time, in its order', async () => {
  const all = Array.from({ length: tables }, (_, n) => n);
  const scan = async function* (): AsyncGenerator<readonly number[]> {
    yield all.slice(0, 10);
    yield all.slice(10);
  };
  const [worked, rested] = [[] as number[], [] as number[]];
  for await (const few of fewAtATime(scan(), async (documents) => void rested.push(documents)))
    worked.push(...few);
  expect(worked).toEqual(all);
  expect(rested.reduce((sum, documents) => sum + documents, 0)).toBe(tables);
  expect(Math.max(...rested)).toBeLessThanOrEqual(documentsPerTurn);
});
