import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  definition,
  document,
  found,
  type ReadModelGiven,
  scanned,
  versionsEnd,
} from './read-model.contract.ts';

/** Laws on indexes as wholes: made, served, swapped, dropped. */
export function readModelServingLaws(given: ReadModelGiven): void {
  test('a new index serves nobody; its name tells projection, version and suffix', async () => {
    const made = { ...definition(), version: 12 };
    const index = await given.model.create(made, 'b7');
    expect(index.name).toBe(`${made.projection}-v12-b7`);
    expect(index.definition).toEqual(made);
    expect(await given.model.serving(made)).toBeUndefined();
    expect((await given.model.open(index.name, made))!.name).toBe(index.name);
    expect(await given.model.open(`${made.projection}-v12-b8`, made)).toBeUndefined();
    expect(await given.model.open(index.name, definition())).toBeUndefined();
    expect((await given.model.list()).find(({ name }) => name === index.name)).toEqual({
      name: index.name,
      projection: made.projection,
      version: 12,
      serving: false,
      documents: 0,
      unindexable: 0,
      bytes: expect.any(Number),
    });
  });

  test('an index tells which fold made it, and where its code is kept, whoever asks', async () => {
    const made = { ...definition(), log: 'a-log', fold: 'f0'.repeat(32), bundle: 'b0'.repeat(32) };
    const { name } = await given.model.create(made, 'f');
    await given.model.swap(made.projection, null, name);
    const asked = { ...definition(), version: 7, fold: 'another' };
    expect((await given.model.serving({ ...asked, projection: made.projection }))!.definition).toEqual(made);
    expect((await given.model.open(name, { ...asked, projection: made.projection }))!.definition).toEqual(
      made,
    );
  });

  test('an index is made once', async () => {
    const made = definition();
    const index = await given.model.create(made, 'a');
    await index.store([document('a', 1)], versionsEnd);
    await expect(given.model.create(made, 'a')).rejects.toMatchObject({ code: 'INDEX_EXISTS' });
    expect((await scanned(index)).map(({ id }) => id)).toEqual(['a']);
  });

  test.for(['', 'A', 'a-b', 'a/b', 'x'.repeat(25)])('suffix %j is refused', async (suffix) => {
    await expect(given.model.create(definition(), suffix)).rejects.toBeInstanceOf(RangeError);
  });

  test('a swap goes through only from what serves', async () => {
    const made = definition();
    const { projection } = made;
    const [a, b] = [
      await given.model.create(made, 'a'),
      await given.model.create({ ...made, version: 2 }, 'b'),
    ];
    const refused = { code: 'SWAP_REFUSED' };
    await expect(given.model.swap(projection, b.name, a.name)).rejects.toMatchObject(refused);
    expect(await given.model.serving(made)).toBeUndefined();
    await given.model.swap(projection, null, a.name);
    expect((await given.model.serving(made))!.name).toBe(a.name);
    await expect(given.model.swap(projection, null, b.name)).rejects.toMatchObject(refused);
    await expect(given.model.swap(projection, b.name, b.name)).rejects.toMatchObject(refused);
    expect((await given.model.serving(made))!.name).toBe(a.name);
    await given.model.swap(projection, a.name, b.name);
    const serving = (await given.model.serving(made))!;
    expect([serving.name, serving.definition.version]).toEqual([b.name, 2]);
    await given.model.swap(projection, b.name, a.name);
    expect((await given.model.serving(made))!.name).toBe(a.name);
    const listed = (await given.model.list()).filter((one) => one.projection === projection);
    expect(listed.map(({ name, serving }) => [name, serving])).toEqual([
      [a.name, true],
      [b.name, false],
    ]);
  });

  test('only an index of the projection can serve it', async () => {
    const [mine, other] = [await given.fresh(), await given.fresh()];
    const { projection } = mine.definition;
    const refused = { code: 'SWAP_REFUSED' };
    await expect(given.model.swap(projection, null, other.name)).rejects.toMatchObject(refused);
    await expect(given.model.swap(projection, null, `${projection}-v1-none`)).rejects.toMatchObject(refused);
    expect(await given.model.serving(mine.definition)).toBeUndefined();
  });

  test.for([false, true])('of two swaps at once one wins (one serves before: %s)', async (served) => {
    await using other = await given.under.open();
    const made = definition();
    const from = served ? (await given.model.create(made, 'from')).name : null;
    if (from !== null) await given.model.swap(made.projection, null, from);
    const names = [(await given.model.create(made, 'a')).name, (await given.model.create(made, 'b')).name];
    const answers = await Promise.allSettled([
      given.model.swap(made.projection, from, names[0]!),
      other.swap(made.projection, from, names[1]!),
    ]);
    const won = answers.findIndex(({ status }) => status === 'fulfilled');
    expect(answers[1 - won]).toMatchObject({ status: 'rejected', reason: { code: 'SWAP_REFUSED' } });
    expect((await other.serving(made))!.name).toBe(names[won]);
  });

  test('a reader sees the old or the new index, never neither', async () => {
    await using other = await given.under.open();
    const made = definition();
    const indexes = [await given.model.create(made, 'a'), await given.model.create(made, 'b')];
    for (const index of indexes) {
      await index.store([document(index.name, 1)], versionsEnd);
      await index.refresh();
    }
    await given.model.swap(made.projection, null, indexes[0]!.name);
    let swapping = true;
    const seen = new Set<string>();
    const reading = (async () => {
      while (swapping) {
        const serving = await other.serving(made);
        seen.add(serving === undefined ? 'none' : serving.name);
        const page = await serving?.query({ where: [], sort: [{ field: 'key', order: 'asc' }], limit: 10 });
        expect(page?.hits.map(({ id }) => id)).toEqual([serving?.name]);
        await setImmediate();
      }
    })();
    for (let turn = 0; turn < 10; turn++)
      await given.model.swap(made.projection, indexes[turn % 2]!.name, indexes[(turn + 1) % 2]!.name);
    swapping = false;
    await reading;
    expect([...seen].every((name) => indexes.some((index) => index.name === name))).toBe(true);
  });

  test('what serves is not dropped; what is dropped is gone and stays gone', async () => {
    const made = definition();
    const [a, b] = [await given.model.create(made, 'a'), await given.model.create(made, 'b')];
    for (const index of [a, b]) await index.store([document(index.name, 1)], versionsEnd);
    await given.model.swap(made.projection, null, a.name);
    await expect(given.model.drop(a.name)).rejects.toMatchObject({ code: 'SWAP_REFUSED' });
    expect(await found((await given.model.serving(made))!)).toEqual([a.name]);

    expect(await found(b)).toEqual([b.name]);
    await given.model.drop(b.name);
    const gone = { code: 'MODEL_UNAVAILABLE', facts: { missing: b.name } };
    await expect(b.store([document('late', 1)], versionsEnd)).rejects.toMatchObject(gone);
    await expect(b.saveProgress([{ epoch: 1, partition: 0, next: 1, timeMax: 1 }])).rejects.toMatchObject(
      gone,
    );
    await expect(b.load(['late'])).rejects.toMatchObject(gone);
    await expect(b.progress()).rejects.toMatchObject(gone);
    await expect(b.refresh()).rejects.toMatchObject(gone);
    await expect(found(b)).rejects.toMatchObject(gone);
    await expect(scanned(b)).rejects.toMatchObject(gone);
    expect(await given.model.open(b.name, made)).toBeUndefined();
    const left = (await given.model.list()).filter((one) => one.projection === made.projection);
    expect(left.map(({ name }) => name)).toEqual([a.name]);
    await given.model.drop(b.name);

    const again = await given.model.create(made, 'b');
    expect(await scanned(again)).toEqual([]);
    expect(await again.progress()).toEqual([]);
  });
}
