import { describe, expect, test } from 'vitest';
import { bytes, type Handles, names, newFolder } from './given.ts';

export function nameLaws(handles: Handles): void {
  describe('names', () => {
    const bad = [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      '../../etc/passwd',
      'a/./b',
      'a\\b',
      'a b',
      'a\n',
      'a@1',
      'ä',
      'a\0b',
      '%2e%2e/a',
      'x'.repeat(513),
    ];
    test.for(bad)('%j is refused by every call', async (blob) => {
      const { truth, state } = handles.store;
      const calls = [
        () => truth.create(blob, bytes('x')),
        () => truth.read(blob),
        () => state.read(blob),
        () => state.write(blob, bytes('x'), null),
        () => state.append(blob, bytes('x'), 'etag'),
        () => state.replace(blob, bytes('x')),
        () => state.remove(blob),
      ];
      for (const call of calls) await expect(call()).rejects.toBeInstanceOf(RangeError);
    });

    test.for(['a', '/', 'a//', '../', 'a/../', './', '//'])('%j is refused as a prefix', async (prefix) => {
      for (const kind of ['truth', 'state'] as const)
        await expect(names(handles.store[kind].list(prefix))).rejects.toBeInstanceOf(RangeError);
    });

    test('the longest name passes', async () => {
      const folder = newFolder();
      const blob = `${folder}/${'0'.repeat(200)}/${'1'.repeat(200)}/`.padEnd(512, 'x');
      expect(await handles.store.truth.create(blob, bytes('.'))).toBe('created');
      expect(await names(handles.store.truth.list(`${folder}/`))).toEqual([blob]);
    });
  });
}
