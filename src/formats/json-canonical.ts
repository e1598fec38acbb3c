import { hash } from 'node:crypto';

const depthMax = 64;

/**
 * RFC 8785 text of a JSON value as `JSON.parse` gives it: keys in UTF-16 order, no spaces, no final
 * newline. Throws a RangeError beyond 64 levels or for what is not JSON (undefined, NaN, a lone surrogate).
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > depthMax) throw new RangeError(`JSON nested deeper than ${depthMax}`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value);
  // ECMAScript prints a double as RFC 8785 wants it.
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object') throw new RangeError(`${typeof value} has no canonical JSON`);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}

/** The text under which an Avro schema is stored and named: docs, defaults and logical types are kept. */
export const canonicalSchemaText = (json: unknown): string => canonicalJson(json);

/** Name of a schema text in the archive: lower-case hex of the SHA-256 of its UTF-8 bytes. */
export const schemaSha256 = (text: string): string => hash('sha256', text, 'hex');
