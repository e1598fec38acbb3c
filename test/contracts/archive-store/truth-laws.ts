import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { all, bytes, type Handles, names, newFolder, written } from './given.ts';

export function truthLaws(handles: Handles): void {
  describe('truth', () => {
    test('a blob is created once and comes back whole', async () => {
      const blob = `${newFolder()}/a/00000000000000000000.avro`;
      const content = randomBytes(70_000);
      expect(await handles.store.truth.read(blob)).toBeUndefined();
      expect(await handles.store.truth.create(blob, content)).toBe('created');
      expect((await handles.store.truth.read(blob))?.equals(content)).toBe(true);
      expect((await handles.other.truth.read(blob))?.equals(content)).toBe(true);
    });

    test('what is there is never changed', async () => {
      const blob = `${newFolder()}/blob`;
      await handles.store.truth.create(blob, bytes('first'));
      for (const [handle, second] of [
        [handles.store, 'other'],
        [handles.other, 'first'],
        [handles.other, ''],
      ] as const)
        expect(await handle.truth.create(blob, bytes(second))).toBe('exists');
      expect((await handles.store.truth.read(blob))?.toString()).toBe('first');
    });

    test('of racing creates one wins, and its bytes are the ones read', async () => {
      for (let round = 0; round < 5; round++) {
        const blob = `${newFolder()}/x/y/race.json`;
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            (i % 2 === 0 ? handles.store : handles.other).truth.create(blob, bytes(`writer ${i}`)),
          ),
        );
        expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
        expect(answers.filter((answer) => answer === 'exists')).toHaveLength(19);
        const winner = `writer ${answers.indexOf('created')}`;
        expect((await handles.store.truth.read(blob))?.toString()).toBe(winner);
        expect(await names(handles.store.truth.list(`${blob.split('/')[0]}/`))).toEqual([blob]);
      }
    });

    test('a reader sees a blob whole or not at all', async () => {
      const folder = newFolder();
      const content = randomBytes(2_000_000);
      const seen: (number | undefined)[] = [];
      const blobs = Array.from({ length: 8 }, (_, i) => `${folder}/${i}`);
      await Promise.all(
        blobs.map(async (blob) => {
          const creating = handles.store.truth.create(blob, content);
          let read: Buffer | undefined;
          do {
            read = await handles.other.truth.read(blob);
            seen.push(read?.length);
          } while (read === undefined);
          await creating;
        }),
      );
      expect(new Set(seen.filter((length) => length !== undefined))).toEqual(new Set([content.length]));
    });

    test('an empty blob is a blob', async () => {
      const blob = `${newFolder()}/empty`;
      expect(await handles.store.truth.create(blob, Buffer.alloc(0))).toBe('created');
      expect(await handles.store.truth.create(blob, bytes('no'))).toBe('exists');
      expect((await handles.store.truth.read(blob))?.length).toBe(0);
    });

    test('20 MiB pass', async () => {
      const blob = `${newFolder()}/large`;
      const content = randomBytes(20 * 1024 * 1024);
      await handles.store.truth.create(blob, content);
      expect((await handles.other.truth.read(blob))?.equals(content)).toBe(true);
      expect(await all(handles.store.truth.list(`${blob.split('/')[0]}/`))).toEqual([
        { name: blob, bytes: content.length },
      ]);
    });

    test('truth and state do not see each other', async () => {
      const blob = `${newFolder()}/both`;
      await handles.store.truth.create(blob, bytes('truth'));
      expect(await handles.store.state.read(blob)).toBeUndefined();
      await written(handles.store.state, blob, 'state', null);
      expect((await handles.store.truth.read(blob))?.toString()).toBe('truth');
    });
  });
}
