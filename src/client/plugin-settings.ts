import { readFileSync } from 'node:fs';
import { Fault } from '../domain/fault.ts';
import { type KafkaEndpoint, kafkaEndpoint } from './endpoint.ts';
import { httpTransport } from './http.ts';
import { inboxTransport } from './inbox.ts';
import type { Transport } from './transport.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every plugin is told by its environment. */
export interface PluginSettings {
  readonly transport: () => Transport;
  /** Absolute or relative to where the process runs. */
  readonly stateFile: string;
  /** Undefined: nobody asks. */
  readonly health: { readonly bind: string; readonly port: number } | undefined;
  /** Between being told to stop and stopping. */
  readonly graceMs: number;
}

type Refuse = (at: string, what: string) => undefined;

const tokenMax = 4_096;

/**
 * `ANNAL_URL` (with `ANNAL_TOKEN` or `ANNAL_TOKEN_FILE`) leads to an Annal over HTTP; `CONNECTION_STRING`, `EVENTHUB` and
 * `SCHEMA_REGISTRY_URL` to its inbox topic. `STATE_FILE`, `HEALTH_BIND`, `HEALTH_PORT` (a number, 0 for any free one, `off`),
 * `GRACE_SECONDS`. Empty is unset. Throws `CONFIG_INVALID` with every fault at once; no secret stands in one.
 */
export function pluginSettings(env: Environment, name: string): PluginSettings {
  const faults: { at: string; what: string }[] = [];
  const refuse: Refuse = (at, what) => void faults.push({ at, what });
  const given = (variable: string): string | undefined => (env[variable] === '' ? undefined : env[variable]);
  const whole = (variable: string, fallback: number, most: number): number => {
    const text = given(variable) ?? String(fallback);
    if (/^[0-9]{1,6}$/.test(text) && Number(text) <= most) return Number(text);
    refuse(variable, `has to be a whole number up to ${most}`);
    return fallback;
  };
  const transport = chosenTransport(given, refuse);
  const isHealthOff = given('HEALTH_PORT') === 'off';
  const health = isHealthOff
    ? undefined
    : { bind: given('HEALTH_BIND') ?? '127.0.0.1', port: whole('HEALTH_PORT', 8081, 65_535) };
  const graceMs = whole('GRACE_SECONDS', 20, 3_600) * 1_000;
  if (faults.length > 0 || transport === undefined) throw new Fault('CONFIG_INVALID', { faults });
  return { transport, stateFile: given('STATE_FILE') ?? `${name}.state.json`, health, graceMs };
}

type Given = (variable: string) => string | undefined;

function chosenTransport(given: Given, refuse: Refuse): (() => Transport) | undefined {
  const [url, connection] = [given('ANNAL_URL'), given('CONNECTION_STRING')];
  if (url !== undefined && connection !== undefined)
    return refuse('CONNECTION_STRING', 'and ANNAL_URL are both set; one of them says where to publish');
  if (url !== undefined) return overHttp(url, given, refuse);
  if (connection !== undefined) return toInbox(connection, given, refuse);
  return refuse('ANNAL_URL', 'is missing, and CONNECTION_STRING: one of them says where to publish');
}

function overHttp(url: string, given: Given, refuse: Refuse): (() => Transport) | undefined {
  const [text, file] = [given('ANNAL_TOKEN'), given('ANNAL_TOKEN_FILE')];
  if (text !== undefined && file !== undefined)
    return refuse('ANNAL_TOKEN_FILE', 'and ANNAL_TOKEN are both set; one of them is the token');
  // A file is read each time: who puts a new token there need not restart anything.
  const token = file === undefined ? () => text : () => readFileSync(file, 'utf8').slice(0, tokenMax).trim();
  try {
    const made = httpTransport({ url, token });
    if (file !== undefined) token();
    return () => made;
  } catch (error) {
    const isFile =
      (error as NodeJS.ErrnoException).code !== undefined && error instanceof Error && 'path' in error;
    return isFile
      ? refuse('ANNAL_TOKEN_FILE', 'cannot be read')
      : refuse('ANNAL_URL', 'is no http URL without a password');
  }
}

function toInbox(connection: string, given: Given, refuse: Refuse): (() => Transport) | undefined {
  let endpoint: KafkaEndpoint;
  try {
    endpoint = kafkaEndpoint(connection);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse('CONNECTION_STRING', error.message);
  }
  const topic = given('EVENTHUB') ?? endpoint.entityPath;
  const [url, username] = [given('SCHEMA_REGISTRY_URL'), given('SCHEMA_REGISTRY_USERNAME')];
  if (topic === undefined) return refuse('EVENTHUB', 'is missing: the inbox topic, `<name>.inbox`');
  if (url === undefined || !/^https?:\/\/[^@/]+(?:\/|$)/.test(url))
    return refuse('SCHEMA_REGISTRY_URL', 'is missing, or no http URL without a password');
  const password = given('SCHEMA_REGISTRY_PASSWORD') ?? '';
  const login = username === undefined ? undefined : { username, password };
  const made = inboxTransport({ endpoint, topic, registry: { url, login } });
  return () => made;
}
