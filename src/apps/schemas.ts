import { hash } from 'node:crypto';
import type { Ports } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import { type Breaking, breakingIn, canonicalSchema } from '../formats/avro-compat.ts';
import type { RegisteredSchema, SchemaId, SchemaRegistry } from '../ports/schema-registry.ts';
import { deprecatedName, inboxOf, subjectOf } from '../streams/archive-names.ts';

/** That a schema should not be used any more, and why. It stays readable for ever. */
export interface Deprecation {
  /** UTC milliseconds. */
  readonly at: number;
  /** Name of the principal. */
  readonly by: string;
  readonly reason: string;
}

export interface ToldSchema extends RegisteredSchema {
  readonly deprecated: Deprecation | null;
}

export interface SchemaCheck {
  /** Why readers with the schema could not read what was written; empty: they can. */
  readonly breaking: readonly Breaking[];
  /** The versions it was compared with. */
  readonly versions: readonly number[];
  /** The version that is the same schema. */
  readonly same: number | null;
}

/** Schemas of the registry that is configured, for the API: whoever asks was allowed to. */
export interface Schemas {
  readonly kind: SchemaRegistry['kind'];
  /** Whether the registry is Annal's own: then it is served to clients of Confluent's API as well. */
  readonly embedded: boolean;
  readonly place: string;
  /** Names under which the log's own schemas stand. */
  readonly own: ReadonlySet<string>;
  /** All names, sorted. */
  subjects(): Promise<readonly string[]>;
  versions(subject: string): Promise<readonly number[]>;
  find(subject: string, version: number | 'latest'): Promise<ToldSchema | undefined>;
  /** Wherever it stands; several places where a registry gives one id to equal schemas. */
  byId(id: SchemaId): Promise<readonly ToldSchema[]>;
  /** The version that is this schema, however it is printed. */
  same(subject: string, text: string): Promise<ToldSchema | undefined>;
  check(subject: string, text: string): Promise<SchemaCheck>;
  /** Rejects with `SCHEMA_INCOMPATIBLE`, `REGISTRY_FULL`. */
  register(subject: string, text: string): Promise<{ readonly schema: ToldSchema; readonly isNew: boolean }>;
  /**
   * Marks one version, or with `all` every one, those to come as well; null takes the mark away. Rejects with
   * `SCHEMA_NOT_FOUND`.
   */
  deprecate(subject: string, version: number | 'all', mark: Omit<Deprecation, 'at'> | null): Promise<void>;
}

interface Marks {
  readonly subject: string;
  /** By version, and `all`. */
  readonly versions: Readonly<Record<string, Deprecation>>;
}

const noMarks = (subject: string): Marks => ({ subject, versions: {} });
const nameOf = (subject: string): string => deprecatedName(hash('sha256', subject));
const markTriesMax = 10;

/** `log`: its name. */
export function openSchemas(
  { registry, archive, clock }: Pick<Ports, 'registry' | 'archive' | 'clock'>,
  log: string,
  embedded: boolean,
): Schemas {
  const { state } = archive;

  const read = async (subject: string) => {
    const found = await state.read(nameOf(subject));
    return {
      marks: found === undefined ? noMarks(subject) : (JSON.parse(found.bytes.toString('utf8')) as Marks),
      etag: found?.etag ?? null,
    };
  };

  async function told(found: RegisteredSchema): Promise<ToldSchema> {
    const { versions } = (await read(found.subject)).marks;
    return { ...found, deprecated: versions[String(found.version)] ?? versions.all ?? null };
  }

  async function all(subject: string): Promise<readonly RegisteredSchema[]> {
    const found: RegisteredSchema[] = [];
    for (const version of await registry.versions(subject)) {
      const one = await registry.version(subject, version);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  const sameAmong = (subject: string, text: string, among: readonly RegisteredSchema[]) => {
    const canonical = canonicalSchema(subject, text);
    return among.find(({ schemaText }) => isSame(subject, schemaText, canonical));
  };

  async function same(subject: string, text: string): Promise<ToldSchema | undefined> {
    const found = sameAmong(subject, text, await all(subject));
    return found && told(found);
  }

  return {
    ...{ kind: registry.kind, embedded, place: registry.place, same },
    own: new Set([subjectOf(log), subjectOf(inboxOf(log))]),
    subjects: () => registry.subjects(),
    versions: (subject) => registry.versions(subject),
    async find(subject, version) {
      const found =
        version === 'latest' ? await registry.latest(subject) : await registry.version(subject, version);
      return found && told(found);
    },
    async byId(id) {
      const found: ToldSchema[] = [];
      for (const { subject, version } of await registry.places(id)) {
        const one = await registry.version(subject, version);
        if (one?.ref.id === id) found.push(await told(one));
      }
      return found;
    },
    async check(subject, text) {
      const before = await all(subject);
      return {
        breaking: breakingIn(subject, text, before),
        versions: before.map(({ version }) => version),
        same: sameAmong(subject, text, before)?.version ?? null,
      };
    },
    async register(subject, text) {
      const before = await same(subject, text);
      if (before !== undefined) return { schema: before, isNew: false };
      const { id } = await registry.register(subject, text);
      const made = (await all(subject)).findLast(({ ref }) => ref.id === id);
      if (made === undefined)
        throw new Fault('REGISTRY_UNAVAILABLE', { subject, id, reason: 'it does not tell what it took' });
      return { schema: await told(made), isNew: true };
    },
    async deprecate(subject, version, mark) {
      const there = await registry.versions(subject);
      if (version === 'all' ? there.length === 0 : !there.includes(version))
        throw new Fault('SCHEMA_NOT_FOUND', { subject, version });
      for (let tries = 1; tries <= markTriesMax; tries += 1) {
        const { marks, etag } = await read(subject);
        const { [String(version)]: _, ...others } = marks.versions;
        const versions = mark === null ? others : { ...others, [version]: { at: clock.now(), ...mark } };
        const bytes = Buffer.from(`${JSON.stringify({ v: 1, subject, versions })}\n`);
        if ((await state.write(nameOf(subject), bytes, etag)) !== 'changed') return;
      }
      throw new Fault('STORE_UNAVAILABLE', { subject, reason: 'others mark the same schema all the time' });
    },
  };
}

function isSame(subject: string, text: string, canonical: string): boolean {
  try {
    return canonicalSchema(subject, text) === canonical;
  } catch {
    return false; // A registry may hold what is no Avro schema.
  }
}
