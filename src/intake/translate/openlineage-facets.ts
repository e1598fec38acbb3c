import { limits } from '../../domain/event.ts';
import { Refused } from '../refusal.ts';

/** What of a foreign event becomes an event of ours: the aspect of an entity. */
export interface Told {
  readonly urn: string;
  readonly aspect: string;
  readonly value: object;
  /** Only where the aspect is not there yet: who reads a dataset may know a part of it. */
  readonly onlyNew?: true;
}

/** A parsed JSON object of somebody else's: members are looked up, never trusted. */
export type Facets = Readonly<Record<string, unknown>>;

const none: Facets = Object.freeze({});

export const memberOf = (object: Facets, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** The value as an object; an empty one for what is none, and for a facet that says that it was taken back. */
export function objectOf(value: unknown): Facets {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return none;
  const object = value as Facets;
  return memberOf(object, '_deleted') === true ? none : object;
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text that is not empty. */
export function textOf(object: Facets, name: string): string | undefined {
  const value = memberOf(object, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const fieldDepthMax = 16;

/** A column of a dataset. */
export interface ForeignField {
  /** With those it lies in, joined by dots. */
  readonly path: string;
  readonly type: string;
  readonly description: string | undefined;
}

/**
 * The columns that a schema facet lists, those inside others behind the one they are in. Throws `Refused` before their paths
 * are more than a value can hold.
 */
export function fieldsOf(facet: Facets): readonly ForeignField[] {
  const found: ForeignField[] = [];
  let chars = 0;
  const read = (fields: readonly unknown[], above: string, depth: number): void => {
    for (const field of fields.map(objectOf)) {
      const name = textOf(field, 'name');
      if (name === undefined) continue;
      const path = above === '' ? name : `${above}.${name}`;
      chars += path.length;
      if (chars > limits.valueBytesMax)
        throw new Refused(
          'VALUE_TOO_LARGE',
          '',
          `the columns of a dataset have more than ${limits.valueBytesMax} bytes`,
        );
      found.push({ path, type: textOf(field, 'type') ?? '', description: textOf(field, 'description') });
      if (depth < fieldDepthMax) read(listOf(memberOf(field, 'fields')), path, depth + 1);
    }
  };
  read(listOf(memberOf(facet, 'fields')), '', 0);
  return found;
}

/** Kinds of columns by how a native type begins, the first that fits. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^(?:bool)/i, 'BooleanType'],
  [
    /^(?:big|small|tiny|medium)?int|^(?:integer|long|short|byte\b|number|numeric|decimal|float|double|real|serial|bigserial)/i,
    'NumberType',
  ],
  [/^(?:timestamp|datetime|time)/i, 'TimeType'],
  [/^date/i, 'DateType'],
  [/^(?:binary|varbinary|bytes|blob|bytea|image)/i, 'BytesType'],
  [/^(?:array|list)/i, 'ArrayType'],
  [/^map/i, 'MapType'],
  [/^(?:struct|record|row|json|object)/i, 'RecordType'],
  [/^(?:char|varchar|nvarchar|nchar|string|text|uuid|clob|enum|character)/i, 'StringType'],
];

/** The kind of a column for readers; `NullType` where its native type tells none. */
export const kindOf = (nativeType: string): string =>
  kinds.find(([pattern]) => pattern.test(nativeType))?.[1] ?? 'NullType';
