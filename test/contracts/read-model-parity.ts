import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  Condition,
  Document,
  FieldKind,
  ModelIndex,
  Query,
  SearchFields,
  SortKey,
} from '../../src/ports/read-model.ts';
import { document, type ReadModelGiven, versionsEnd } from './read-model.contract.ts';

const fields = {
  key: 'keyword',
  kind: 'keyword',
  tags: 'keyword',
  owner: 'keyword',
  time: 'long',
  size: 'long',
  words: 'words',
  name: 'words',
} as const satisfies Record<string, FieldKind>;

const kinds = ['dataset', 'Dataset', 'chart', 'größe', '"', ''];
const tags = ['a', 'A', 'a b', 'pii', 'İ', '*', '😀', "x'y", 'urn:li:tag:pii'];
const vocabulary = [
  'db',
  'db.orders',
  'orders',
  'order',
  'cust_id',
  'cust',
  'größe',
  'grosse',
  '"',
  '*',
  'a*',
  '😀',
  '😁',
  'AND',
  'and',
  'i̇',
  'İ',
  'a b',
  '-',
  'x',
];
const beginnings = [...vocabulary, 'o', 'd', 'c', 'gr', '\ud83d', ''];

const some = (of: readonly string[], max: number) =>
  fc.uniqueArray(fc.constantFrom(...of), { maxLength: max });
const searchFields = (key: string): fc.Arbitrary<SearchFields | null> =>
  fc.option(
    fc
      .record(
        {
          kind: fc.constantFrom(...kinds),
          time: fc.integer({ min: -2, max: 9 }),
          tags: some(tags, 4),
          owner: fc.constantFrom(...tags),
          size: fc.constantFrom(0, 1, 2 ** 53 - 1),
          words: some(vocabulary, 6),
          name: some(vocabulary, 3),
        },
        { requiredKeys: ['kind', 'time'] },
      )
      .map((search) => ({ key, ...search })),
    { freq: 12 },
  );

const condition: fc.Arbitrary<Condition> = fc.letrec<{ one: Condition }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ field: fc.constantFrom('kind', 'tags', 'owner'), anyOf: some([...kinds, ...tags], 3) }),
    fc.record({
      field: fc.constantFrom('time', 'size'),
      anyOf: fc.array(fc.integer({ min: -2, max: 9 }), { maxLength: 3 }),
    }),
    fc.record(
      {
        field: fc.constantFrom('time', 'size'),
        from: fc.integer({ min: -2, max: 9 }),
        below: fc.integer({ min: -2, max: 9 }),
      },
      { requiredKeys: ['field'] },
    ),
    fc.record({
      field: fc.constantFrom('words', 'name'),
      words: fc.array(fc.constantFrom(...beginnings), { maxLength: 3 }),
      prefix: fc.boolean(),
    }),
    fc.record({ either: fc.array(fc.array(tie('one'), { maxLength: 2 }), { maxLength: 3 }) }),
  ),
})).one;

const sorting: fc.Arbitrary<SortKey[]> = fc
  .tuple(
    fc.uniqueArray(
      fc.oneof(
        fc.record({
          field: fc.constantFrom('kind', 'time'),
          order: fc.constantFrom('asc' as const, 'desc' as const),
        }),
        fc.record({
          rankBy: fc.constantFrom('words', 'name'),
          words: fc.array(fc.constantFrom(...vocabulary), { maxLength: 4 }),
        }),
      ),
      { maxLength: 3, selector: (key) => ('rankBy' in key ? 'rank' : key.field) },
    ),
    fc.constantFrom('asc' as const, 'desc' as const),
  )
  .map(([keys, order]) => [...keys, { field: 'key', order }]);

const query: fc.Arbitrary<Query> = fc.record(
  {
    narrowest: fc.record({
      field: fc.constantFrom('kind', 'tags', 'owner'),
      anyOf: some([...kinds, ...tags], 3),
    }),
    where: fc.array(condition, { maxLength: 3 }),
    sort: sorting,
    limit: fc.constantFrom(3, 50, 1_000),
  },
  { requiredKeys: ['where', 'sort', 'limit'] },
);

