import type { ModelDefinition, StoredDocument } from '../../ports/read-model.ts';
import type { SearchValue, Unindexable } from '../../ports/search-values.ts';

/** A document as the engine gives it back, found or not. Sources come whole: those the engine copies, parts it parses. */
export interface EngineDocument {
  readonly _id: string;
  readonly _version?: number;
  readonly found?: boolean;
  readonly _source?: { readonly doc_id: string; readonly body: string };
  readonly error?: { readonly type: string; readonly reason?: string };
}

/**
 * The source of a document up to the inside of its last member, `body`, which is one string: the engine never reads what is
 * in it, and gives back what it was. `values` are its search values in the order of the definition's fields, null hides it; a
 * document that should be found and cannot be says why.
 */
export function sourceHead(
  id: string,
  fieldNames: readonly string[],
  values: readonly SearchValue[] | null,
  unindexable?: Unindexable,
): string {
  const head = `{"doc_id":${JSON.stringify(id)},"visible":${values !== null}${unindexable === undefined ? '' : `,"unindexable":"${unindexable}"`}`;
  return `${head}${values === null ? '' : `,"fields":${fieldsText(fieldNames, values)}`},"body":"`;
}

/** Search values in the order of the definition's fields as they stand in a source. */
export function fieldsText(names: readonly string[], values: readonly SearchValue[]): string {
  const fields: Record<string, SearchValue> = {};
  for (const [n, value] of values.entries()) if (value !== null) fields[names[n]!] = value;
  return JSON.stringify(fields);
}

export const fieldNames = ({ fields }: ModelDefinition): readonly string[] => Object.keys(fields);

export function storedDocument({ _id, _version, _source }: EngineDocument): StoredDocument {
  if (_version === undefined || _source === undefined) throw new Error(`no version or source of ${_id}`);
  return { id: _source.doc_id, version: _version, body: Buffer.from(_source.body, 'utf8') };
}
