import { asBuffer } from '../../formats/avro-bytes.ts';
import type { Document, ModelDefinition, TextDocument } from '../../ports/read-model.ts';
import { searchText, searchValues, type Unindexable } from '../../ports/search-values.ts';

/** A document's source on its way into the engine, in parts. */
export interface Source {
  /** Up to its search values. */
  readonly head: string;
  /** The text of its search values; null hides it. */
  readonly fields: Uint8Array | null;
  /** What becomes its last member: the engine never reads what is in it, and gives back what it was. */
  readonly body: Uint8Array;
  /** Whether it stands there as it is; else it is spelled as a string. */
  readonly isPlain: boolean;
}

const [openBrace, closeBrace, lineFeed] = [0x7b, 0x7d, 0x0a];

/** JSON objects of one line: the engine ends a document at a line feed. */
const canStandPlain = (body: Uint8Array): boolean =>
  body[0] === openBrace && body.at(-1) === closeBrace && !asBuffer(body).includes(lineFeed);

/** A source with these search values; a document that should be found and cannot be is hidden and says why. */
export const sourceWith = (
  { id, body }: Pick<Document, 'id' | 'body'>,
  fields: Uint8Array | null,
  unindexable?: Unindexable,
): Source => ({
  head: `{"doc_id":${JSON.stringify(id)},"visible":${fields !== null}${unindexable === undefined ? '' : `,"unindexable":"${unindexable}"`}`,
  ...{ fields, body, isPlain: canStandPlain(body) },
});

/** The same with its body as a string, which the engine takes whatever is in it. */
export const withBodyAsText = (source: Source): Source => ({ ...source, isPlain: false });

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
