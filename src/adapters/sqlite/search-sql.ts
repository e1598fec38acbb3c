import type { Condition, ModelDefinition, Query, SortKey } from '../../ports/read-model.ts';
import { ftsAllOf, ftsAnyOf } from './search-word.ts';
import { type Column, columnsOf } from './tables.ts';

export interface Sql {
  readonly text: string;
  readonly parameters: readonly (string | number)[];
}

const none: Sql = { text: '0', parameters: [] };
const all: Sql = { text: '1', parameters: [] };

/** Two statements for a checked query: its page (doc, id, version, sort values s0, s1 …) and its number of hits. */
export function searchSql(definition: ModelDefinition, query: Query): { page: Sql; count: Sql } {
  const columns = new Map(columnsOf(definition).map((column) => [column.field, column]));
  const where = every([
    { text: 'visible = 1', parameters: [] },
    ...(query.narrowest === undefined ? [] : [first(columns, query.narrowest)]),
    ...query.where.map((one) => condition(columns, one)),
  ]);
  const keys = query.sort.map((key) => sortValue(columns, key));
  const orders = query.sort.map((key) => ('rankBy' in key || key.order === 'desc' ? 'DESC' : 'ASC'));
  const after = query.after === undefined ? all : beyond(orders, query.after);
  return {
    page: {
      text: `SELECT * FROM (SELECT doc, id, version${keys.map(({ text }, n) => `, ${text} AS s${n}`).join('')}
        FROM docs WHERE ${where.text}) WHERE ${after.text}
        ORDER BY ${orders.map((order, n) => `s${n} ${order}`).join(', ')} LIMIT ?`,
      parameters: [
        ...keys.flatMap(({ parameters }) => parameters),
        ...where.parameters,
        ...after.parameters,
        query.limit,
      ],
    },
    count: { text: `SELECT count(*) AS total FROM docs WHERE ${where.text}`, parameters: where.parameters },
  };
}

function condition(columns: ReadonlyMap<string, Column>, given: Condition): Sql {
  if ('either' in given)
    return some(given.either.map((conditions) => every(conditions.map((one) => condition(columns, one)))));
  const { column, kind } = columns.get(given.field)!;
  if ('words' in given)
    return given.words.length === 0 ? all : matched(ftsAllOf(column, given.words, given.prefix));
  if ('anyOf' in given) {
    if (given.anyOf.length === 0) return none;
    // One parameter whatever the number of values: the statement stays the same and is prepared once.
    const values = JSON.stringify(given.anyOf);
    const single = { text: `${column} IN (SELECT value FROM json_each(?))`, parameters: [values] };
    if (kind === 'long') return single;
    return some([single, matched(ftsAnyOf(column, given.anyOf.map(String)))]);
  }
  return every([
    { text: `${column} IS NOT NULL`, parameters: [] },
    ...(given.from === undefined ? [] : [{ text: `${column} >= ?`, parameters: [given.from] }]),
    ...(given.below === undefined ? [] : [{ text: `${column} < ?`, parameters: [given.below] }]),
  ]);
}

/** Documents with one of the values as rows to begin with: what else is asked for, and statistics, do not turn it around. */
function first(columns: ReadonlyMap<string, Column>, { field, anyOf }: NonNullable<Query['narrowest']>): Sql {
  if (anyOf.length === 0) return none;
  const { column } = columns.get(field)!;
  return {
    text: `doc IN (SELECT doc FROM docs WHERE ${column} IN (SELECT value FROM json_each(?))
      UNION ALL SELECT rowid FROM words WHERE words MATCH ?)`,
    parameters: [JSON.stringify(anyOf), ftsAnyOf(column, anyOf)],
  };
}

const matched = (expression: string): Sql => ({
  text: 'doc IN (SELECT rowid FROM words WHERE words MATCH ?)',
  parameters: [expression],
});

function sortValue(columns: ReadonlyMap<string, Column>, key: SortKey): Sql {
  if (!('rankBy' in key)) return { text: columns.get(key.field)!.column, parameters: [] };
  const { column } = columns.get(key.rankBy)!;
  const found = key.words.map((word) => matched(ftsAllOf(column, [word], false)));
  return {
    text: found.length === 0 ? '0' : found.map(({ text }) => `(${text})`).join(' + '),
    parameters: found.flatMap(({ parameters }) => parameters),
  };
}

/** Rows after the given sort values: after in the first key, or equal there and after in the second, and so on. */
function beyond(orders: readonly ('ASC' | 'DESC')[], values: readonly (string | number)[]): Sql {
  const sign = (n: number): string => (orders[n] === 'DESC' ? '<' : '>');
  const ways = orders.map((_, n) =>
    every([
      ...values.slice(0, n).map((value, m) => ({ text: `s${m} = ?`, parameters: [value] })),
      { text: `s${n} ${sign(n)} ?`, parameters: [values[n]!] },
    ]),
  );
  // The first bound is implied by the rest; said alone, it lets an index begin at the right place.
  return every([{ text: `s0 ${sign(0)}= ?`, parameters: [values[0]!] }, some(ways)]);
}

const joined = (parts: readonly Sql[], word: string): Sql => ({
  text: `(${parts.map(({ text }) => text).join(` ${word} `)})`,
  parameters: parts.flatMap(({ parameters }) => parameters),
});
const every = (parts: readonly Sql[]): Sql => (parts.length === 0 ? all : joined(parts, 'AND'));
const some = (parts: readonly Sql[]): Sql => (parts.length === 0 ? none : joined(parts, 'OR'));
