import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { all, bytes, type Handles, names, newFolder, text, written } from './given.ts';

export function stateLaws(handles: Handles): void {
  describe('state', () => {
    test('a write needs what it was based on', async () => {
      const blob = `${newFolder()}/checkpoint`;
      expect(await handles.store.state.read(blob)).toBeUndefined();
      const first = await written(handles.store.state, blob, 'one', null);
      expect(await handles.store.state.write(blob, bytes('no'), null)).toBe('changed');
      const second = await written(handles.store.state, blob, 'two', first);
      expect(second).not.toBe(first);
      for (const handle of [handles.store, handles.other])
        expect(await handle.state.write(blob, bytes('no'), first)).toBe('changed');
      expect(await handles.store.state.read(blob)).toEqual({ bytes: bytes('two'), etag: second });
      expect(await handles.other.state.read(blob)).toEqual({ bytes: bytes('two'), etag: second });
    });

    test('writing the same bytes again is a write', async () => {
      const blob = `${newFolder()}/same`;
      const first = await written(handles.store.state, blob, 'same', null);
      const second = await written(handles.store.state, blob, 'same', first);
      expect(second).not.toBe(first);
      expect(await handles.other.state.write(blob, bytes('no'), first)).toBe('changed');
    });

    test('an append needs a blob and what it was based on', async () => {
      const blob = `${newFolder()}/tail.avro`;
      expect(await handles.store.state.append(blob, bytes('x'), 'nothing')).toBe('changed');
      expect(await handles.store.state.read(blob)).toBeUndefined();
      const etags = [await written(handles.store.state, blob, 'head', null)];
      let content = 'head';
      for (const block of [' one', ' two', '', ' three']) {
        const answer = await handles.store.state.append(blob, bytes(block), etags.at(-1)!);
        expect(answer).not.toBe('changed');
        if (block !== '') expect(etags).not.toContain(answer);
        etags.push(answer);
        content += block;
        expect(await text(handles.other.state, blob)).toBe(content);
      }
      expect(await handles.store.state.append(blob, bytes('stale'), etags[0]!)).toBe('changed');
      expect(await text(handles.store.state, blob)).toBe(content);
      expect((await all(handles.other.state.list(`${blob.split('/')[0]}/`)))[0]).toEqual({
        name: blob,
        bytes: content.length,
      });
    });

    test('appends and writes follow each other in any order', async () => {
      const blob = `${newFolder()}/mixed`;
      let etag = await written(handles.store.state, blob, '', null);
      for (const [how, part, expected] of [
        ['append', 'a', 'a'],
        ['append', 'b', 'ab'],
        ['write', 'new', 'new'],
        ['append', 'c', 'newc'],
        ['write', '', ''],
        ['write', 'x', 'x'],
        ['append', 'yz', 'xyz'],
      ] as const) {
        etag = await handles.store.state[how](blob, bytes(part), etag);
        expect(await handles.store.state.read(blob)).toEqual({ bytes: bytes(expected), etag });
      }
    });

    test('a zombie with an old tag changes nothing, and goes on with the new one', async () => {
      const blob = `${newFolder()}/tail`;
      const base = await written(handles.store.state, blob, 'base', null);
      const mine = await handles.store.state.append(blob, bytes('+mine'), base);
      expect(await handles.other.state.append(blob, bytes('+zombie'), base)).toBe('changed');
      expect(await handles.other.state.write(blob, bytes('zombie'), base)).toBe('changed');
      expect(await handles.other.state.read(blob)).toEqual({ bytes: bytes('base+mine'), etag: mine });
      const theirs = await handles.other.state.append(blob, bytes('+theirs'), mine);
      expect(await handles.store.state.append(blob, bytes('+late'), mine)).toBe('changed');
      expect(await handles.store.state.read(blob)).toEqual({
        bytes: bytes('base+mine+theirs'),
        etag: theirs,
      });
    });

    test.for(['write', 'append'] as const)('of racing %ss on one tag one wins', async (how) => {
      const blob = `${newFolder()}/race`;
      const base = await written(handles.store.state, blob, 'base', null);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 === 0 ? handles.store : handles.other).state[how](blob, bytes(` writer ${i}`), base),
        ),
      );
      const won = answers.filter((answer) => answer !== 'changed');
      expect(won).toHaveLength(1);
      const winner = answers.findIndex((answer) => answer !== 'changed');
      const expected = `${how === 'append' ? 'base' : ''} writer ${winner}`;
      expect(await handles.store.state.read(blob)).toEqual({ bytes: bytes(expected), etag: won[0] });
    });

    test('of racing first writes one wins', async () => {
      const blob = `${newFolder()}/first`;
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 === 0 ? handles.store : handles.other).state.write(blob, bytes(`writer ${i}`), null),
        ),
      );
      expect(answers.filter((answer) => answer !== 'changed')).toHaveLength(1);
      const winner = answers.findIndex((answer) => answer !== 'changed');
      expect(await text(handles.store.state, blob)).toBe(`writer ${winner}`);
    });

    test('a reader sees each append whole or not at all', async () => {
      const blob = `${newFolder()}/growing`;
      const block = Buffer.alloc(300_000, 'b');
      let etag = await written(handles.store.state, blob, '', null);
      let growing = true;
      const lengths = new Set<number>();
      const reading = (async () => {
        while (growing) lengths.add((await handles.other.state.read(blob))!.bytes.length % block.length);
      })();
      for (let i = 0; i < 12; i++) etag = await handles.store.state.append(blob, block, etag);
      growing = false;
      await reading;
      expect(lengths).toEqual(new Set([0]));
      expect((await handles.store.state.read(blob))?.bytes.length).toBe(12 * block.length);
    });

    test('replace asks nothing, and tags from before are old', async () => {
      const blob = `${newFolder()}/derived.json`;
      await handles.store.state.replace(blob, bytes('one'));
      const { etag } = (await handles.store.state.read(blob))!;
      await handles.other.state.replace(blob, bytes('two'));
      expect(await handles.store.state.write(blob, bytes('no'), etag)).toBe('changed');
      expect(await text(handles.store.state, blob)).toBe('two');
      const grown = await handles.store.state.append(
        blob,
        bytes('+'),
        (await handles.store.state.read(blob))!.etag,
      );
      await handles.store.state.replace(blob, bytes('three'));
      expect(await handles.store.state.append(blob, bytes('no'), grown)).toBe('changed');
      expect(await text(handles.other.state, blob)).toBe('three');
    });

    test('a removed blob is gone, and its tags with it', async () => {
      const folder = newFolder();
      const blob = `${folder}/gone`;
      await handles.store.state.remove(blob);
      const first = await written(handles.store.state, blob, 'one', null);
      const grown = await handles.store.state.append(blob, bytes(' more'), first);
      await handles.other.state.remove(blob);
      expect(await handles.store.state.read(blob)).toBeUndefined();
      expect(await names(handles.store.state.list(`${folder}/`))).toEqual([]);
      expect(await handles.store.state.write(blob, bytes('no'), grown)).toBe('changed');
      expect(await handles.store.state.append(blob, bytes('no'), grown)).toBe('changed');
      await written(handles.store.state, blob, 'one', null);
      for (const old of [first, grown])
        expect(await handles.store.state.write(blob, bytes('no'), old)).toBe('changed');
      await handles.store.state.remove(blob);
    });

    test('what one handle wrote a new one finds', async () => {
      const blob = `${newFolder()}/kept`;
      const etag = await written(handles.store.state, blob, 'kept', null);
      await handles.store.state.append(blob, bytes(' and more'), etag);
      await using later = await handles.under.open();
      expect(await text(later.state, blob)).toBe('kept and more');
    });

    test('20 MiB pass, written and appended', async () => {
      const blob = `${newFolder()}/large`;
      const half = randomBytes(10 * 1024 * 1024);
      const etag = await handles.store.state.write(blob, half, null);
      await handles.store.state.append(blob, half, etag);
      const read = (await handles.other.state.read(blob))!.bytes;
      expect(read.equals(Buffer.concat([half, half]))).toBe(true);
    });
  });
}
