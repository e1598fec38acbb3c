import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { Fault } from '../../domain/fault.ts';
import type { ConfluentSettings } from './schema-registry.ts';

const timeoutMs = 10_000;
/** The client settles no call whose answer breaks off half-way, so a call ends here in any case. */
const deadlineMs = 15_000;

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

export function registryApi({ url, clientId, auth, ca }: ConfluentSettings): RegistryApi {
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
    let late: NodeJS.Timeout | undefined;
    try {
      client ??= load();
      const called = which(client)({ ...params, timeout: timeoutMs });
      const deadline = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
      });
      return { answer: answerOf((await Promise.race([called, deadline])).data()) };
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
      const meant = told(status, error instanceof Error ? error.message : '');
      if (meant === undefined) throw unavailable(error);
      return { told: meant };
    } finally {
      clearTimeout(late);
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
