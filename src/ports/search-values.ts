import { Fault } from '../domain/fault.ts';
import type { Condition, Document, FieldKind, ModelDefinition, Query, SearchFields } from './read-model.ts';

/** Bytes of a keyword or of one search word; projections cut longer ones. */
export const valueBytesMax = 1_024;
export const hitsMax = 1_000;
/** Words and values of one condition, and conditions of one query, counted together. */
const queryPartsMax = 2_000;

/** Why a document cannot be searched. `ENGINE_REFUSED`: the engine said no to something that is allowed here. */
export type Unindexable = 'FIELD_UNDECLARED' | 'FIELD_MISTYPED' | 'FIELD_TOO_LONG' | 'ENGINE_REFUSED';

/** What stands in one field: null nothing, a number for a `long`, else one text or several. */
export type SearchValue = string | number | readonly string[] | null;

/**
 * The values of `search` in the order of the definition's fields, as every engine can index them alike: well-formed text,
 * no empty word. Or the code of what is wrong with them.
 */
export function searchValues(
  fields: ModelDefinition['fields'],
  search: SearchFields,
): SearchValue[] | Unindexable {
  for (const name in search) if (!Object.hasOwn(fields, name)) return 'FIELD_UNDECLARED';
  const values: SearchValue[] = [];
  for (const name in fields) {
    const given = Object.hasOwn(search, name) ? search[name] : undefined;
    const value = given === undefined ? null : searchValue(fields[name]!, given);
    if (isWrong(value)) return value.code;
    values.push(value);
  }
  return values;
}

interface Wrong {
  readonly code: Unindexable;
}
const mistyped: Wrong = { code: 'FIELD_MISTYPED' };
const tooLong: Wrong = { code: 'FIELD_TOO_LONG' };
const isWrong = (value: SearchValue | Wrong): value is Wrong => value === mistyped || value === tooLong;

function searchValue(kind: FieldKind, given: string | number | readonly string[]): SearchValue | Wrong {
  // `+ 0` turns −0, which one engine would keep, into 0.
  if (kind === 'long') return Number.isSafeInteger(given) ? (given as number) + 0 : mistyped;
  if (typeof given === 'string') {
    if (isLong(given)) return tooLong;
    return given === '' && kind === 'words' ? null : given.toWellFormed();
  }
  if (typeof given === 'number') return mistyped;
  let changed = false;
  for (const text of given) {
    if (typeof text !== 'string') return mistyped;
    if (isLong(text)) return tooLong;
    changed ||= !text.isWellFormed() || (text === '' && kind === 'words');
  }
  const texts = changed
    ? given.filter((text) => text !== '' || kind !== 'words').map((text) => text.toWellFormed())
    : given;
  return texts.length > 1 ? texts : (texts[0] ?? null);
}

const isLong = (text: string): boolean =>
  text.length * 3 > valueBytesMax && Buffer.byteLength(text) > valueBytesMax;

/** What stands in the place of a document that cannot be searched: found by id and version, hidden. */
export const stubOf = ({ id, version }: Document, unindexable: Unindexable): Document => ({
  id,
  version,
  body: Buffer.from(JSON.stringify({ urn: id, version, unindexable })),
  search: null,
});

const projectionName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const suffixText = /^[a-z0-9]{1,24}$/;

/** `<projection>-v<version>-<suffix>`. Throws a RangeError for a definition no engine could hold. */
export function indexName({ projection, version, fields }: ModelDefinition, suffix: string): string {
  // A version inside the projection's own name would make two indexes of one name.
  if (!projectionName.test(projection) || projection.length > 64 || /-v[0-9]/.test(projection))
    throw new RangeError(`projection name ${projection}`);
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError(`projection version ${version}`);
  if (!suffixText.test(suffix)) throw new RangeError(`index suffix ${suffix}`);
  const wrong = Object.keys(fields).find((name) => !fieldName.test(name));
  if (wrong !== undefined) throw new RangeError(`field name ${wrong}`);
  return `${projection}-v${version}-${suffix}`;
}

/**
 * The query with its words and values brought to what the index holds, every field checked against the definition.
 * Throws `QUERY_INVALID`.
 */
export function checkedQuery({ fields }: ModelDefinition, query: Query): Query {
  const refuse = (why: string): never => {
    throw new Fault('QUERY_INVALID', { why });
  };
  const kindOf = (field: string): FieldKind =>
    Object.hasOwn(fields, field) ? fields[field]! : refuse(`there is no field ${field}`);
  let parts = 0;
  const count = (more: number): void => {
    parts += more;
    if (parts > queryPartsMax) refuse(`more than ${queryPartsMax} conditions, words and values`);
  };
  const checked = (condition: Condition): Condition => {
    count(1);
    if ('either' in condition) return { either: condition.either.map((all) => all.map(checked)) };
    const kind = kindOf(condition.field);
    if ('words' in condition) {
      if (kind !== 'words') refuse(`${condition.field} is no field of words`);
      count(condition.words.length);
      return { field: condition.field, ...asWords(condition.words, condition.prefix) };
    }
    if ('anyOf' in condition) {
      if (kind === 'words') refuse(`${condition.field} is a field of words`);
      count(condition.anyOf.length);
      return { field: condition.field, anyOf: condition.anyOf.map((value) => asValue(kind, value, refuse)) };
    }
    if (kind !== 'long') refuse(`${condition.field} holds no numbers`);
    for (const bound of [condition.from, condition.below])
      if (bound !== undefined) asValue('long', bound, refuse);
    return condition;
  };
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > hitsMax)
    refuse(`limit is 1 to ${hitsMax}`);
  const where = query.where.map(checked);
  const sort = query.sort.map((key) => {
    const kind = kindOf('rankBy' in key ? key.rankBy : key.field);
    if ('rankBy' in key !== (kind === 'words')) refuse('a sort key is a keyword, a long or a rank by words');
    if (!('rankBy' in key)) return key;
    count(key.words.length);
    return { rankBy: key.rankBy, words: asWords(key.words, false).words };
  });
  if (sort.length === 0) refuse('there is no sort key');
  if (sort.filter((key) => 'rankBy' in key).length > 1) refuse('more than one rank');
  if (query.after === undefined) return { where, sort, limit: query.limit };
  if (query.after.length !== sort.length) refuse('the cursor has another number of values than sort keys');
  const after = sort.map((key, index) =>
    asValue('rankBy' in key ? 'long' : kindOf(key.field), query.after![index]!, refuse),
  );
  return { where, sort, limit: query.limit, after };
}

function asValue(kind: FieldKind, value: string | number, refuse: (why: string) => never): string | number {
  if (kind === 'long') {
    if (!Number.isSafeInteger(value)) refuse('a value is no whole number below 2^53');
    return (value as number) + 0;
  }
  return typeof value === 'string' ? value.toWellFormed() : refuse('a value is no text');
}

/** Different words that are not empty. Where the last one is empty, everything begins with it: no prefix is left. */
function asWords(words: readonly string[], prefix: boolean): { words: readonly string[]; prefix: boolean } {
  const texts = words.map((word) => word.toWellFormed());
  const last = prefix ? texts.pop() : undefined;
  const whole = [...new Set(texts.filter((word) => word !== ''))];
  return last === undefined || last === ''
    ? { words: whole, prefix: false }
    : { words: [...whole, last], prefix: true };
}
