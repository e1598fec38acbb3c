import { expect, test } from 'vitest';
import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { rootOf } from '../../src/formats/root.ts';
import type { Document, ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { history } from '../../src/projections/history.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projections } from '../../src/projections/registry.ts';
import { foldHistory } from '../../src/streams/fold-history.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { readJob } from '../../src/streams/rebuild-job.ts';
import type { RebuildProgress } from '../../src/streams/rebuild-pace.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import type { RebuildReport } from '../../src/streams/rebuild-report.ts';
import { anEvent } from '../given/events.ts';
import { archiveEvents, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const named = projections.map((projection) => [projection.definition.projection, projection] as const);

async function rebuilt(context: RebuildContext, projection: Projection): Promise<RebuildReport> {
  const plan = await planRebuild(context, projection);
  const signal = AbortSignal.timeout(20_000);
  return rebuild(context, projection, plan, crypto.randomUUID(), () => undefined, signal);
}

/** What comes while an index is being filled: changes, an entity that goes, one that comes, one that is touched twice. */
const meanwhile: readonly MetadataChangeEvent[] = [
  anEvent({ n: 500, urn: tableUrn(1), value: { name: 'changed meanwhile' } }),
  anEvent({ n: 501, urn: tableUrn(2), change: 'DELETE', aspect: '' }),
  anEvent({ n: 502, urn: tableUrn(900) }),
  anEvent({ n: 503, urn: tableUrn(1), change: 'DELETE' }),
  anEvent({ n: 500, urn: tableUrn(1), value: { name: 'the same id again' } }),
];

/** A world whose next index, once it is filled, sees `work` done before it is proven. */
function onceFilled(
  world: World,
  work: () => Promise<void>,
  watched: (index: ModelIndex) => ModelIndex = (index) => index,
): RebuildContext {
  return {
    ...world.context,
    model: {
      ...world.model,
      async create(...asked) {
        const index = await world.model.create(...asked);
        let isFilled = false;
        const refresh = async (): Promise<void> => {
          await index.refresh();
          if (!isFilled) await work();
          isFilled = true;
        };
        return watched({ ...index, refresh });
      },
    },
  };
}

async function openFilled(): Promise<World> {
  const world = await openWorld(2);
  await archiveEvents(world, tableEvents(60));
  return world;
}

test.each(
  named,
)('%s: what is written and deleted while it is filled is read back with the rest, at a later cut', async (_, projection) => {
  await using world = await openFilled();
  await rebuilt(world.context, projection);
  const folded = await archiveCut(world.store, [world.epoch]);
  const report = await rebuilt(
    onceFilled(world, () => archiveEvents(world, meanwhile)),
    projection,
  );
  const until = await archiveCut(world.store, [world.epoch]);
  expect(report).toMatchObject({
    ...{ events: 65, followed: 5, cut: `1:${until.next.join('.')}`, folded: `1:${folded.next.join('.')}` },
  });
  const root = rootOf();
  for await (const documents of foldHistory(
    projection,
    { ...world.context, until },
    { records: 0, outcomes: {} },
  ))
    for (const { id, version, body } of documents) root.add(id, version, body);
  expect(report).toMatchObject({ root: root.root(), documents: root.size, search: { unfound: 0 } });
  // All of it folded at once says the same.
  const { events, outcomes, documents } = await rebuilt(world.context, projection);
  expect({ events, outcomes, documents }).toEqual({
    ...{ events: report.events, outcomes: report.outcomes, documents: report.documents },
  });
});

test('how far each lane is, and how fast, is told while it folds; the report has all of them', async () => {
  await using world = await openFilled();
  const { next } = await archiveCut(world.store, [world.epoch]);
  const plan = await planRebuild(world.context, entities);
  const told: RebuildProgress[] = [];
  const onProgress = (progress: RebuildProgress): void => void told.push(progress);
  const signal = AbortSignal.timeout(20_000);
  const { lanes } = await rebuild(world.context, entities, plan, 'one', onProgress, signal);
  const folding = told.filter(({ phase }) => phase === 'fold');
  for (const { done, lanes } of folding) {
    expect(lanes!.map(({ total }) => total)).toEqual(next);
    expect(lanes!.reduce((sum, lane) => sum + lane.done, 0)).toBe(done);
  }
  expect(folding.at(-1)!.lanes!.map((lane) => lane.done)).toEqual(next);
  expect(lanes.map(({ events }) => events)).toEqual(next);
});

const forged = (document: Document): Document => ({
  ...document,
  body: Buffer.from(Buffer.from(document.body).toString().replace('{', '{"forged":true,')),
});

test.each([
  ['changed meanwhile', 1],
  ['new meanwhile', 900],
  ['not touched since', 4],
])('an entity that is %s and not what the fold says is named, and nothing is swapped', async (_, table) => {
  await using world = await openFilled();
  const { index: before } = await rebuilt(world.context, entities);
  const context = onceFilled(
    world,
    () => archiveEvents(world, meanwhile),
    (index) => ({
      ...index,
      async snapshot() {
        const [stored] = (await index.load([tableUrn(table)])).values();
        if (!Buffer.from(stored!.body).includes('"forged"'))
          await index.repair([forged({ ...stored!, search: null })], []);
        return index.snapshot();
      },
    }),
  );
  await expect(rebuilt(context, entities)).rejects.toMatchObject({
    code: 'REBUILD_DIFFERS',
    facts: { differing: 1, first: `${tableUrn(table)}: altered` },
  });
  expect((await world.model.serving(entities.definition))?.name).toBe(before);
});

test('what came meanwhile and was not stored is named as missing', async () => {
  await using world = await openFilled();
  let isFilled = false;
  const context = onceFilled(
    world,
    async () => {
      await archiveEvents(world, meanwhile);
      isFilled = true;
    },
    (index) => ({
      ...index,
      store: (documents, most) =>
        index.store(isFilled ? documents.filter(({ id }) => id !== tableUrn(900)) : documents, most),
    }),
  );
  await expect(rebuilt(context, entities)).rejects.toMatchObject({
    code: 'REBUILD_DIFFERS',
    facts: { first: `${tableUrn(900)}: missing` },
  });
});

test('a fold that gives something else the second time is told as such', async () => {
  await using world = await openFilled();
  let isFirst = true;
  const fickle: Projection = {
    ...history,
    open: (state) =>
      history.open(state).map((draft) => ({
        ...draft,
        render: () => {
          const document = draft.render();
          return isFirst && state.urn === tableUrn(1) ? forged(document) : document;
        },
      })),
  };
  const context = onceFilled(world, async () => {
    await archiveEvents(world, meanwhile);
    isFirst = false;
  });
  await expect(rebuilt(context, fickle)).rejects.toMatchObject({
    code: 'REBUILD_DIFFERS',
    facts: { differing: 0, reason: expect.stringContaining('folded again it is equal') },
  });
});

test('stopped while it is proven, and more came: the next one follows further, and proves all of it', async () => {
  await using world = await openFilled();
  const stop = new Error('stopped');
  const signal = AbortSignal.timeout(20_000);
  const stopping = new AbortController();
  const context = onceFilled(
    world,
    () => archiveEvents(world, meanwhile),
    (index) => ({
      ...index,
      async snapshot() {
        stopping.abort(stop);
        return index.snapshot();
      },
    }),
  );
  const plan = await planRebuild(context, entities);
  const id = crypto.randomUUID();
  await expect(
    rebuild(context, entities, plan, id, () => undefined, AbortSignal.any([signal, stopping.signal])),
  ).rejects.toBe(stop);
  expect(await readJob(world.store.state, 'entities')).toMatchObject({ id, step: 'prove', proven: null });
  await archiveEvents(world, tableEvents(10, 700));
  const report = await rebuilt(world.context, entities);
  expect(report).toMatchObject({ id, resumed: 1, events: 75, followed: 15 });
});
