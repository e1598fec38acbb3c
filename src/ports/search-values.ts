import { type JsonWriter, jsonBytes } from '../formats/json-writer.ts';
import type { FieldKind, ModelDefinition, SearchFields } from './read-model.ts';

/** Bytes of a keyword or of one search word; projections cut longer ones. */
export const valueBytesMax = 1_024;

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

/**
 * The one text of search values, JSON in UTF-8, in the order of the definition's fields: what is absent is left out. Short texts
 * share memory: whoever keeps one for long copies it.
 */
export const searchText = (fields: ModelDefinition['fields'], values: readonly SearchValue[]): Buffer =>
  jsonBytes((out) => {
    let [at, separator] = [0, '{'];
    for (const name in fields) {
      const value = values[at++] ?? null;
      if (value === null) continue;
      out.raw(`${separator}"${name}":`);
      separator = ',';
      writeValue(out, value);
    }
    out.raw(separator === '{' ? '{}' : '}');
  });

/** The text of a document that nothing finds. */
export const notFound = Buffer.from('null');

function writeValue(out: JsonWriter, value: string | number | readonly string[]): void {
  if (typeof value === 'number') out.integer(value);
  else if (typeof value === 'string') out.string(value);
  else {
    let separator = '[';
    for (const text of value) {
      out.raw(separator);
      out.string(text);
      separator = ',';
    }
    out.raw(']');
  }
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

const projectionName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const suffixText = /^[a-z0-9]{1,24}$/;

/** Whether indexes can be named after a projection: a version inside its own name would make two indexes of one name. */
export const isProjectionName = (name: string): boolean =>
  projectionName.test(name) && name.length <= 64 && !/-v[0-9]/.test(name);

export const isFieldName = (name: string): boolean => fieldName.test(name);

/** `<projection>-v<version>-<suffix>`. Throws a RangeError for a definition no engine could hold. */
export function indexName({ projection, version, fields }: ModelDefinition, suffix: string): string {
  if (!isProjectionName(projection)) throw new RangeError(`projection name ${projection}`);
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError(`projection version ${version}`);
  if (!suffixText.test(suffix)) throw new RangeError(`index suffix ${suffix}`);
  const wrong = Object.keys(fields).find((name) => !isFieldName(name));
  if (wrong !== undefined) throw new RangeError(`field name ${wrong}`);
  return `${projection}-v${version}-${suffix}`;
}
