import type { Condition, Query, SortKey } from '../../ports/read-model.ts';
import { visibleOnly } from './mapping.ts';

const field = (name: string): string => `fields.${name}`;

/** The body of a search for a checked query. */
export function searchBody(query: Query): object {
  const rank = query.sort.find((key) => 'rankBy' in key);
  return {
    size: query.limit,
    track_total_hits: true,
    version: true,
    query: {
      bool: {
        filter: [
          visibleOnly,
          ...(query.narrowest === undefined ? [] : [clause(query.narrowest)]),
          ...query.where.map(clause),
        ],
        // Each word found adds exactly 1, however rare it is: the score is a count, the same in every engine.
        should: (rank?.words ?? []).map((word) => ({
          constant_score: { filter: { term: { [field(rank!.rankBy)]: word } }, boost: 1 },
        })),
        minimum_should_match: 0,
      },
    },
    sort: query.sort.map(sortClause),
    ...(query.after === undefined ? {} : { search_after: query.after }),
  };
}

const sortClause = (key: SortKey): object =>
  'rankBy' in key ? { _score: 'desc' } : { [field(key.field)]: key.order };

const every = (conditions: readonly Condition[]): object => ({ bool: { filter: conditions.map(clause) } });

function clause(condition: Condition): object {
  if ('either' in condition)
    return condition.either.length === 0
      ? { match_none: {} }
      : { bool: { should: condition.either.map(every), minimum_should_match: 1 } };
  const name = field(condition.field);
  if ('anyOf' in condition) return { terms: { [name]: condition.anyOf } };
  if ('words' in condition) {
    const terms = condition.words.map((word) => ({ term: { [name]: word } }));
    const last = condition.words.at(-1);
    if (!condition.prefix || last === undefined) return { bool: { filter: terms } };
    return { bool: { filter: [...terms.slice(0, -1), { prefix: { [name]: last } }] } };
  }
  const { from, below } = condition;
  if (from === undefined && below === undefined) return { exists: { field: name } };
  return {
    range: {
      [name]: { ...(from === undefined ? {} : { gte: from }), ...(below === undefined ? {} : { lt: below }) },
    },
  };
}
