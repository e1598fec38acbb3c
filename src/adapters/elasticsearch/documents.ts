import type { Document, ModelDefinition, StoredDocument, TextDocument } from '../../ports/read-model.ts';
import { searchText, searchValues, type Unindexable } from '../../ports/search-values.ts';

/** A document as the engine gives it back, found or not. Sources come whole: those the engine copies, parts it parses. */
export interface EngineDocument {
  readonly _id: string;
  readonly _version?: number;
  readonly found?: boolean;
  readonly _source?: { readonly doc_id: string; readonly body: string };
  readonly error?: { readonly type: string; readonly reason?: string };
}

/** A document's source on its way into the engine, in parts. */
export interface Source {
  /** Up to its search values. */
  readonly head: string;
  /** The text of its search values; null hides it. */
  readonly fields: Uint8Array | null;
  /** What becomes its last member, one string: the engine never reads what is in it, and gives back what it was. */
  readonly body: Uint8Array;
}

/** A source with these search values; a document that should be found and cannot be is hidden and says why. */
export const sourceWith = (
  { id, body }: Pick<Document, 'id' | 'body'>,
  fields: Uint8Array | null,
  unindexable?: Unindexable,
): Source => ({
  head: `{"doc_id":${JSON.stringify(id)},"visible":${fields !== null}${unindexable === undefined ? '' : `,"unindexable":"${unindexable}"`}`,
  ...{ fields, body },
});

/** The source of a document, and why no search will find it, where that is so. */
export function sourceOf(
  { fields }: ModelDefinition,
  document: Document | TextDocument,
): { readonly source: Source; readonly unindexable: Unindexable | null } {
  if ('searchText' in document)
    return { source: sourceWith(document, document.searchText), unindexable: null };
  const values = document.search === null ? null : searchValues(fields, document.search);
  if (typeof values === 'string') return { source: sourceWith(document, null, values), unindexable: values };
  return { source: sourceWith(document, values && searchText(fields, values)), unindexable: null };
}

export const fieldNames = ({ fields }: ModelDefinition): readonly string[] => Object.keys(fields);

export function storedDocument({ _id, _version, _source }: EngineDocument): StoredDocument {
  if (_version === undefined || _source === undefined) throw new Error(`no version or source of ${_id}`);
  return { id: _source.doc_id, version: _version, body: Buffer.from(_source.body, 'utf8') };
}
