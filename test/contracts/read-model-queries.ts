import { expect, test } from 'vitest';
import type { Condition, Query, SortKey } from '../../src/ports/read-model.ts';
import { document, type ReadModelGiven, versionsEnd } from './read-model.contract.ts';

const fields = { key: 'keyword', size: 'long', words: 'words', name: 'words' } as const;
const key: SortKey = { field: 'key', order: 'asc' };
const size: Condition = { field: 'size', from: 0 };
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);
const inWords = (count: number): Condition => ({ field: 'words', words: numbered(count), prefix: false });

/** Laws on what can be asked at all. */
export function readModelQueryLaws(given: ReadModelGiven): void {
  const invalid: Record<string, Query> = {
    'an unknown field': { where: [{ field: 'colour', anyOf: ['red'] }], sort: [key], limit: 1 },
    'a field every object has': { where: [{ field: 'constructor', anyOf: ['red'] }], sort: [key], limit: 1 },
    'words in a keyword': { where: [{ field: 'key', words: ['a'], prefix: false }], sort: [key], limit: 1 },
    'values of words': { where: [{ field: 'words', anyOf: ['a'] }], sort: [key], limit: 1 },
    'a range of text': { where: [{ field: 'key', from: 1 }], sort: [key], limit: 1 },
    'a number as text': { where: [{ field: 'key', anyOf: [1] }], sort: [key], limit: 1 },
    'half a number': { where: [{ field: 'size', below: 1.5 }], sort: [key], limit: 1 },
    'inside either': { where: [{ either: [[{ field: 'colour', anyOf: [] }]] }], sort: [key], limit: 1 },
    'no order': { where: [], sort: [], limit: 1 },
    'an order by words': { where: [], sort: [{ field: 'words', order: 'asc' }], limit: 1 },
    'two ranks': {
      where: [],
      sort: [{ rankBy: 'words', words: ['a'] }, { rankBy: 'name', words: ['a'] }, key],
      limit: 1,
    },
    'a limit of 0': { where: [], sort: [key], limit: 0 },
    'a limit of 1,001': { where: [], sort: [key], limit: 1_001 },
    'a cursor of another length': { where: [], sort: [key], limit: 1, after: ['a', 'b'] },
    'a cursor of another kind': { where: [], sort: [key], limit: 1, after: [1] },
    'a fault deep inside': {
      where: [{ either: [[{ either: [[{ field: 'size', anyOf: ['1'] }]] }]] }],
      sort: [key],
      limit: 1,
    },
    'a number as the narrowest': {
      narrowest: { field: 'size', anyOf: ['1'] },
      where: [],
      sort: [key],
      limit: 1,
    },
    'too many words': { where: [inWords(256)], sort: [key], limit: 1 },
    'too many conditions': { where: Array.from({ length: 257 }, () => size), sort: [key], limit: 1 },
    'too many values': {
      where: [
        { field: 'key', anyOf: numbered(1_000) },
        { either: [[{ field: 'key', anyOf: numbered(1_001) }]] },
      ],
      sort: [key],
      limit: 1,
    },
  };
  test.for(Object.keys(invalid))('a query with %s is refused', async (name) => {
    const index = await given.fresh(fields);
    await expect(index.query(invalid[name]!)).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });

  test('the largest queries are answered', async () => {
    const index = await given.fresh(fields);
    const search = { key: 'a', size: 1, words: numbered(255), name: numbered(100) };
    await index.store([document('a', 1, '{}', search), document('b', 1)], versionsEnd);
    await index.refresh();
    const largest: Query[] = [
      { where: [inWords(255)], sort: [key], limit: 1_000 },
      { where: Array.from({ length: 256 }, () => size), sort: [key], limit: 1_000 },
      {
        where: [{ field: 'key', anyOf: ['a', ...numbered(1_999)] }, size],
        sort: [{ rankBy: 'name', words: numbered(254) }, key],
        limit: 1_000,
      },
      {
        narrowest: { field: 'key', anyOf: ['a', ...numbered(1_999)] },
        where: [size],
        sort: [key],
        limit: 1_000,
      },
      {
        where: [{ either: Array.from({ length: 85 }, (_, n) => [{ field: 'size', anyOf: [n] }, size]) }],
        sort: [key],
        limit: 1_000,
      },
    ];
    for (const query of largest) {
      const { hits, total } = await index.query(query);
      expect([hits.map(({ id }) => id), total]).toEqual([['a'], 1]);
    }
    expect((await index.query(largest[2]!)).hits[0]!.sortValues).toEqual([100, 'a']);
  });
}
