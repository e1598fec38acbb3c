/**
 * What the keyword `x-personal` of an aspect's schema says. `subject` tells whose data it is: `urn` = the
 * entity itself, else a pointer to a person's URN in the value. `pointers` are JSON Pointers (RFC 6901) in
 * which the part `*` stands for every element or member.
 */
export interface PersonalFields {
  readonly subject: string;
  readonly pointers: readonly string[];
}

/** The JSON Schema of the keyword's own value. */
export const personalFieldsSchema = {
  type: 'object',
  required: ['subject', 'pointers'],
  additionalProperties: false,
  properties: {
    subject: { type: 'string', pattern: '^(urn$|/)' },
    pointers: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^/' } },
  },
} as const;

const partsOf = (pointer: string): string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function isPresent(value: unknown, [part, ...rest]: readonly string[]): boolean {
  if (part === undefined) return true;
  if (!isObject(value)) return false;
  if (part === '*') return Object.values(value).some((member) => isPresent(member, rest));
  return Object.hasOwn(value, part) && isPresent(value[part], rest);
}

/**
 * Whether a value holds personal data. Where the entity itself is the subject every value does: a field the
 * schema does not know may be personal too. Elsewhere only a value that has one of the marked fields.
 */
export const holdsPersonal = ({ subject, pointers }: PersonalFields, value: unknown): boolean =>
  subject === 'urn' || pointers.some((pointer) => isPresent(value, partsOf(pointer)));

const branches = ['allOf', 'anyOf', 'oneOf'] as const;

function leadsTo(schema: unknown, parts: readonly string[], root: unknown, refsMax: number): boolean {
  if (!isObject(schema)) return false;
  const { $ref: ref } = schema;
  if (typeof ref === 'string' && ref.startsWith('#/') && refsMax > 0) {
    const target = partsOf(ref.slice(1)).reduce<unknown>(
      (at, part) => (isObject(at) ? at[part] : undefined),
      root,
    );
    if (leadsTo(target, parts, root, refsMax - 1)) return true;
  }
  const [part, ...rest] = parts;
  if (part === undefined) return true;
  const ways = branches.flatMap((name) => (Array.isArray(schema[name]) ? schema[name] : []));
  if (ways.some((way) => leadsTo(way, parts, root, refsMax))) return true;
  const { properties, items, additionalProperties } = schema;
  if (part === '*') return [items, additionalProperties].some((next) => leadsTo(next, rest, root, refsMax));
  return (
    isObject(properties) && Object.hasOwn(properties, part) && leadsTo(properties[part], rest, root, refsMax)
  );
}

const refsInPathMax = 32;

/**
 * The pointers of `x-personal` that lead to no declared property. A misspelt mark would leave clear text in
 * the archive for ever, so a schema with one is refused.
 */
export const danglingPointers = (schema: unknown, { subject, pointers }: PersonalFields): string[] =>
  [...(subject === 'urn' ? [] : [subject]), ...pointers].filter(
    (pointer) => !leadsTo(schema, partsOf(pointer), schema, refsInPathMax),
  );
