import { describe, expect, test } from 'vitest';
import type { Condition, ModelIndex, Query, SearchFields, SortKey } from '../../src/ports/read-model.ts';
import { document, found, type ReadModelGiven, versionsEnd } from './read-model.contract.ts';

const fields = {
  key: 'keyword',
  tags: 'keyword',
  size: 'long',
  time: 'long',
  words: 'words',
  name: 'words',
} as const;

/** Words that a tokenizer would split, fold, drop or read as its own syntax. */
const oddWords = [
  'db.orders',
  'cust_id',
  'a-b',
  'größe',
  'İ',
  'i̇',
  'ı',
  'ß',
  'ss',
  'Orders',
  'orders',
  'ORDERS',
  '😀',
  '👩‍👩‍👧',
  'e\u0301',
  'é',
  'e',
  '"quoted"',
  "it's",
  '*',
  'a*',
  '"',
  '""',
  'a"b',
  'and',
  'AND',
  'NOT',
  'near(a,b)',
  'key:a',
  '^a',
  '-a',
  '+',
  '\\',
  '{a}',
  '(a)',
  'a b',
  ' ',
  'a\u00a0b',
  'a\u2028b',
  'a\tb',
  'zero\u200bwidth',
  'soft\u00adhyphen',
  '字',
  '日本語',
  '\u{1faef}',
  '\ufffe',
  '\ue000',
  '\u{f0000}',
  'w'.repeat(1_024),
  'ü'.repeat(512),
];

