import { Fault } from '../../domain/fault.ts';
import { canonicalSchema, refuseBreaking } from '../../formats/avro-compat.ts';
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts';
import { type ApiVersion, registryApi } from './api.ts';

export interface ConfluentSettings {
  /** Root of the API; its path is kept. */
  readonly url: string;
  readonly clientId?: string;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Certificates (PEM) that vouch for the server, in the place of the machine's own. */
  readonly ca?: string;
  /** A call without an answer for so long is made again; 4 s by default. */
  readonly silentMs?: number;
}

/** Schemas never change behind their id; this many texts are remembered. */
const remembered = 1_000;
/** A new schema is compared with as many versions of its subject, the newest ones. */
const comparedMax = 1_000;

/**
 * Any server with Confluent's API. The client library comes with the first call; only its HTTP client is used, for its own
 * `register` refuses servers whose default compatibility is not BACKWARD. Whether a schema breaks readers is judged here
 * too, for servers that judge nothing by default; the server may be stricter. Settings of the server are left alone.
 * `lookup` gives Avro schemas only.
 */
export function confluentRegistry(settings: ConfluentSettings): SchemaRegistry {
  const { origin, pathname } = new URL(settings.url);
  const place = `${origin}${pathname.replace(/\/+$/, '')}`;
  const texts = new Map<number, string>();
  const asking = new Map<number, Promise<string | undefined>>();
  const api = registryApi({ ...settings, url: place });

  const remember = (id: number, text: string): void => {
    texts.set(id, text);
    if (texts.size > remembered) texts.delete(texts.keys().next().value!);
  };

  const find = async (id: number): Promise<string | undefined> => {
    const found = await api.schema(id);
    if (found !== undefined) remember(id, found);
    return found;
  };

  const registered = (subject: string, { id, version, schema }: ApiVersion): RegisteredSchema => {
    remember(id, schema);
    return { ref: { kind: 'confluent', id }, subject, version, schemaText: schema };
  };

  async function all(subject: string, versions: readonly number[]): Promise<RegisteredSchema[]> {
    const found: RegisteredSchema[] = [];
    for (const version of versions.slice(-comparedMax)) {
      const one = await api.version(subject, version);
      if (one !== undefined) found.push(registered(subject, one));
    }
    return found;
  }

  return {
    kind: 'confluent',
    place,
    async register(subject, schemaText) {
      const canonical = canonicalSchema(subject, schemaText);
      const latest = await api.version(subject, 'latest');
      if (latest !== undefined && canonicalSchema(subject, latest.schema) !== canonical) {
        const known = await api.registered(subject, schemaText);
        if (known !== undefined) return { kind: 'confluent', id: known };
        refuseBreaking(subject, schemaText, await all(subject, await api.versions(subject)));
      }
      const answer = await api.register(subject, schemaText);
      if ('refused' in answer)
        throw new Fault('SCHEMA_INCOMPATIBLE', { subject, place, reason: answer.refused });
      return { kind: 'confluent', id: answer.id };
    },
    lookup(id) {
      if (typeof id !== 'number') return Promise.resolve(undefined);
      const known = texts.get(id);
      if (known !== undefined) return Promise.resolve(known);
      const asked = asking.get(id) ?? find(id).finally(() => asking.delete(id));
      asking.set(id, asked);
      return asked;
    },
    subjects: () => api.subjects(),
    versions: (subject) => api.versions(subject),
    async version(subject, version) {
      const found = await api.version(subject, version);
      return found && registered(subject, found);
    },
    async latest(subject) {
      const found = await api.version(subject, 'latest');
      return found && registered(subject, found);
    },
    places: async (id) => (typeof id === 'number' ? api.places(id) : []),
    async [Symbol.asyncDispose]() {},
  };
}
