/** What a document tells of. */
export interface DocumentSubject {
  /** Null where it tells of no entity, or could not be read. */
  readonly urn: string | null;
  /** At most ten. */
  readonly aspects: readonly string[];
}

const aspectsMax = 10;
const nobody: DocumentSubject = { urn: null, aspects: [] };

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/**
 * Entity and aspects of a document, by the members that bodies of projections have: its own aspect, or those of an entity that
 * `pointers` (RFC 6901) lead into; without such, all that the entity has.
 */
export function subjectOf(body: Uint8Array | undefined, pointers: readonly string[]): DocumentSubject {
  if (body === undefined) return nobody;
  let members: Readonly<Record<string, unknown>>;
  try {
    members = membersOf(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return nobody;
    throw error;
  }
  const urn = typeof members.urn === 'string' ? members.urn : null;
  if (typeof members.aspect === 'string') return { urn, aspects: [members.aspect] };
  const led = pointers.flatMap((pointer) => /^\/aspects\/([^/]+)/.exec(pointer)?.[1] ?? []);
  const aspects = pointers.length > 0 ? [...new Set(led)] : Object.keys(membersOf(members.aspects));
  return { urn, aspects: aspects.slice(0, aspectsMax) };
}
