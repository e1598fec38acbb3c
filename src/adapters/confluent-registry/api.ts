import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { Fault } from '../../domain/fault.ts';
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
  latest(subject: string): Promise<{ readonly id: number; readonly schema: string } | undefined>;
  /** The id under which the subject holds exactly this schema. */
  registered(subject: string, schema: string): Promise<number | undefined>;
  register(subject: string, schema: string): Promise<{ readonly id: number } | { readonly refused: string }>;
}

type Call = (params: object) => Promise<{ data(): unknown }>;

interface Client {
  readonly Schema: { readonly find: Call };
  readonly Subject: { readonly latestVersion: Call; readonly registered: Call; readonly register: Call };
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
  ): Promise<{ readonly answer: Answer } | { readonly told: T }> => {
    try {
      client ??= load();
      for (let calls = 1; calls <= callsMax; calls += 1) {
        const answered = await heard(which(client)({ ...params, timeout: timeoutMs }), silentMs);
        if (answered !== undefined) return { answer: answerOf(answered.data()) };
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

  const idOf = ({ id }: Answer): number => {
    if (!Number.isSafeInteger(id)) throw unavailable('the answer holds no id');
    return Number(id);
  };

  return {
    async schema(id) {
      const found = await call(({ Schema }) => Schema.find, { id }, missing);
      return 'told' in found ? undefined : avroTextOf(found.answer);
    },
    async latest(subject) {
      const found = await call(({ Subject }) => Subject.latestVersion, { subject }, missing);
      if ('told' in found) return undefined;
      const schema = avroTextOf(found.answer);
      return schema === undefined ? undefined : { id: idOf(found.answer), schema };
    },
    async registered(subject, schema) {
      const found = await call(({ Subject }) => Subject.registered, { subject, body: { schema } }, missing);
      return 'told' in found ? undefined : idOf(found.answer);
    },
    async register(subject, schema) {
      const refused = (status: number, message: string) =>
        status === 409 || status === 422 ? message : undefined;
      const answered = await call(({ Subject }) => Subject.register, { subject, body: { schema } }, refused);
      return 'told' in answered ? { refused: answered.told } : { id: idOf(answered.answer) };
    },
  };
}

interface Answer {
  readonly id?: unknown;
  readonly schema?: unknown;
  readonly schemaType?: unknown;
}

function answerOf(data: unknown): Answer {
  if (typeof data !== 'object' || data === null) throw new Error('the answer is not of a schema registry');
  return data;
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
