import { describe, expect, test } from 'vitest';
import { all, bytes, type Handles, inByteOrder, inTurns, names, newFolder } from './given.ts';

export function listLaws(handles: Handles): void {
  describe('lists', () => {
    // '-' and '.' sort before '/', digits and letters after it: a folder's place is not that of its bare
    // name.
    const tricky = [
      'a',
      'a-b/c',
      'a.b',
      'ab/c',
      'ab/c-d',
      'ab.json',
      'a0',
      'Z/z',
      'b/a/c',
      'b/a-',
      'b/a.x',
      '_/1',
    ];

    test.for(['truth', 'state'] as const)('%s: names come in byte order, with sizes', async (kind) => {
      const folder = newFolder();
      const made = tricky.map((blob) => `${folder}/${blob}`);
      for (const blob of made) {
        if (kind === 'truth') await handles.store.truth.create(blob, bytes(blob));
        else await handles.store.state.replace(blob, bytes(blob));
      }
      const expected = inByteOrder(made).map((blob) => ({ name: blob, bytes: blob.length }));
      expect(await all(handles.other[kind].list(`${folder}/`))).toEqual(expected);
      for (const [i, blob] of inByteOrder(made).entries())
        expect(await all(handles.store[kind].list(`${folder}/`, blob))).toEqual(expected.slice(i + 1));
    });

    test('a prefix is a whole path', async () => {
      const folder = newFolder();
      for (const blob of ['s/1/0/x', 's/1/1/y', 's/10/0/z', 's-1/0'])
        await handles.store.truth.create(`${folder}/${blob}`, bytes('.'));
      expect(await names(handles.store.truth.list(`${folder}/s/1/`))).toEqual([
        `${folder}/s/1/0/x`,
        `${folder}/s/1/1/y`,
      ]);
      expect(await names(handles.store.truth.list(`${folder}/none/`))).toEqual([]);
      expect(await names(handles.store.truth.list(`${folder}/s/`, `${folder}/s/1/0/zz`))).toEqual([
        `${folder}/s/1/1/y`,
        `${folder}/s/10/0/z`,
      ]);
      expect(await names(handles.store.truth.list(`${folder}/s/`, `${folder}/s/1/`))).toHaveLength(3);
      expect(await names(handles.store.truth.list(`${folder}/s/`, `${folder}/t`))).toEqual([]);
    });

    test('without a prefix everything is listed', async () => {
      const folder = newFolder();
      await handles.store.truth.create(`${folder}/a`, bytes('.'));
      await handles.store.truth.create(folder.replace('law', 'top'), bytes('.'));
      const found = await names(handles.store.truth.list(''));
      expect(found).toContain(`${folder}/a`);
      expect(found).toContain(folder.replace('law', 'top'));
      expect(found).toEqual(inByteOrder(found));
    });

    test('a long list is complete and ordered, from any name on', async () => {
      const folder = newFolder();
      const made = Array.from(
        { length: handles.under.manyNames },
        (_, i) => `${folder}/${String(i).padStart(20, '0')}`,
      );
      await inTurns(made, 50, (blob) => handles.store.truth.create(blob, bytes('x')));
      expect(await names(handles.store.truth.list(`${folder}/`))).toEqual(made);
      for (const from of [0, 1, Math.floor(made.length / 2), made.length - 2])
        expect(await names(handles.store.truth.list(`${folder}/`, made[from]!))).toEqual(
          made.slice(from + 1),
        );
    }, 120_000);

    test('a list that is left early costs no error', async () => {
      const folder = newFolder();
      for (const blob of ['a', 'b', 'c']) await handles.store.truth.create(`${folder}/${blob}`, bytes('.'));
      for await (const { name: first } of handles.store.truth.list(`${folder}/`)) {
        expect(first).toBe(`${folder}/a`);
        break;
      }
    });
  });
}
