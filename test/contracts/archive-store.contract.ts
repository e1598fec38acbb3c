import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveStore, BlobFound, ETag, StateStore } from '../../src/ports/archive.ts';

/** A place for archives to be judged: handles opened in it are handles of one store, as of two processes. */
export interface ArchiveUnderTest extends AsyncDisposable {
  /** A handle of the store; called more than once. */
  open(): Promise<ArchiveStore>;
  /** How many names the law on long lists makes; above one page of a list where the store has pages. */
  readonly manyNames: number;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
async function all(found: AsyncIterable<BlobFound>): Promise<BlobFound[]> {
  const blobs: BlobFound[] = [];
  for await (const blob of found) blobs.push(blob);
  return blobs;
}
const names = async (found: AsyncIterable<BlobFound>): Promise<string[]> =>
  (await all(found)).map(({ name }) => name);
const inByteOrder = (some: readonly string[]): string[] =>
  [...some].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

/** A folder of its own for each law, so that all of them share one store. */
const newFolder = (): string => `law-${randomBytes(6).toString('hex')}`;

async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>) {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(work));
}

/** The laws of an archive store. Every adapter runs all of them. */
export function archiveStoreContract(name: string, place: () => Promise<ArchiveUnderTest>): void {
  describe(`archive store: ${name}`, () => {
    let under: ArchiveUnderTest;
    let store: ArchiveStore;
    let other: ArchiveStore;
    beforeAll(async () => {
      under = await place();
      store = await under.open();
      other = await under.open();
    });
    afterAll(async () => {
      await store?.[Symbol.asyncDispose]();
      await other?.[Symbol.asyncDispose]();
      await under?.[Symbol.asyncDispose]();
    });

    const written = async (
      state: StateStore,
      blob: string,
      text: string,
      etag: ETag | null,
    ): Promise<ETag> => {
      const answer = await state.write(blob, bytes(text), etag);
      expect(answer).not.toBe('changed');
      return answer;
    };
    const text = async (state: StateStore, blob: string): Promise<string | undefined> =>
      (await state.read(blob))?.bytes.toString('utf8');

    test('it says where it is', () => {
      expect(store.place.length).toBeGreaterThan(0);
    });

    describe('truth', () => {
      test('a blob is created once and comes back whole', async () => {
        const blob = `${newFolder()}/a/00000000000000000000.avro`;
        const content = randomBytes(70_000);
        expect(await store.truth.read(blob)).toBeUndefined();
        expect(await store.truth.create(blob, content)).toBe('created');
        expect((await store.truth.read(blob))?.equals(content)).toBe(true);
        expect((await other.truth.read(blob))?.equals(content)).toBe(true);
      });

      test('what is there is never changed', async () => {
        const blob = `${newFolder()}/blob`;
        await store.truth.create(blob, bytes('first'));
        for (const [handle, second] of [
          [store, 'other'],
          [other, 'first'],
          [other, ''],
        ] as const)
          expect(await handle.truth.create(blob, bytes(second))).toBe('exists');
        expect((await store.truth.read(blob))?.toString()).toBe('first');
      });

      test('of racing creates one wins, and its bytes are the ones read', async () => {
        for (let round = 0; round < 5; round++) {
          const blob = `${newFolder()}/x/y/race.json`;
          const answers = await Promise.all(
            Array.from({ length: 20 }, (_, i) =>
              (i % 2 === 0 ? store : other).truth.create(blob, bytes(`writer ${i}`)),
            ),
          );
          expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
          expect(answers.filter((answer) => answer === 'exists')).toHaveLength(19);
          const winner = `writer ${answers.indexOf('created')}`;
          expect((await store.truth.read(blob))?.toString()).toBe(winner);
          expect(await names(store.truth.list(`${blob.split('/')[0]}/`))).toEqual([blob]);
        }
      });

      test('a reader sees a blob whole or not at all', async () => {
        const folder = newFolder();
        const content = randomBytes(2_000_000);
        const seen: (number | undefined)[] = [];
        const blobs = Array.from({ length: 8 }, (_, i) => `${folder}/${i}`);
        await Promise.all(
          blobs.map(async (blob) => {
            const creating = store.truth.create(blob, content);
            let read: Buffer | undefined;
            do {
              read = await other.truth.read(blob);
              seen.push(read?.length);
            } while (read === undefined);
            await creating;
          }),
        );
        expect(new Set(seen.filter((length) => length !== undefined))).toEqual(new Set([content.length]));
      });

      test('an empty blob is a blob', async () => {
        const blob = `${newFolder()}/empty`;
        expect(await store.truth.create(blob, Buffer.alloc(0))).toBe('created');
        expect(await store.truth.create(blob, bytes('no'))).toBe('exists');
        expect((await store.truth.read(blob))?.length).toBe(0);
      });

      test('20 MiB pass', async () => {
        const blob = `${newFolder()}/large`;
        const content = randomBytes(20 * 1024 * 1024);
        await store.truth.create(blob, content);
        expect((await other.truth.read(blob))?.equals(content)).toBe(true);
        expect(await all(store.truth.list(`${blob.split('/')[0]}/`))).toEqual([
          { name: blob, bytes: content.length },
        ]);
      });

      test('truth and state do not see each other', async () => {
        const blob = `${newFolder()}/both`;
        await store.truth.create(blob, bytes('truth'));
        expect(await store.state.read(blob)).toBeUndefined();
        await written(store.state, blob, 'state', null);
        expect((await store.truth.read(blob))?.toString()).toBe('truth');
      });
    });

    describe('lists', () => {
      // '-' and '.' sort before '/', digits and letters after it: a folder's place is not that of its bare name.
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
          if (kind === 'truth') await store.truth.create(blob, bytes(blob));
          else await store.state.replace(blob, bytes(blob));
        }
        const expected = inByteOrder(made).map((blob) => ({ name: blob, bytes: blob.length }));
        expect(await all(other[kind].list(`${folder}/`))).toEqual(expected);
        for (const [i, blob] of inByteOrder(made).entries())
          expect(await all(store[kind].list(`${folder}/`, blob))).toEqual(expected.slice(i + 1));
      });

      test('a prefix is a whole path', async () => {
        const folder = newFolder();
        for (const blob of ['s/1/0/x', 's/1/1/y', 's/10/0/z', 's-1/0'])
          await store.truth.create(`${folder}/${blob}`, bytes('.'));
        expect(await names(store.truth.list(`${folder}/s/1/`))).toEqual([
          `${folder}/s/1/0/x`,
          `${folder}/s/1/1/y`,
        ]);
        expect(await names(store.truth.list(`${folder}/none/`))).toEqual([]);
        expect(await names(store.truth.list(`${folder}/s/`, `${folder}/s/1/0/zz`))).toEqual([
          `${folder}/s/1/1/y`,
          `${folder}/s/10/0/z`,
        ]);
        expect(await names(store.truth.list(`${folder}/s/`, `${folder}/s/1/`))).toHaveLength(3);
        expect(await names(store.truth.list(`${folder}/s/`, `${folder}/t`))).toEqual([]);
      });

      test('without a prefix everything is listed', async () => {
        const folder = newFolder();
        await store.truth.create(`${folder}/a`, bytes('.'));
        await store.truth.create(folder.replace('law', 'top'), bytes('.'));
        const found = await names(store.truth.list(''));
        expect(found).toContain(`${folder}/a`);
        expect(found).toContain(folder.replace('law', 'top'));
        expect(found).toEqual(inByteOrder(found));
      });

      test('a long list is complete and ordered, from any name on', async () => {
        const folder = newFolder();
        const made = Array.from(
          { length: under.manyNames },
          (_, i) => `${folder}/${String(i).padStart(20, '0')}`,
        );
        await inTurns(made, 50, (blob) => store.truth.create(blob, bytes('x')));
        expect(await names(store.truth.list(`${folder}/`))).toEqual(made);
        for (const from of [0, 1, Math.floor(made.length / 2), made.length - 2])
          expect(await names(store.truth.list(`${folder}/`, made[from]!))).toEqual(made.slice(from + 1));
      }, 120_000);

      test('a list that is left early costs no error', async () => {
        const folder = newFolder();
        for (const blob of ['a', 'b', 'c']) await store.truth.create(`${folder}/${blob}`, bytes('.'));
        for await (const { name: first } of store.truth.list(`${folder}/`)) {
          expect(first).toBe(`${folder}/a`);
          break;
        }
      });
    });

    describe('state', () => {
      test('a write needs what it was based on', async () => {
        const blob = `${newFolder()}/checkpoint`;
        expect(await store.state.read(blob)).toBeUndefined();
        const first = await written(store.state, blob, 'one', null);
        expect(await store.state.write(blob, bytes('no'), null)).toBe('changed');
        const second = await written(store.state, blob, 'two', first);
        expect(second).not.toBe(first);
        for (const handle of [store, other])
          expect(await handle.state.write(blob, bytes('no'), first)).toBe('changed');
        expect(await store.state.read(blob)).toEqual({ bytes: bytes('two'), etag: second });
        expect(await other.state.read(blob)).toEqual({ bytes: bytes('two'), etag: second });
      });

      test('writing the same bytes again is a write', async () => {
        const blob = `${newFolder()}/same`;
        const first = await written(store.state, blob, 'same', null);
        const second = await written(store.state, blob, 'same', first);
        expect(second).not.toBe(first);
        expect(await other.state.write(blob, bytes('no'), first)).toBe('changed');
      });

      test('an append needs a blob and what it was based on', async () => {
        const blob = `${newFolder()}/tail.avro`;
        expect(await store.state.append(blob, bytes('x'), 'nothing')).toBe('changed');
        expect(await store.state.read(blob)).toBeUndefined();
        const etags = [await written(store.state, blob, 'head', null)];
        let content = 'head';
        for (const block of [' one', ' two', '', ' three']) {
          const answer = await store.state.append(blob, bytes(block), etags.at(-1)!);
          expect(answer).not.toBe('changed');
          if (block !== '') expect(etags).not.toContain(answer);
          etags.push(answer);
          content += block;
          expect(await text(other.state, blob)).toBe(content);
        }
        expect(await store.state.append(blob, bytes('stale'), etags[0]!)).toBe('changed');
        expect(await text(store.state, blob)).toBe(content);
        expect((await all(other.state.list(`${blob.split('/')[0]}/`)))[0]).toEqual({
          name: blob,
          bytes: content.length,
        });
      });

      test('appends and writes follow each other in any order', async () => {
        const blob = `${newFolder()}/mixed`;
        let etag = await written(store.state, blob, '', null);
        for (const [how, part, expected] of [
          ['append', 'a', 'a'],
          ['append', 'b', 'ab'],
          ['write', 'new', 'new'],
          ['append', 'c', 'newc'],
          ['write', '', ''],
          ['write', 'x', 'x'],
          ['append', 'yz', 'xyz'],
        ] as const) {
          etag = await store.state[how](blob, bytes(part), etag);
          expect(await store.state.read(blob)).toEqual({ bytes: bytes(expected), etag });
        }
      });

      test('a zombie with an old tag changes nothing, and goes on with the new one', async () => {
        const blob = `${newFolder()}/tail`;
        const base = await written(store.state, blob, 'base', null);
        const mine = await store.state.append(blob, bytes('+mine'), base);
        expect(await other.state.append(blob, bytes('+zombie'), base)).toBe('changed');
        expect(await other.state.write(blob, bytes('zombie'), base)).toBe('changed');
        expect(await other.state.read(blob)).toEqual({ bytes: bytes('base+mine'), etag: mine });
        const theirs = await other.state.append(blob, bytes('+theirs'), mine);
        expect(await store.state.append(blob, bytes('+late'), mine)).toBe('changed');
        expect(await store.state.read(blob)).toEqual({ bytes: bytes('base+mine+theirs'), etag: theirs });
      });

      test.for(['write', 'append'] as const)('of racing %ss on one tag one wins', async (how) => {
        const blob = `${newFolder()}/race`;
        const base = await written(store.state, blob, 'base', null);
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, i) =>
            (i % 2 === 0 ? store : other).state[how](blob, bytes(` writer ${i}`), base),
          ),
        );
        const won = answers.filter((answer) => answer !== 'changed');
        expect(won).toHaveLength(1);
        const winner = answers.findIndex((answer) => answer !== 'changed');
        const expected = `${how === 'append' ? 'base' : ''} writer ${winner}`;
        expect(await store.state.read(blob)).toEqual({ bytes: bytes(expected), etag: won[0] });
      });

      test('of racing first writes one wins', async () => {
        const blob = `${newFolder()}/first`;
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, i) =>
            (i % 2 === 0 ? store : other).state.write(blob, bytes(`writer ${i}`), null),
          ),
        );
        expect(answers.filter((answer) => answer !== 'changed')).toHaveLength(1);
        const winner = answers.findIndex((answer) => answer !== 'changed');
        expect(await text(store.state, blob)).toBe(`writer ${winner}`);
      });

      test('a reader sees each append whole or not at all', async () => {
        const blob = `${newFolder()}/growing`;
        const block = Buffer.alloc(300_000, 'b');
        let etag = await written(store.state, blob, '', null);
        let growing = true;
        const lengths = new Set<number>();
        const reading = (async () => {
          while (growing) lengths.add((await other.state.read(blob))!.bytes.length % block.length);
        })();
        for (let i = 0; i < 12; i++) etag = await store.state.append(blob, block, etag);
        growing = false;
        await reading;
        expect(lengths).toEqual(new Set([0]));
        expect((await store.state.read(blob))?.bytes.length).toBe(12 * block.length);
      });

      test('replace asks nothing, and tags from before are old', async () => {
        const blob = `${newFolder()}/derived.json`;
        await store.state.replace(blob, bytes('one'));
        const { etag } = (await store.state.read(blob))!;
        await other.state.replace(blob, bytes('two'));
        expect(await store.state.write(blob, bytes('no'), etag)).toBe('changed');
        expect(await text(store.state, blob)).toBe('two');
        const grown = await store.state.append(blob, bytes('+'), (await store.state.read(blob))!.etag);
        await store.state.replace(blob, bytes('three'));
        expect(await store.state.append(blob, bytes('no'), grown)).toBe('changed');
        expect(await text(other.state, blob)).toBe('three');
      });

      test('a removed blob is gone, and its tags with it', async () => {
        const folder = newFolder();
        const blob = `${folder}/gone`;
        await store.state.remove(blob);
        const first = await written(store.state, blob, 'one', null);
        const grown = await store.state.append(blob, bytes(' more'), first);
        await other.state.remove(blob);
        expect(await store.state.read(blob)).toBeUndefined();
        expect(await names(store.state.list(`${folder}/`))).toEqual([]);
        expect(await store.state.write(blob, bytes('no'), grown)).toBe('changed');
        expect(await store.state.append(blob, bytes('no'), grown)).toBe('changed');
        await written(store.state, blob, 'one', null);
        for (const old of [first, grown])
          expect(await store.state.write(blob, bytes('no'), old)).toBe('changed');
        await store.state.remove(blob);
      });

      test('what one handle wrote a new one finds', async () => {
        const blob = `${newFolder()}/kept`;
        const etag = await written(store.state, blob, 'kept', null);
        await store.state.append(blob, bytes(' and more'), etag);
        await using later = await under.open();
        expect(await text(later.state, blob)).toBe('kept and more');
      });

      test('20 MiB pass, written and appended', async () => {
        const blob = `${newFolder()}/large`;
        const half = randomBytes(10 * 1024 * 1024);
        const etag = await store.state.write(blob, half, null);
        await store.state.append(blob, half, etag);
        const read = (await other.state.read(blob))!.bytes;
        expect(read.equals(Buffer.concat([half, half]))).toBe(true);
      });
    });

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
        const { truth, state } = store;
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
          await expect(names(store[kind].list(prefix))).rejects.toBeInstanceOf(RangeError);
      });

      test('the longest name passes', async () => {
        const folder = newFolder();
        const blob = `${folder}/${'0'.repeat(200)}/${'1'.repeat(200)}/`.padEnd(512, 'x');
        expect(await store.truth.create(blob, bytes('.'))).toBe('created');
        expect(await names(store.truth.list(`${folder}/`))).toEqual([blob]);
      });
    });
  });
}
