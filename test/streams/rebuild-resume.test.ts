import { expect, test } from 'vitest';
import { Fault, isFault } from '../../src/domain/fault.ts';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { liveClaim } from '../../src/streams/claim.ts';
import { predecessor } from '../../src/streams/kept-indexes.ts';
import { markCancelled, readJob } from '../../src/streams/rebuild-job.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { archiveEvents, blobsBelow, rebuildEntities, rootOfIndex, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const { definition } = entities;
const indexes = async (world: World): Promise<string[]> =>
  (await world.model.list()).map(({ name }) => name).sort();
const serving = async (world: World): Promise<string> => (await world.model.serving(definition))!.name;

/** The read model of a world, whose indexes are watched. */
const watching = (world: World, watched: (index: ModelIndex) => ModelIndex): RebuildContext => ({
  ...world.context,
  model: {
    ...world.model,
    create: async (...asked) => watched(await world.model.create(...asked)),
    async open(...asked) {
      const index = await world.model.open(...asked);
      return index === undefined ? undefined : watched(index);
    },
  },
});

/** Counts the documents that are stored and the times they are read back. */
function counting(world: World): { context: RebuildContext; stored: () => number; scans: () => number } {
  let [stored, scans] = [0, 0];
  const context = watching(world, (index) => ({
    ...index,
    store(documents, versionMax) {
      stored += documents.length;
      return index.store(documents, versionMax);
    },
    snapshot() {
      scans += 1;
      return index.snapshot();
    },
  }));
  return { context, stored: () => stored, scans: () => scans };
}

/** An engine that is gone in the midst of storing: all of it is there but the answer. */
const gone = new Fault('MODEL_UNAVAILABLE', { place: 'a test' });
const losingAnswers = (world: World, to: 'store' | 'scan'): RebuildContext =>
  watching(world, (index) => ({
    ...index,
    async store(documents, versionMax) {
      const report = await index.store(documents, versionMax);
      if (to === 'store') throw gone;
      return report;
    },
    async snapshot() {
      if (to === 'scan') throw gone;
      return index.snapshot();
    },
  }));

/** Stops a rebuild with this reason when it first tells of a phase. */
async function stoppedAt(
  context: RebuildContext,
  phase: string,
  reason: Error,
  id?: string,
): Promise<unknown> {
  const stopping = new AbortController();
  const rebuilding = rebuildEntities(context, {
    ...(id === undefined ? {} : { id }),
    signal: stopping.signal,
    onProgress: (progress) => {
      if (progress.phase === phase) stopping.abort(reason);
    },
  });
  return rebuilding.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('stopped at any step, it is gone on with: the same id and index, and no step that was done again', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const first = await rebuildEntities(world.context);
  for (const [step, stores, scans] of [
    ['fill', 7, 1],
    ['prove', 0, 1],
    ['swap', 0, 0],
  ] as const) {
    const reason = new DOMException('stopped', 'AbortError');
    const id = crypto.randomUUID();
    if (step === 'swap') expect(await stoppedAt(world.context, 'read-back', reason, id)).toBe(reason);
    else {
      const losing = losingAnswers(world, step === 'fill' ? 'store' : 'scan');
      await expect(rebuildEntities(losing, { id })).rejects.toBe(gone);
    }
    const left = (await readJob(world.store.state, 'entities'))!;
    expect(left).toMatchObject({ id, step });
    expect(await liveClaim(world.store.state, 'entities', world.context.clock)).toBeUndefined();
    const plan = await planRebuild(world.context, entities);
    expect(plan).toMatchObject({ resumes: { id, step }, discards: null });
    await world.append(tableEvents(3, 100));
    const again = counting(world);
    const report = await rebuildEntities(again.context);
    expect(report).toMatchObject({ id, index: left.index, resumed: 1, root: first.root, cut: first.cut });
    expect([again.stored(), again.scans()]).toEqual([stores, scans]);
    expect(await serving(world)).toBe(left.index);
    expect(await blobsBelow(world, `rebuilds/${id}/`)).toEqual([]);
    expect(await readJob(world.store.state, 'entities')).toBeUndefined();
  }
});

test('an index that is gone meanwhile is filled again', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  await stoppedAt(world.context, 'read-back', new Error('stopped'));
  const left = (await readJob(world.store.state, 'entities'))!;
  await world.store.state.replace(`rebuilds/${left.id}/a-piece`, Buffer.from('of the index that is gone'));
  await world.model.drop(left.index);
  const again = counting(world);
  const report = await rebuildEntities(again.context);
  expect([report.index, report.resumed, again.stored()]).toEqual([left.index, 1, 7]);
  expect(await rootOfIndex((await world.model.serving(definition))!)).toBe(report.root);
});

