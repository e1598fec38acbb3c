import type { SchemaRegistryClient, SchemaRegistryClientOptions } from '@azure/schema-registry';
import { Fault } from '../../domain/fault.ts';
import type { TokenSource } from '../../ports/token.ts';

export interface AzureRegistrySettings {
  /** `https://<namespace>.servicebus.windows.net`. */
  readonly url: string;
  /** A schema group for Avro; made where the namespace is managed, with the compatibility it asks for. */
  readonly group: string;
  readonly tokens: TokenSource;
  /** How requests are sent, in the place of the library's own. */
  readonly httpClient?: NonNullable<SchemaRegistryClientOptions['httpClient']>;
}

const timeoutMs = 10_000;
/** One request may be lost, or come at a bad moment; who asks tries again by itself. None of these calls does harm twice. */
const retryOptions = { maxRetries: 1, retryDelayInMs: 250, maxRetryDelayInMs: 2_000 };

export interface AzureSchema {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly version: number;
  readonly text: string;
}

/** The calls we make. Each rejects with `REGISTRY_UNAVAILABLE` unless the service clearly said what is typed here. */
export interface AzureApi {
  byId(id: string): Promise<AzureSchema | undefined>;
  byVersion(name: string, version: number): Promise<AzureSchema | undefined>;
  /** Id under which the name holds exactly this text. */
  registered(name: string, text: string): Promise<string | undefined>;
  register(name: string, text: string): Promise<{ readonly id: string } | { readonly refused: string }>;
}

const hasStatus = (error: unknown): error is Error & { readonly statusCode: unknown } =>
  error instanceof Error && 'statusCode' in error;

/** Azure's client, loaded by the first call. API version 2023-07-01, as the library has it. */
export function azureApi({ url, group, tokens, httpClient }: AzureRegistrySettings): AzureApi {
  let loading: Promise<SchemaRegistryClient> | undefined;
  const load = async (): Promise<SchemaRegistryClient> => {
    const { SchemaRegistryClient: Client } = await import('@azure/schema-registry');
    const getToken = async () => {
      const { value, endsAt } = await tokens();
      return { token: value, expiresOnTimestamp: endsAt ?? Date.now() };
    };
    return new Client(
      url,
      { getToken },
      { retryOptions, ...(httpClient === undefined ? {} : { httpClient }) },
    );
  };

  const unavailable = (error: unknown): Fault => {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 400) : String(error);
    return new Fault('REGISTRY_UNAVAILABLE', { place: url, group, reason }, error);
  };

  /** What the service answers, or what `told` makes of an HTTP status that tells something. */
  async function call<T, Told>(
    work: (client: SchemaRegistryClient, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    told: (status: number, message: string) => Told | undefined,
  ): Promise<{ readonly answer: T } | { readonly told: Told }> {
    try {
      loading ??= load();
      return { answer: await work(await loading, { abortSignal: AbortSignal.timeout(timeoutMs) }) };
    } catch (error) {
      const status = hasStatus(error) ? Number(error.statusCode) : 0;
      const meant = told(status, error instanceof Error ? error.message : '');
      if (meant === undefined) throw unavailable(error);
      return { told: meant };
    }
  }

  const missing = (status: number): 'missing' | undefined => (status === 404 ? 'missing' : undefined);

  const idOf = ({ id }: { readonly id?: string }): string => {
    if (typeof id !== 'string' || id === '') throw unavailable('the answer holds no id');
    return id.toLowerCase();
  };

  async function found(
    work: Parameters<typeof call<Awaited<ReturnType<SchemaRegistryClient['getSchema']>>, 'missing'>>[0],
  ): Promise<AzureSchema | undefined> {
    const one = await call(work, missing);
    if ('told' in one) return undefined;
    const { definition, properties } = one.answer;
    const { name, version, groupName, format } = properties;
    if (format.toLowerCase() !== 'avro') return undefined;
    if (!Number.isSafeInteger(version)) throw unavailable('the answer holds no version');
    return { id: idOf(properties), group: groupName, name, version, text: definition };
  }

  const described = (name: string, definition: string) => ({
    ...{ groupName: group, name, format: 'Avro', definition },
  });

  return {
    byId: (id) => found((client, options) => client.getSchema(id, options)),
    byVersion: (name, version) => found((client, options) => client.getSchema(name, group, version, options)),
    async registered(name, text) {
      const one = await call(
        (client, options) => client.getSchemaProperties(described(name, text), options),
        missing,
      );
      return 'told' in one ? undefined : idOf(one.answer);
    },
    async register(name, text) {
      const refused = (status: number, message: string): string | undefined =>
        [400, 409, 415, 422].includes(status) ? message : undefined;
      const one = await call(
        (client, options) => client.registerSchema(described(name, text), options),
        refused,
      );
      return 'told' in one ? { refused: one.told } : { id: idOf(one.answer) };
    },
  };
}
