import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { Fault } from '../../domain/fault.ts';
import type { SchemaPlace } from '../../ports/schema-registry.ts';
import { getJson } from './get-json.ts';
import type { ConfluentSettings } from './schema-registry.ts';

const timeoutMs = 10_000;
/**
 * A call without an answer for so long is made again, on a connection of its own: what is lost on the way is no reason to refuse
 * anything, and none of these calls does harm twice. The client settles no call whose answer breaks off half-way, either.
 */
const silentMsDefault = 4_000;
const callsMax = 3;

/** The calls we make. Each rejects with `REGISTRY_UNAVAILABLE` unless the server clearly said what is typed here. */
export interface RegistryApi {
  /** Text of the Avro schema with this id; undefined for an unknown id and for schemas of other kinds. */
  schema(id: number): Promise<string | undefined>;
  /** Of Avro; undefined where there is none. */
  version(subject: string, version: number | 'latest'): Promise<ApiVersion | undefined>;
  /** Ascending; empty for an unknown subject. */
  versions(subject: string): Promise<readonly number[]>;
  subjects(): Promise<readonly string[]>;
  /** Where an id stands; empty for an unknown one. */
  places(id: number): Promise<readonly SchemaPlace[]>;
  /** The id under which the subject holds exactly this schema. */
  registered(subject: string, schema: string): Promise<number | undefined>;
  register(subject: string, schema: string): Promise<{ readonly id: number } | { readonly refused: string }>;
}

export interface ApiVersion {
  readonly id: number;
  readonly version: number;
  readonly schema: string;
}

type Call = (params: object) => Promise<{ data(): unknown }>;

interface Client {
  readonly Schema: { readonly find: Call };
  readonly Subject: {
    readonly all: Call;
    readonly version: Call;
    readonly registered: Call;
    readonly register: Call;
  };
}

interface ApiModule {
  readonly default: (settings: object) => Client;
}

export function registryApi(settings: ConfluentSettings): RegistryApi {
  const { url, clientId, auth, ca, silentMs = silentMsDefault } = settings;
  let client: Client | undefined;
  const load = (): Client => {
    const require = createRequire(import.meta.url);
    const api = require('@kafkajs/confluent-schema-registry/dist/api/index.js') as ApiModule;
    return api.default({
      host: url,
      retry: { retries: 0 }, // Retrying is the caller's decision.
      ...(clientId === undefined ? {} : { clientId }),
      ...(auth === undefined ? {} : { auth }),
      ...(ca === undefined ? {} : { agent: new Agent({ ca }) }),
    });
  };

  const unavailable = (error: unknown): Fault => {
    const reason = error instanceof Error ? error.message : String(error);
    return new Fault('REGISTRY_UNAVAILABLE', { place: url, reason }, error);
  };

  /** The parsed answer, or what `told` makes of an HTTP status that tells something. */
  const call = async <T>(
    which: (client: Client) => Call,
    params: object,
    told: (status: number, message: string) => T | undefined,
  ): Promise<{ readonly answer: unknown } | { readonly told: T }> => {
    try {
      client ??= load();
      for (let calls = 1; calls <= callsMax; calls += 1) {
        const answered = await heard(which(client)({ ...params, timeout: timeoutMs }), silentMs);
        if (answered !== undefined) return { answer: answered.data() };
      }
      throw new Error(`no answer to ${callsMax} calls within ${callsMax * silentMs} ms`);
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
      const meant = told(status, error instanceof Error ? error.message : '');
      if (meant === undefined) throw unavailable(error);
      return { told: meant };
    }
  };

  const missing = (status: number): 'missing' | undefined => (status === 404 ? 'missing' : undefined);

  const answerOf = (data: unknown): Answer => {
    if (typeof data === 'object' && data !== null) return data;
    throw unavailable('the answer is not of a schema registry');
  };

  const whole = (answer: Answer, name: 'id' | 'version'): number => {
    const found = answer[name];
    if (!Number.isSafeInteger(found)) throw unavailable(`the answer holds no ${name}`);
    return Number(found);
  };

  const listOf = <T>(data: unknown, isItem: (item: unknown) => item is T): readonly T[] => {
    if (!Array.isArray(data) || !data.every(isItem)) throw unavailable('the answer is no such list');
    return data;
  };

  /** A path that the client library does not know. */
  const get = (path: string): ((client: Client) => Call) => {
    const asked = async (): Promise<{ data(): unknown }> => {
      const found = await getJson(`${url}${path}`, settings, timeoutMs);
      return { data: () => found };
    };
    return () => asked;
  };

  return {
    async schema(id) {
      const found = await call(({ Schema }) => Schema.find, { id }, missing);
      return 'told' in found ? undefined : avroTextOf(answerOf(found.answer));
    },
    async version(subject, version) {
      const found = await call(({ Subject }) => Subject.version, { subject, version }, missing);
      if ('told' in found) return undefined;
      const answer = answerOf(found.answer);
      const schema = avroTextOf(answer);
      if (schema === undefined) return undefined;
      return { id: whole(answer, 'id'), version: whole(answer, 'version'), schema };
    },
    async versions(subject) {
      const found = await call(get(`/subjects/${encodeURIComponent(subject)}/versions`), {}, missing);
      return 'told' in found ? [] : [...listOf(found.answer, isWhole)].sort((a, b) => a - b);
    },
    async subjects() {
      const found = await call(({ Subject }) => Subject.all, {}, missing);
      return 'told' in found ? [] : [...listOf(found.answer, isText)].sort();
    },
    async places(id) {
      const found = await call(get(`/schemas/ids/${id}/versions`), {}, missing);
      return 'told' in found ? [] : listOf(found.answer, isPlace);
    },
    async registered(subject, schema) {
      const found = await call(({ Subject }) => Subject.registered, { subject, body: { schema } }, missing);
      return 'told' in found ? undefined : whole(answerOf(found.answer), 'id');
    },
    async register(subject, schema) {
      const refused = (status: number, message: string) =>
        status === 409 || status === 422 ? message : undefined;
      const answered = await call(({ Subject }) => Subject.register, { subject, body: { schema } }, refused);
      return 'told' in answered ? { refused: answered.told } : { id: whole(answerOf(answered.answer), 'id') };
    },
  };
}

const isWhole = (item: unknown): item is number => Number.isSafeInteger(item);
const isText = (item: unknown): item is string => typeof item === 'string';
const isPlace = (item: unknown): item is SchemaPlace =>
  typeof item === 'object' &&
  item !== null &&
  'subject' in item &&
  isText(item.subject) &&
  'version' in item &&
  isWhole(item.version);

interface Answer {
  readonly id?: unknown;
  readonly version?: unknown;
  readonly schema?: unknown;
  readonly schemaType?: unknown;
}

/** A registry leaves the type out where it is Avro. */
const avroTextOf = ({ schema, schemaType }: Answer): string | undefined =>
  typeof schema === 'string' && (schemaType === undefined || schemaType === null || schemaType === 'AVRO')
    ? schema
    : undefined;

/** What a call gives, or undefined if it says nothing for so long; what it says later is passed over. */
async function heard<T>(called: Promise<T>, silentMs: number): Promise<T | undefined> {
  const silence = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => silence.resolve(undefined), silentMs);
  called.catch(() => {}); // Told to whoever still listens: nobody, once it was silent for too long.
  try {
    return await Promise.race([called, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}