test('another fold, or another cut, begins anew: what was left is cleared away', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  await stoppedAt(world.context, 'fold', new Error('stopped'));
  const left = (await readJob(world.store.state, 'entities'))!;
  const changed = { ...entities, frozen: 'another' };
  expect(await planRebuild(world.context, changed)).toMatchObject({ resumes: null, discards: left.id });
  const asOf = { cut: { epoch: 1, next: [20] } };
  expect(await planRebuild(world.context, entities, asOf)).toMatchObject({
    resumes: null,
    discards: left.id,
  });
  const report = await rebuildEntities(world.context, { asOf });
  expect(report.id).not.toBe(left.id);
  expect(await indexes(world)).toEqual([report.index]);
});

test.each([
  'fold',
  'read-back',
  'swap',
])('cancelled at %s, nothing is left: index, record, pieces; what served serves', async (phase) => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const older = await rebuildEntities(world.context);
  const now = await rebuildEntities(world.context);
  const id = crypto.randomUUID();
  await world.store.state.replace(`rebuilds/${id}/a-piece`, Buffer.from('work'));
  const error = await stoppedAt(world.context, phase, new Fault('REBUILD_CANCELLED', { id }), id);
  if (phase === 'swap') {
    // Too late: it had begun to swap, and has.
    expect(error).toBeUndefined();
    return;
  }
  expect(isFault(error, 'REBUILD_CANCELLED')).toBe(true);
  expect(await readJob(world.store.state, 'entities')).toBeUndefined();
  expect(await blobsBelow(world, `rebuilds/${id}/`)).toEqual([]);
  expect(await indexes(world)).toEqual([older.index, now.index].sort());
  expect((await predecessor(world.context, entities))?.index.name).toBe(older.index);
});

test('whoever works on a rebuild that is marked as cancelled elsewhere ends it and clears it away', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const id = crypto.randomUUID();
  let noted: Promise<unknown> | undefined;
  const { clock } = world.context;
  const hurried = {
    ...clock,
    wait: (ms: number, signal?: AbortSignal) => clock.wait(Math.min(ms, 5), signal),
  };
  const slow: ReadModel = {
    ...world.model,
    async create(...asked) {
      const index = await world.model.create(...asked);
      return {
        ...index,
        async refresh() {
          await noted;
          await clock.wait(200);
          await index.refresh();
        },
      };
    },
  };
  const error = await rebuildEntities(
    { ...world.context, model: slow, clock: hurried },
    {
      id,
      onProgress: () => {
        noted ??= markCancelled(world.store.state, 'entities', id);
      },
    },
  ).catch((rejected: unknown) => rejected);
  expect(isFault(error, 'REBUILD_CANCELLED')).toBe(true);
  expect(await indexes(world)).toEqual([]);
  expect(await readJob(world.store.state, 'entities')).toBeUndefined();
});

test('an alias that somebody moved meanwhile refuses the swap; planned anew, the proven index goes in', async () => {
  await using world = await openWorld(1);
  await archiveEvents(world, tableEvents(30));
  const first = await rebuildEntities(world.context);
  const moved: ReadModel = {
    ...world.model,
    async swap(projection, from, to) {
      const other = await world.model.create(definition, 'other');
      await world.model.swap(projection, first.index, other.name);
      return world.model.swap(projection, from, to);
    },
  };
  await expect(rebuildEntities({ ...world.context, model: moved })).rejects.toMatchObject({
    code: 'SWAP_REFUSED',
    facts: { serving: 'entities-v1-other' },
  });
  expect(await serving(world)).toBe('entities-v1-other');
  const again = counting(world);
  const plan = await planRebuild(again.context, entities);
  expect(plan).toMatchObject({ replaces: 'entities-v1-other', resumes: { step: 'swap' } });
  const report = await rebuildEntities(again.context);
  expect(report).toMatchObject({ replaced: 'entities-v1-other', root: first.root });
  expect([again.stored(), again.scans()]).toEqual([0, 0]);
});

test('no event before the cut: nothing that serves gives way to nothing', async () => {
  await using world = await openWorld(1);
  const first = await rebuildEntities({ ...world.context, refuseEmpty: true });
  expect(first.documents).toBe(0);
  const refused = rebuildEntities({ ...world.context, refuseEmpty: true });
  await expect(refused).rejects.toMatchObject({ code: 'REBUILD_EMPTY' });
  expect(await indexes(world)).toEqual([first.index]);
});
