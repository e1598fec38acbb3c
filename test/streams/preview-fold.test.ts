import { describe, expect, test } from 'vitest';
import { deniedWorld } from '../../src/apps/denied-world.ts';
import type { Step } from '../../src/domain/entity-state.ts';
import type { Document } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { history } from '../../src/projections/history.ts';
import type { Draft, Projection } from '../../src/projections/projection.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';
import { type FoldPreview, type PreviewAsked, previewFold } from '../../src/streams/preview-fold.ts';
import entitiesV2 from '../given/entities-v2.ts';
import { anEvent } from '../given/events.ts';
import { archiveEvents, blobsBelow, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

async function archived(): Promise<World> {
  const world = await openWorld(2);
  await archiveEvents(world, tableEvents(40));
  return world;
}

async function previewed(
  { context }: World,
  changed: Projection,
  asked: Partial<PreviewAsked> = {},
): Promise<FoldPreview> {
  const until = await archiveCut(context.store, context.epochs);
  using world = deniedWorld();
  return await previewFold({
    ...{ live: entities, changed, world, limit: 20, history: { ...context, until } },
    ...{ onProgress: () => undefined, signal: AbortSignal.timeout(10_000) },
    ...asked,
  });
}

const renumbered = (changed: Partial<Projection>, version = 2): Projection => ({
  ...entities,
  ...changed,
  definition: { ...entities.definition, version },
});
const none = {
  ...{ changed: 0, appeared: 0, vanished: 0, unsearchable: 0, firstUnsearchable: null },
  ...{ declared: [], equal: true, needsNewVersion: false },
};

test.each([entities, history])('the same fold changes nothing: %#', async (projection) => {
  await using world = await archived();
  const preview = await previewed(world, projection, { live: projection });
  expect(preview).toMatchObject({ ...none, events: 40, documentsDiffering: [] });
  expect(preview.documents).toBe(preview.liveDocuments);
});

test('every document that another fold makes otherwise is counted, and the first are named with what differs', async () => {
  await using world = await archived();
  const preview = await previewed(world, entitiesV2, { limit: 2 });
  expect(preview).toMatchObject({
    ...{ ...none, equal: false, changed: 7, liveVersion: 1, version: 2, documents: 7, liveDocuments: 7 },
    declared: [{ field: 'live', before: null, after: 'long' }],
  });
  expect(preview.documentsDiffering).toHaveLength(2);
  expect(preview.documentsDiffering[0]).toMatchObject({
    what: 'changed',
    fields: [
      { in: 'body', pointer: '/live', before: null, after: '1' },
      { in: 'search', pointer: '/live', before: null, after: '1' },
    ],
  });
});

const extra = (urn: string, version: number): Document => ({
  ...{ id: `extra ${urn}`, version, search: null },
  body: Buffer.from('{}'),
});

test('documents that appear and vanish are told apart', async () => {
  await using world = await archived();
  const once = ({ event, after }: Step): Draft[] =>
    after.ids.length > 1 ? [] : [{ id: `extra ${event.urn}`, version: 1, render: () => extra(event.urn, 1) }];
  const searchOf: Projection['searchOf'] = (document) =>
    document.id.startsWith('extra ') ? null : entities.searchOf(document);
  const appearing = renumbered({ drafts: once, settled: once, searchOf });
  expect(await previewed(world, appearing)).toMatchObject({
    ...none,
    equal: false,
    appeared: 7,
    documents: 14,
  });
  const vanishing = await previewed(world, renumbered({}, 3), { live: appearing });
  expect(vanishing).toMatchObject({ ...none, equal: false, vanished: 7, liveDocuments: 14 });
  expect(vanishing.documentsDiffering[0]).toMatchObject({
    what: 'vanished',
    beforeVersion: 1,
    afterVersion: null,
  });
});

test('documents that no search could find are counted, and the first is named with its reason', async () => {
  await using world = await archived();
  const { fields, ...definition } = entitiesV2.definition;
  const { live: _, ...declared } = fields;
  const undeclared = { ...entitiesV2, definition: { ...definition, fields: declared } };
  const preview = await previewed(world, undeclared);
  expect(preview).toMatchObject({ unsearchable: 7, firstUnsearchable: { reason: 'FIELD_UNDECLARED' } });
  expect(preview.firstUnsearchable?.id).toBe(preview.documentsDiffering[0]!.id);
});

test('of a name that this program has no fold of, everything appears', async () => {
  await using world = await archived();
  const preview = await previewed(world, entities, { live: undefined });
  expect(preview).toMatchObject({ liveVersion: null, liveDocuments: 0, appeared: 7, needsNewVersion: false });
});

test('a fold that makes other documents under the number it had needs a new one; below it too', async () => {
  await using world = await archived();
  const { stateDocument, searchOf } = entitiesV2;
  for (const version of [1, 2])
    expect(await previewed(world, renumbered({ stateDocument, searchOf }, version))).toMatchObject({
      changed: 7,
      needsNewVersion: version === 1,
    });
  expect(await previewed(world, renumbered({}, 1))).toMatchObject(none);
});

test('a history that is larger than a window is shared out, with the same answer, and nothing of it stays', async () => {
  await using world = await archived();
  const whole = await previewed(world, entitiesV2);
  expect(await previewed(world, entitiesV2, { windowBytes: 2_000 })).toMatchObject({
    ...{ changed: whole.changed, documents: whole.documents, events: whole.events },
  });
  expect(await blobsBelow(world, 'rebuilds/')).toEqual([]);
  expect(await world.model.list()).toEqual([]);
});

/** Fails, asks or errs on the state of one URN. */
const on = (urn: string, work: () => unknown): Projection =>
  renumbered({
    stateDocument(state) {
      const document = entities.stateDocument(state);
      if (state.urn !== urn) return document;
      const told = work();
      return told === undefined ? document : (told as Document);
    },
  });

describe('what a fold must not do is named with the event', () => {
  test.each([
    ['Date.now', (): void => void Date.now()],
    ['Math.random', (): void => void Math.random()],
    ['fetch', (): void => void fetch('http://127.0.0.1:1')],
    ['process.env', (): void => void process.env.HOME],
  ] as const)('a fold that asks %s ends the preview', async (asked, work) => {
    await using world = await archived();
    await expect(previewed(world, on(tableUrn(3), work))).rejects.toMatchObject({
      code: 'FOLD_IMPURE',
      facts: { asked, urn: tableUrn(3), position: expect.stringMatching(/^1-[01]-\d+$/) },
    });
  });

  test('it throws, or makes what is no document', async () => {
    await using world = await archived();
    await archiveEvents(world, [anEvent({ n: 99, value: { name: 'last' } })]);
    const { urn } = anEvent();
    const failing = (reason: string) => ({
      code: 'FOLD_FAILED',
      facts: { urn, position: expect.stringMatching(/^1-[01]-\d+$/), error: expect.stringContaining(reason) },
    });
    const thrown = on(urn, () => {
      throw new TypeError('no such member');
    });
    await expect(previewed(world, thrown)).rejects.toMatchObject(failing('no such member'));
    await expect(
      previewed(
        world,
        on(urn, () => ({ id: urn })),
      ),
    ).rejects.toMatchObject(failing('no document'));
  });

  test('what is stored tells other search values than the fold gave', async () => {
    await using world = await archived();
    const now = (): string => String(Date.now());
    const drawn = renumbered({
      stateDocument: (state) => ({ ...entities.stateDocument(state), search: { urn: now() } }),
    });
    await expect(previewed(world, drawn)).rejects.toMatchObject({ code: 'FOLD_IMPURE' });
    const found = renumbered({
      stateDocument: (state) => ({ ...entities.stateDocument(state), search: { urn: 'another' } }),
    });
    await expect(previewed(world, found)).rejects.toMatchObject({
      code: 'FOLD_FAILED',
      facts: { error: expect.stringContaining('searchOf tells other search values') },
    });
  });

  const drafted = (step: Step, told: string): Draft[] =>
    history.drafts(step).map((draft) => ({
      ...draft,
      render: () => ({ ...draft.render(), body: Buffer.from(`{"told":"${told}"}`) }),
    }));

  test.each([
    ['another body', { drafts: (step: Step) => drafted(step, 'otherwise') }],
    ['nothing', { drafts: () => [] }],
    ['more', { settled: () => [] }],
    ['another id of the state', { stateId: (urn: string) => urn }],
  ] as const)('lanes that make %s: a rebuild would not be what they left', async (_, wrong) => {
    await using world = await archived();
    await expect(previewed(world, { ...history, ...wrong }, { live: history })).rejects.toMatchObject({
      code: 'FOLD_FAILED',
      facts: { error: expect.stringMatching(/two documents of @1-|the document of the state ~/) },
    });
  });
});
