import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Environment, explainConfig, readConfig } from '../../src/apps/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'annal-access-'));
afterAll(() => rmSync(dir, { recursive: true }));

const held = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
const caFile = held('ca.pem', '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
const secretFile = held('secret', 's3cret\n');
const hub = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=a2V5LW9mLWh1Yg==';
const hubFile = held('hub', `${hub}\n`);

const kafka = { ANNAL_KAFKA_BROKERS: 'ns.servicebus.windows.net:9093' };
const accessOf = (env: Environment) => {
  const { log } = readConfig({ ...kafka, ...env });
  return log.kind === 'kafka' ? log.access : undefined;
};
const faultsOf = (env: Environment): string[] =>
  explainConfig(env).faults.map(({ at, what }) => `${at.replace('ANNAL_', '')} ${what}`);

describe('how brokers are reached', () => {
  test('in clear and without a name, unless something is said', () => {
    expect(accessOf({})).toEqual({ tls: undefined, sasl: undefined });
    expect(accessOf({ ANNAL_KAFKA_TLS: 'on' })).toMatchObject({ tls: { caFile: undefined } });
    expect(accessOf({ ANNAL_KAFKA_CA_FILE: caFile })).toMatchObject({ tls: { caFile } });
  });

  test('a connection string of Event Hubs is a name, a password and TLS', () => {
    const login = { mechanism: 'plain', username: '$ConnectionString' };
    const tls = { caFile: undefined };
    expect(accessOf({ ANNAL_KAFKA_CONNECTION_STRING: hub })).toEqual({
      ...{ tls, sasl: { ...login, password: { value: hub } } },
    });
    expect(accessOf({ ANNAL_KAFKA_CONNECTION_STRING_FILE: hubFile, ANNAL_KAFKA_SASL: 'plain' })).toEqual({
      ...{ tls, sasl: { ...login, password: { file: hubFile } } },
    });
  });

  test('tokens of Azure are asked for the namespace of the first broker, over TLS; tokens in a file need neither', () => {
    const oauth = { ANNAL_KAFKA_SASL: 'oauthbearer' };
    const scope = 'https://ns.servicebus.windows.net/.default';
    expect(accessOf(oauth)).toEqual({
      tls: { caFile: undefined },
      sasl: { mechanism: 'oauthbearer', tokens: { from: 'azure', scope } },
    });
    expect(accessOf({ ...oauth, ANNAL_KAFKA_TOKEN_SCOPE: 'api://x/.default' })?.sasl).toMatchObject({
      tokens: { scope: 'api://x/.default' },
    });
    expect(accessOf({ ...oauth, ANNAL_KAFKA_TOKEN_FILE: secretFile })).toEqual({
      tls: undefined,
      sasl: { mechanism: 'oauthbearer', tokens: { from: 'file', file: secretFile } },
    });
  });

  test('names and passwords, in a setting or a file', () => {
    const ann = { ANNAL_KAFKA_SASL: 'scram-sha-512', ANNAL_KAFKA_USERNAME: 'ann' };
    expect(accessOf({ ...ann, ANNAL_KAFKA_PASSWORD: 'p' })?.sasl).toEqual({
      ...{ mechanism: 'scram-sha-512', username: 'ann', password: { value: 'p' } },
    });
    expect(accessOf({ ...ann, ANNAL_KAFKA_PASSWORD_FILE: secretFile })?.sasl).toMatchObject({
      password: { file: secretFile },
    });
  });
});

test('the registry and Elasticsearch: basic authentication, an API key, a CA file', () => {
  const { registry, readModel } = readConfig({
    ANNAL_SCHEMA_REGISTRY_URL: 'https://r',
    ANNAL_SCHEMA_REGISTRY_USERNAME: 'ann',
    ANNAL_SCHEMA_REGISTRY_PASSWORD_FILE: secretFile,
    ANNAL_SCHEMA_REGISTRY_CA_FILE: caFile,
    ANNAL_ELASTICSEARCH_URL: 'https://e:9200',
    ANNAL_ELASTICSEARCH_API_KEY: 'key',
  });
  expect(registry).toMatchObject({
    access: { caFile, login: { username: 'ann', password: { file: secretFile } } },
  });
  expect(readModel).toMatchObject({ access: { caFile: undefined, login: { apiKey: { value: 'key' } } } });
});

test.each<[Environment, readonly RegExp[]]>([
  [{ ANNAL_KAFKA_SASL: 'plain' }, [/^KAFKA_SASL has no effect without ANNAL_KAFKA_BROKERS/]],
  [{ ...kafka, ANNAL_KAFKA_SASL: 'plain' }, [/^KAFKA_USERNAME is missing, and ANNAL_KAFKA_PASSWORD/]],
  [
    { ...kafka, ANNAL_KAFKA_SASL: 'plain', ANNAL_KAFKA_USERNAME: 'ann' },
    [/^KAFKA_PASSWORD is missing beside ANNAL_KAFKA_USERNAME/],
  ],
  [
    { ...kafka, ANNAL_KAFKA_PASSWORD: 'p', ANNAL_KAFKA_PASSWORD_FILE: secretFile },
    [
      /^KAFKA_PASSWORD_FILE and ANNAL_KAFKA_PASSWORD are both set/,
      /^KAFKA_PASSWORD has no effect without ANNAL_KAFKA_SASL/,
      /^KAFKA_PASSWORD_FILE has no effect/,
    ],
  ],
  [
    { ...kafka, ANNAL_KAFKA_CONNECTION_STRING: hub, ANNAL_KAFKA_USERNAME: 'a', ANNAL_KAFKA_TLS: 'off' },
    [/^KAFKA_TLS is off, and what opens all/, /^KAFKA_USERNAME and a connection string are both set/],
  ],
  [
    { ...kafka, ANNAL_KAFKA_TLS: 'off', ANNAL_KAFKA_SASL: 'oauthbearer', ANNAL_KAFKA_CA_FILE: caFile },
    [/^KAFKA_TLS is off, and ANNAL_KAFKA_CA_FILE is set/, /^KAFKA_TLS is off, and what opens all/],
  ],
  [
    { ...kafka, ANNAL_KAFKA_TOKEN_FILE: secretFile },
    [/^KAFKA_TOKEN_FILE has no effect without ANNAL_KAFKA_SASL=oauthbearer/],
  ],
  [
    { ...kafka, ANNAL_KAFKA_CA_FILE: secretFile, ANNAL_KAFKA_TOKEN_FILE: join(dir, 'nowhere') },
    [
      /^KAFKA_CA_FILE has to be a file that can be read and holds certificates/,
      /^KAFKA_TOKEN_FILE has to be a file that can be read and holds the secret alone/,
      /^KAFKA_TOKEN_FILE has no effect/,
    ],
  ],
  [
    {
      ...kafka,
      ANNAL_KAFKA_CONNECTION_STRING: 'Endpoint=sb://x/;SharedAccessSignature=SharedAccessSignature sr=x',
    },
    [/^KAFKA_CONNECTION_STRING has to be a connection string of Event Hubs/],
  ],
  [
    { ANNAL_ELASTICSEARCH_URL: 'http://e', ANNAL_ELASTICSEARCH_CA_FILE: caFile },
    [/^ELASTICSEARCH_CA_FILE needs ANNAL_ELASTICSEARCH_URL to begin with https/],
  ],
  [
    {
      ANNAL_ELASTICSEARCH_URL: 'https://e',
      ANNAL_ELASTICSEARCH_API_KEY: 'k',
      ANNAL_ELASTICSEARCH_USERNAME: 'a',
      ANNAL_ELASTICSEARCH_PASSWORD: 'p',
    },
    [
      /^ELASTICSEARCH_USERNAME and an API key are both set/,
      /^ELASTICSEARCH_PASSWORD and an API key are both set/,
    ],
  ],
  [
    { ANNAL_SCHEMA_REGISTRY_PASSWORD: 'p' },
    [
      /^SCHEMA_REGISTRY_USERNAME is missing beside/,
      /^SCHEMA_REGISTRY_PASSWORD has no effect without ANNAL_SCHEMA_REGISTRY_URL/,
    ],
  ],
])('%o is told whole, in one message', (env, expected) => {
  const found = faultsOf(env);
  for (const fault of expected) expect(found).toContainEqual(expect.stringMatching(fault));
  expect(found).toHaveLength(expected.length);
});
