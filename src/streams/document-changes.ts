import { differingPointers } from '../formats/json-difference.ts';
import type { Document } from '../ports/read-model.ts';

/** A member of a document's body, or of what it is found by, as two folds make it. */
export interface FieldChange {
  readonly in: 'version' | 'body' | 'search';
  /** RFC 6901. */
  readonly pointer: string;
  /** JSON text, cut after 200 characters; null where the member is not there. */
  readonly before: string | null;
  readonly after: string | null;
}

const changesMax = 10;
const textMax = 200;

/** The first ten members in which two documents of one id differ; a body that is not JSON differs as a whole. */
export function fieldChanges(before: Document, after: Document): FieldChange[] {
  const version =
    before.version === after.version
      ? []
      : [
          {
            in: 'version' as const,
            pointer: '',
            before: String(before.version),
            after: String(after.version),
          },
        ];
  const bodies =
    Buffer.compare(before.body, after.body) === 0
      ? []
      : changesIn('body', jsonOf(before.body), jsonOf(after.body));
  return [...version, ...bodies, ...changesIn('search', before.search, after.search)].slice(0, changesMax);
}

function changesIn(where: 'body' | 'search', before: unknown, after: unknown): FieldChange[] {
  const pointers = differingPointers(before, after, changesMax);
  // Other bytes of the same value, as spaces are, are another document all the same.
  const told = where === 'body' && pointers.length === 0 ? [''] : pointers;
  return told.map((pointer) => ({
    ...{ in: where, pointer },
    before: textOf(memberAt(before, pointer)),
    after: textOf(memberAt(after, pointer)),
  }));
}

function memberAt(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

function textOf(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= textMax ? text : `${text.slice(0, textMax).toWellFormed()}…`;
}

function jsonOf(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