const documentsMax = 5_000;
const pagesMax = 3;

/** The laws of search as a filter over all documents, written without any index. */
export function readModelParity(given: ReadModelGiven): void {
  test('every query, page by page', async () => {
    const index = await given.fresh(fields);
    const held = await corpus(index);
    await fc.assert(
      fc.asyncProperty(query, async (asked) => {
        const all = asked.narrowest === undefined ? asked.where : [asked.narrowest, ...asked.where];
        const expected = [...held.values()].filter((one) => all.every((where) => holds(one, where)));
        expected.sort((a, b) => order(asked.sort, a, b));
        let after: Query['after'];
        for (let page = 0; page < pagesMax; page++) {
          const { hits, total } = await index.query(after === undefined ? asked : { ...asked, after });
          expect(total).toBe(expected.length);
          const part = expected.slice(page * asked.limit, (page + 1) * asked.limit);
          expect(hits.map(({ id }) => id)).toEqual(part.map((search) => search.key));
          expect(hits.map(({ sortValues }) => sortValues)).toEqual(
            part.map((search) => asked.sort.map((key) => sortValue(key, search))),
          );
          if (hits.length < asked.limit) break;
          after = hits.at(-1)!.sortValues;
        }
      }),
      { numRuns: given.under.queries },
    );
  });
}

/** Stores generated documents, a third of them twice, and gives what should be found. */
async function corpus(index: ModelIndex): Promise<Map<string, SearchFields>> {
  const held = new Map<string, SearchFields>();
  const ids = fc.sample(fc.nat({ max: (documentsMax * 3) / 4 }), { numRuns: documentsMax, seed: 7 });
  const stored: Document[] = ids.map((id, n) => {
    const key = `d${id}`;
    const [search] = fc.sample(searchFields(key), { numRuns: 1, seed: n });
    if (search === null || search === undefined) held.delete(key);
    else held.set(key, search);
    return document(key, n + 1, `{"n":${n}}`, search ?? null);
  });
  // Ids are unique within a call.
  for (let from = 0; from < stored.length; ) {
    const call = new Map<string, Document>();
    for (; from < stored.length && call.size < 1_500 && !call.has(stored[from]!.id); from++)
      call.set(stored[from]!.id, stored[from]!);
    expect(await index.store([...call.values()], versionsEnd)).toMatchObject({
      applied: call.size,
      unindexable: [],
    });
  }
  await index.refresh();
  return held;
}

const listOf = (value: SearchFields[string] | undefined): readonly (string | number)[] =>
  value === undefined ? [] : typeof value === 'object' ? value : [value];

function holds(search: SearchFields, where: Condition): boolean {
  if ('either' in where) return where.either.some((all) => all.every((one) => holds(search, one)));
  const values = listOf(search[where.field]);
  if ('anyOf' in where) return values.some((value) => where.anyOf.includes(value));
  if ('words' in where) {
    const whole = where.prefix ? where.words.slice(0, -1) : where.words;
    const last = where.prefix ? (where.words.at(-1)?.toWellFormed() ?? '') : '';
    return (
      whole.every((word) => word === '' || values.includes(word)) &&
      (last === '' || values.some((value) => String(value).startsWith(last)))
    );
  }
  return values.some(
    (value) =>
      typeof value === 'number' && value >= (where.from ?? -Infinity) && value < (where.below ?? Infinity),
  );
}

const sortValue = (key: SortKey, search: SearchFields): string | number =>
  'rankBy' in key
    ? new Set(key.words.filter((word) => listOf(search[key.rankBy]).includes(word))).size
    : listOf(search[key.field])[0]!;

function order(sort: readonly SortKey[], a: SearchFields, b: SearchFields): number {
  for (const key of sort) {
    const [left, right] = [sortValue(key, a), sortValue(key, b)];
    const ascending =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
    if (ascending !== 0) return 'rankBy' in key || key.order === 'desc' ? -ascending : ascending;
  }
  return 0;
}