/** Laws on what is found, and in which order. */
export function readModelSearchLaws(given: ReadModelGiven): void {
  const filled = async (documents: Readonly<Record<string, SearchFields>>): Promise<ModelIndex> => {
    const index = await given.fresh(fields);
    const stored = Object.entries(documents).map(([id, search], n) =>
      document(id, n + 1, '{}', { key: id, ...search }),
    );
    expect(await index.store(stored, versionsEnd)).toEqual({
      applied: stored.length,
      stale: 0,
      unindexable: [],
    });
    await index.refresh();
    return index;
  };
  const words = (...list: string[]): Condition => ({ field: 'words', words: list, prefix: false });
  const begun = (...list: string[]): Condition => ({ field: 'words', words: list, prefix: true });
  const where = (index: ModelIndex, ...conditions: Condition[]): Promise<string[]> =>
    found(index, { where: conditions });

  test('each word is found whole, by itself alone, whatever is in it', async () => {
    const index = await filled(Object.fromEntries(oddWords.map((word, n) => [`d${n}`, { words: [word] }])));
    for (const [n, word] of oddWords.entries())
      expect(await where(index, words(word)), JSON.stringify(word)).toEqual([`d${n}`]);
    for (const absent of ['db', 'cust', 'b', 'gross', 'grosse', 'i', 'order', 'quoted', '👩', 'zero', 'w'])
      expect(await where(index, words(absent)), absent).toEqual([]);
  });

  test('the last word may be the beginning of a word', async () => {
    const index = await filled({
      a: { words: ['db.orders', 'cust_id', 'größe'] },
      b: { words: ['db.order', 'customer'] },
      c: { words: ['d', '😀x', '"q'] },
      d: { words: ['😁', 'DB.orders'] },
    });
    expect(await where(index, begun('d'))).toEqual(['a', 'b', 'c']);
    expect(await where(index, begun('db'))).toEqual(['a', 'b']);
    expect(await where(index, begun('db.order'))).toEqual(['a', 'b']);
    expect(await where(index, begun('db.orders'))).toEqual(['a']);
    expect(await where(index, begun('grö'))).toEqual(['a']);
    expect(await where(index, begun('😀'))).toEqual(['c']);
    expect(await where(index, begun('"'))).toEqual(['c']);
    expect(await where(index, begun('db.orders', 'c'))).toEqual(['a']);
    expect(await where(index, begun('db', 'c'))).toEqual([]);
    expect(await where(index, begun('orders'))).toEqual([]);
    expect(await where(index, begun('db.orders', ''))).toEqual(['a']);
    expect(await where(index, words('cust'))).toEqual([]);
    expect(await where(index, words(), begun(''))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('words stand in their field, all of them', async () => {
    const index = await filled({
      a: { words: ['one', 'two'], name: ['three'] },
      b: { words: ['one'], name: ['two'] },
      c: { words: [], name: ['one', 'two'] },
      d: {},
    });
    expect(await where(index, words('one', 'two'))).toEqual(['a']);
    expect(await where(index, words('two', 'one', 'two'))).toEqual(['a']);
    expect(await where(index, words('one'), { field: 'name', words: ['two'], prefix: false })).toEqual(['b']);
    expect(
      await where(index, { either: [[words('two')], [{ field: 'name', words: ['two'], prefix: false }]] }),
    ).toEqual(['a', 'b', 'c']);
    expect(await where(index, { either: [] })).toEqual([]);
  });

  test('a keyword is any of several values, each of them whole', async () => {
    const long = 'é'.repeat(512);
    const index = await filled({
      a: { tags: ['red', 'green'], size: 1 },
      b: { tags: ['green'], size: 2 },
      c: { tags: 'blue light', size: 2 },
      d: { tags: [], size: 3 },
      e: { tags: ['red', long, ''], size: -4 },
    });
    const tagged = (...anyOf: string[]): Promise<string[]> => where(index, { field: 'tags', anyOf });
    expect(await tagged('red')).toEqual(['a', 'e']);
    expect(await tagged('green', 'red', 'none')).toEqual(['a', 'b', 'e']);
    expect(await tagged('blue')).toEqual([]);
    expect(await tagged('blue light')).toEqual(['c']);
    expect(await tagged('Red', 're', 'red*')).toEqual([]);
    expect(await tagged(long)).toEqual(['e']);
    expect(await tagged('')).toEqual(['e']);
    expect(await tagged()).toEqual([]);
    expect(
      await where(index, { field: 'tags', anyOf: ['red'] }, { field: 'tags', anyOf: ['green'] }),
    ).toEqual(['a']);
    expect(await where(index, { field: 'size', anyOf: [2, -4, 9] })).toEqual(['b', 'c', 'e']);
    expect(await tagged(...Array.from({ length: 1_500 }, (_, n) => `t${n}`), 'green')).toEqual(['a', 'b']);
  });

  test('a range holds its beginning and not its end', async () => {
    const high = 2 ** 53 - 1;
    const index = await filled({ a: { size: -1 }, b: { size: 0 }, c: { size: 5 }, d: { size: high }, e: {} });
    const ranged = (range: { from?: number; below?: number }): Promise<string[]> =>
      where(index, { field: 'size', ...range });
    expect(await ranged({ from: 0 })).toEqual(['b', 'c', 'd']);
    expect(await ranged({ below: 5 })).toEqual(['a', 'b']);
    expect(await ranged({ from: -1, below: 5 })).toEqual(['a', 'b']);
    expect(await ranged({ from: high - 1, below: high })).toEqual([]);
    expect(await ranged({ from: high })).toEqual(['d']);
    expect(await ranged({ from: 5, below: 5 })).toEqual([]);
    expect(await ranged({})).toEqual(['a', 'b', 'c', 'd']);
  });

  describe('in order', () => {
    const walk = async (index: ModelIndex, query: Omit<Query, 'after'>): Promise<string[]> => {
      const ids: string[] = [];
      for (let after: Query['after']; ; ) {
        const page = await index.query(after === undefined ? query : { ...query, after });
        expect(page.hits.length).toBeLessThanOrEqual(query.limit);
        if (page.hits.length === 0) return ids;
        ids.push(...page.hits.map(({ id }) => id));
        after = page.hits.at(-1)!.sortValues;
      }
    };

    test('pages follow one another without a gap or a repeat', async () => {
      const index = await filled(
        Object.fromEntries(
          Array.from({ length: 60 }, (_, n) => [
            `d${String(n).padStart(2, '0')}`,
            { time: n % 7, size: n % 2 },
          ]),
        ),
      );
      const sort: SortKey[] = [
        { field: 'time', order: 'desc' },
        { field: 'size', order: 'asc' },
        { field: 'key', order: 'desc' },
      ];
      const all = Array.from({ length: 60 }, (_, n) => n).sort(
        (a, b) => (b % 7) - (a % 7) || (a % 2) - (b % 2) || b - a,
      );
      for (const limit of [1, 7, 60, 1_000])
        expect(await walk(index, { where: [], sort, limit })).toEqual(
          all.map((n) => `d${String(n).padStart(2, '0')}`),
        );
    });

    test('the total is exact on every page', async () => {
      const index = await filled(
        Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`d${n}`, { time: n % 5 }])),
      );
      const query: Query = {
        where: [{ field: 'time', from: 1 }],
        sort: [{ field: 'key', order: 'asc' }],
        limit: 8,
      };
      const first = await index.query(query);
      expect([first.hits.length, first.total]).toEqual([8, 20]);
      const second = await index.query({ ...query, after: first.hits.at(-1)!.sortValues });
      expect([second.hits.length, second.total]).toEqual([8, 20]);
    });

    test('text sorts by its bytes', async () => {
      const texts = [
        '',
        ' ',
        '10',
        '9',
        'A',
        'Z',
        'a',
        'a b',
        'ab',
        'b',
        'z',
        'é',
        'ü',
        '字',
        '\uffff',
        '😀',
      ];
      const index = await filled(Object.fromEntries(texts.map((text, n) => [`d${n}`, { tags: text }])));
      const sort: SortKey[] = [{ field: 'tags', order: 'asc' }];
      expect(await walk(index, { where: [], sort, limit: 3 })).toEqual(texts.map((_, n) => `d${n}`));
    });

    test('rank is the number of words found whole, then the keys decide', async () => {
      const index = await filled({
        a: { words: ['x'], name: ['orders'] },
        b: { words: ['x'], name: ['orders', 'shop'] },
        c: { words: ['x'], name: ['shop', 'orders', 'more', 'of', 'it'] },
        d: { words: ['x'], name: ['ordersx'] },
        e: { words: ['x'] },
      });
      const sort: SortKey[] = [
        { rankBy: 'name', words: ['orders', 'shop', 'orders', ''] },
        { field: 'key', order: 'desc' },
      ];
      const query: Query = { where: [words('x')], sort, limit: 2 };
      expect(await walk(index, query)).toEqual(['c', 'b', 'a', 'e', 'd']);
      expect((await index.query({ ...query, limit: 5 })).hits.map(({ sortValues }) => sortValues)).toEqual([
        [2, 'c'],
        [2, 'b'],
        [1, 'a'],
        [0, 'e'],
        [0, 'd'],
      ]);
      expect(await walk(index, { ...query, sort: [{ rankBy: 'name', words: [] }, sort[1]!] })).toEqual([
        'e',
        'd',
        'c',
        'b',
        'a',
      ]);
    });
  });
}
