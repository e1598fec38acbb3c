import { expect, test } from 'vitest';
import type { HeldDocument, IndexSnapshot } from '../../src/ports/index-snapshot.ts';
import type { ModelDefinition, ModelIndex } from '../../src/ports/read-model.ts';
import { document, type ReadModelGiven, shape, versionsEnd } from './read-model.contract.ts';

const fields = { key: 'keyword', tags: 'keyword', size: 'long', words: 'words' } as const;
const searched = (key: string) => ({ key, tags: [`${key}1`, `${key} 2`], size: 7, words: ['all', key] });

const held = async (snapshot: IndexSnapshot): Promise<HeldDocument[]> => {
  const documents: HeldDocument[] = [];
  for await (const batch of snapshot.scan()) documents.push(...batch);
  return documents.sort((a, b) => (a.id < b.id ? -1 : 1));
};

const filled = async (given: ReadModelGiven): Promise<ModelIndex> => {
  const index = await given.fresh(fields);
  const documents = ['a', 'ä b', `${'long '.repeat(110)}c`].map((id) =>
    document(id, 3, undefined, searched(id)),
  );
  await index.store([...documents, document('hidden', 4, '{}', null)], versionsEnd);
  await index.saveProgress([{ epoch: 1, partition: 0, next: 5, timeMax: 9 }]);
  await index.refresh();
  return index;
};

/** Laws of a state of an index that is held. */
export function readModelSnapshotLaws(given: ReadModelGiven): void {
  test('shows one state, with its progress, as often as it is asked, whatever is stored meanwhile', async () => {
    const index = await filled(given);
    await using snapshot = await index.snapshot();
    const before = await held(snapshot);
    await index.store(
      [document('a', 8, '{"new":1}', searched('z')), document('later', 9, '{}', searched('later'))],
      versionsEnd,
    );
    await index.saveProgress([{ epoch: 1, partition: 0, next: 10, timeMax: 9 }]);
    await index.refresh();
    expect(snapshot.progress).toEqual([{ epoch: 1, partition: 0, next: 5, timeMax: 9 }]);
    expect(before.map(shape).filter(([id]) => id !== before.at(-2)!.id)).toHaveLength(3);
    expect((await held(snapshot)).map(shape)).toEqual(before.map(shape));
    expect(await snapshot.finds([{ id: 'later', field: 'key', value: 'later' }])).toEqual([false]);
    expect(await snapshot.finds([{ id: 'a', field: 'key', value: 'a' }])).toEqual([true]);
    await using now = await index.snapshot();
    expect((await held(now)).map(({ id }) => id)).toContain('later');
    expect(now.progress[0]!.next).toBe(10);
  });

  test('tells of each document whether it is held by other values than it should be', async () => {
    const index = await filled(given);
    await index.store(
      [{ ...document('mistyped', 5), search: { size: 'seven' } }, document('bare', 5, '{}', {})],
      versionsEnd,
    );
    await using snapshot = await index.snapshot();
    const documents = new Map((await held(snapshot)).map((one) => [one.id, one]));
    const a = documents.get('a')!;
    expect(a.differsIn(searched('a'))).toBeUndefined();
    expect(a.differsIn(null)).toBeDefined();
    expect(a.differsIn({ ...searched('a'), size: 8 })).toBe('size');
    expect(a.differsIn({ ...searched('a'), key: 'b' })).toBe('key');
    expect(a.differsIn({ ...searched('a'), words: ['all'] })).toBe('words');
    expect(a.differsIn({ ...searched('a'), tags: ['a1'] })).toBeDefined();
    const { tags: _, ...without } = searched('a');
    expect(a.differsIn(without)).toBeDefined();
    expect(documents.get('ä b')!.differsIn(searched('ä b'))).toBeUndefined();
    expect(documents.get('hidden')!.differsIn(null)).toBeUndefined();
    expect(documents.get('hidden')!.differsIn({})).toBe('visible');
    expect(documents.get('bare')!.differsIn({})).toBeUndefined();
    expect(documents.get('bare')!.differsIn(null)).toBe('visible');
    expect([a.unindexable, documents.get('mistyped')!.unindexable]).toEqual([null, 'FIELD_MISTYPED']);
  });

  test('finds documents by the terms of their fields, and by nothing else', async () => {
    const index = await filled(given);
    await using snapshot = await index.snapshot();
    const documents = (await held(snapshot)).filter(({ id }) => id !== 'hidden');
    const probes = documents.flatMap(({ id }) => [
      { id, field: 'key', value: id },
      { id, field: 'tags', value: `${id}1` },
      { id, field: 'tags', value: `${id} 2` },
      { id, field: 'size', value: 7 },
      { id, field: 'words', value: id },
      { id, field: 'words', value: 'all' },
    ]);
    expect(await snapshot.finds(probes)).toEqual(probes.map(() => true));
    const wrong = [
      { id: 'a', field: 'key', value: 'ä b' },
      { id: 'a', field: 'tags', value: 'a' },
      { id: 'a', field: 'size', value: 8 },
      { id: 'a', field: 'words', value: 'al' },
      { id: 'nobody', field: 'size', value: 7 },
      { id: 'hidden', field: 'size', value: 7 },
      { id: 'a', field: 'size', value: 7 },
    ];
    expect(await snapshot.finds(wrong)).toEqual(wrong.map((_, n) => n === wrong.length - 1));
    const many = Array.from({ length: 700 }, (_, n) => ({ id: 'a', field: 'size', value: n }));
    expect((await snapshot.finds(many)).flatMap((found, n) => (found ? [n] : []))).toEqual([7]);
    expect(await snapshot.finds([])).toEqual([]);
  });

  test.for([
    {},
    fields,
    { words: 'words' },
    { from: 'long', rank: 'keyword' },
  ] as ModelDefinition['fields'][])('an index as it was made is as it was declared: %j', async (made) => {
    const index = await given.fresh(made);
    await index.refresh();
    const inspect = async () => {
      await using snapshot = await index.snapshot();
      return await snapshot.inspect();
    };
    const fresh = await inspect();
    expect(fresh).toMatchObject({ found: fresh.declared, differing: [], ignored: 0, ignoredIds: [] });
    await given.model.swap(index.definition.projection, null, index.name);
    expect(await inspect()).toEqual(fresh);
  });

  test('a shape that was changed is told, and so is a value that was left out', async () => {
    const index = await filled(given);
    await given.under.plant.shape(index, 'words');
    await given.under.plant.lost(index, 'a', 'words');
    await using snapshot = await index.snapshot();
    const { declared, found, differing, ignored, ignoredIds } = await snapshot.inspect();
    expect(found).not.toBe(declared);
    expect(differing.join()).toContain('words');
    expect([ignored, ignoredIds]).toEqual([1, ['a']]);
    expect(await snapshot.finds([{ id: 'a', field: 'words', value: 'all' }])).toEqual([false]);
  });

  test('a value that was changed is told, and the old one no longer found', async () => {
    const index = await filled(given);
    await given.under.plant.value(index, 'a', 'key');
    await using snapshot = await index.snapshot();
    const a = (await held(snapshot)).find(({ id }) => id === 'a')!;
    expect(a.differsIn(searched('a'))).toBe('key');
    expect(await snapshot.finds([{ id: 'a', field: 'key', value: 'a' }])).toEqual([false]);
  });

  test('what was dropped is told as missing', async () => {
    const index = await filled(given);
    await given.model.drop(index.name);
    await expect(index.snapshot()).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });
}
