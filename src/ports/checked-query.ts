import { Fault } from '../domain/fault.ts';
import type { Condition, FieldKind, ModelDefinition, Query, SortKey } from './read-model.ts';

const hitsMax = 1_000;
/** Conditions and words of one query, counted together: engines bound the clauses of a search. */
const clausesMax = 256;
/** Values of all `anyOf` together. */
const valuesMax = 2_000;

const refuse = (why: string): never => {
  throw new Fault('QUERY_INVALID', { why });
};

/**
 * The query with its words and values brought to what an index holds, every field checked against the definition.
 * Throws `QUERY_INVALID`, also for more than 256 conditions and words or more than 2,000 values.
 */
export function checkedQuery({ fields }: ModelDefinition, query: Query): Query {
  const kindOf = (field: string): FieldKind =>
    Object.hasOwn(fields, field) ? fields[field]! : refuse(`there is no field ${field}`);
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > hitsMax)
    refuse(`limit is 1 to ${hitsMax}`);
  const where = query.where.map((condition) => checkedCondition(kindOf, condition));
  const narrowest = query.narrowest === undefined ? undefined : checkedNarrowest(kindOf, query.narrowest);
  const sort = query.sort.map((key) => checkedKey(kindOf, key));
  if (sort.length === 0) refuse('there is no sort key');
  if (sort.filter((key) => 'rankBy' in key).length > 1) refuse('more than one rank');
  const ranked = sort.reduce((sum, key) => sum + ('rankBy' in key ? key.words.length : 0), 0);
  const { clauses, values } = sizeOf(narrowest === undefined ? where : [narrowest, ...where]);
  if (clauses + ranked > clausesMax) refuse(`more than ${clausesMax} conditions and words`);
  if (values > valuesMax) refuse(`more than ${valuesMax} values`);
  const checked = { ...(narrowest === undefined ? {} : { narrowest }), where, sort, limit: query.limit };
  if (query.after === undefined) return checked;
  if (query.after.length !== sort.length) refuse('the cursor has another number of values than sort keys');
  const after = sort.map((key, n) =>
    checkedValue('rankBy' in key ? 'long' : kindOf(key.field), query.after![n]!),
  );
  return { ...checked, after };
}

function checkedCondition(kindOf: (field: string) => FieldKind, condition: Condition): Condition {
  if ('either' in condition)
    return { either: condition.either.map((all) => all.map((one) => checkedCondition(kindOf, one))) };
  const { field } = condition;
  const kind = kindOf(field);
  if ('words' in condition) {
    if (kind !== 'words') refuse(`${field} is no field of words`);
    return { field, ...checkedWords(condition.words, condition.prefix) };
  }
  if ('anyOf' in condition) {
    if (kind === 'words') refuse(`${field} is a field of words`);
    return { field, anyOf: condition.anyOf.map((value) => checkedValue(kind, value)) };
  }
  if (kind !== 'long') refuse(`${field} holds no numbers`);
  for (const bound of [condition.from, condition.below]) if (bound !== undefined) checkedValue('long', bound);
  return condition;
}

function checkedNarrowest(
  kindOf: (field: string) => FieldKind,
  { field, anyOf }: NonNullable<Query['narrowest']>,
): NonNullable<Query['narrowest']> {
  if (kindOf(field) !== 'keyword') refuse(`${field} is no keyword`);
  return { field, anyOf: anyOf.map((value) => String(checkedValue('keyword', value))) };
}

function checkedKey(kindOf: (field: string) => FieldKind, key: SortKey): SortKey {
  const kind = kindOf('rankBy' in key ? key.rankBy : key.field);
  if ('rankBy' in key !== (kind === 'words')) refuse('a sort key is a keyword, a long or a rank by words');
  return 'rankBy' in key ? { rankBy: key.rankBy, words: checkedWords(key.words, false).words } : key;
}

function checkedValue(kind: FieldKind, value: string | number): string | number {
  if (kind !== 'long') return typeof value === 'string' ? value.toWellFormed() : refuse('a value is no text');
  if (!Number.isSafeInteger(value)) refuse('a value is no whole number below 2^53');
  return (value as number) + 0;
}

/** Different words that are not empty. Where the last one is empty, everything begins with it: no prefix is left. */
function checkedWords(
  words: readonly string[],
  prefix: boolean,
): { words: readonly string[]; prefix: boolean } {
  const texts = words.map((word) => word.toWellFormed());
  const last = prefix ? texts.pop() : undefined;
  const whole = [...new Set(texts.filter((word) => word !== ''))];
  return last === undefined || last === ''
    ? { words: whole, prefix: false }
    : { words: [...whole, last], prefix: true };
}

function sizeOf(conditions: readonly Condition[]): { clauses: number; values: number } {
  let clauses = conditions.length;
  let values = 0;
  for (const condition of conditions) {
    if ('words' in condition) clauses += condition.words.length;
    if ('anyOf' in condition) values += condition.anyOf.length;
    if (!('either' in condition)) continue;
    for (const all of condition.either) {
      const inner = sizeOf(all);
      clauses += inner.clauses + 1;
      values += inner.values;
    }
  }
  return { clauses, values };
}
