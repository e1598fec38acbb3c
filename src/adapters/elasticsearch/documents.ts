import type { Document, ModelDefinition, StoredDocument } from '../../ports/read-model.ts';
import { searchText, searchValues, type Unindexable } from '../../ports/search-values.ts';

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
 * in it, and gives back what it was. `fields` is the text of its search values, null hides it; a document that should be found
 * and cannot be says why.
 */
export function sourceHead(id: string, fields: string | null, unindexable?: Unindexable): string {
  const head = `{"doc_id":${JSON.stringify(id)},"visible":${fields !== null}${unindexable === undefined ? '' : `,"unindexable":"${unindexable}"`}`;
  return `${head}${fields === null ? '' : `,"fields":${fields}`},"body":"`;
}

/** The head of a document's source, and why no search will find it, where that is so. */
export function sourceOf(
  { fields }: ModelDefinition,
  { id, search, searchText: known }: Pick<Document, 'id' | 'search' | 'searchText'>,
): { readonly head: string; readonly unindexable: Unindexable | null } {
  if (known !== undefined) return { head: sourceHead(id, known), unindexable: null };
  const values = search === null ? null : searchValues(fields, search);
  if (typeof values === 'string') return { head: sourceHead(id, null, values), unindexable: values };
  const text = values === null ? null : (known ?? searchText(fields, values));
  return { head: sourceHead(id, text), unindexable: null };
}

export const fieldNames = ({ fields }: ModelDefinition): readonly string[] => Object.keys(fields);

export function storedDocument({ _id, _version, _source }: EngineDocument): StoredDocument {
  if (_version === undefined || _source === undefined) throw new Error(`no version or source of ${_id}`);
  return { id: _source.doc_id, version: _version, body: Buffer.from(_source.body, 'utf8') };
}
