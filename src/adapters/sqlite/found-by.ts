import { hash } from 'node:crypto';
import type { ModelDefinition } from '../../ports/read-model.ts';
import type { SearchValue, Unindexable } from '../../ports/search-values.ts';
import { ftsText } from './search-word.ts';
import { columnsOf } from './tables.ts';

/** What a row of `docs` and one of `words` hold of a document besides id, version and body. */
export interface FoundBy {
  /** As `foundByColumns`: visible, unindexable, words_digest, then the fields. */
  readonly row: readonly (string | number | null)[];
  /** Per column of the full-text table: words, and the values of a keyword that has several. */
  readonly texts: readonly (string | null)[];
}

/** Columns of `docs` by which a document is found. */
export const foundByColumns = (definition: ModelDefinition): readonly string[] => [
  'visible',
  'unindexable',
  'words_digest',
  ...columnsOf(definition).flatMap(({ column, kind }) => (kind === 'words' ? [] : [column])),
];

/** Places in `FoundBy.row`. */
export const unindexableAt = 1;
export const digestAt = 2;

/** What is stored of values in the order of the definition's fields; null hides, a code says why it is hidden. */
export function foundBy(
  definition: ModelDefinition,
): (given: readonly SearchValue[] | Unindexable | null) => FoundBy {
  const columns = columnsOf(definition);
  const inDocs = columns.filter(({ kind }) => kind !== 'words');
  const inWords = columns.filter(({ kind }) => kind !== 'long');
  return (given) => {
    const [values, unindexable] = typeof given === 'string' ? [null, given] : [given, null];
    const texts = inWords.map(({ number, kind }) => {
      const value = values?.[number] ?? null;
      if (typeof value === 'string') return kind === 'words' ? ftsText(value) : null;
      return typeof value === 'number' || value === null ? null : ftsText(value);
    });
    const row: (string | number | null)[] = [values === null ? 0 : 1, unindexable, digestOf(texts)];
    for (const { number } of inDocs) {
      const value = values?.[number] ?? null;
      row.push(typeof value === 'object' ? null : value);
    }
    return { row, texts };
  };
}

/** What the full-text table holds of a document, so that one whose words stay is not taken out and put in again. */
const digestOf = (texts: readonly (string | null)[]): string | null =>
  texts.some((text) => text !== null) ? hash('sha256', JSON.stringify(texts), 'base64') : null;
