import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConfigFlags, type Environment, explainConfig, readConfig } from '../../src/apps/config.ts';
import { settings } from '../../src/apps/settings.ts';
import { isFault } from '../../src/domain/fault.ts';

/** Of a configuration with faults: where each is, and what. */
function faultsOf(env: Environment, flags: ConfigFlags = {}): Map<string, string> {
  try {
    readConfig(env, flags);
  } catch (error) {
    if (!isFault(error, 'CONFIG_INVALID')) throw error;
    const { faults } = error.facts as { faults: readonly { at: string; what: string }[] };
    return new Map(faults.map(({ at, what }) => [at, what]));
  }
  return new Map();
}

const account = 'AccountName=a;AccountKey=c2VjcmV0LWtleQ==;EndpointSuffix=core.windows.net';

test('nothing said is the embedded profile on loopback', () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    role: 'all',
    http: { bind: '127.0.0.1', port: 8080, portFirm: false },
    name: 'annal',
    partitions: 4,
    log: { kind: 'file' },
    registry: { kind: 'embedded' },
    archive: { kind: 'folder' },
    readModel: { kind: 'sqlite' },
    inbox: undefined,
    datahub: undefined,
  });
  expect(config.dataDir).toBe(`${process.cwd()}/.annal`);
});

const azureSchemas = {
  ANNAL_AZURE_SCHEMA_REGISTRY_URL: 'https://shop.servicebus.windows.net',
  ANNAL_AZURE_SCHEMA_REGISTRY_GROUP: 'annal',
};

test('a group of Azure needs its namespace, over TLS, and no other registry beside it', () => {
  const faultsOf = (env: Environment) =>
    explainConfig(env).faults.map(({ at, what }) => `${at} ${what.slice(0, 25)}`);
  expect(readConfig(azureSchemas).registry).toEqual({
    ...{ kind: 'azure', group: 'annal', url: 'https://shop.servicebus.windows.net' },
  });
  expect(faultsOf({ ...azureSchemas, ANNAL_SCHEMA_REGISTRY_URL: 'http://r/' })).toEqual([
    'ANNAL_AZURE_SCHEMA_REGISTRY_URL and ANNAL_SCHEMA_REGISTRY',
  ]);
  const { ANNAL_AZURE_SCHEMA_REGISTRY_URL: address, ANNAL_AZURE_SCHEMA_REGISTRY_GROUP: group } = azureSchemas;
  expect(faultsOf({ ANNAL_AZURE_SCHEMA_REGISTRY_URL: address.replace('https', 'http') })).toEqual([
    'ANNAL_AZURE_SCHEMA_REGISTRY_GROUP is missing beside ANNAL_A',
    'ANNAL_AZURE_SCHEMA_REGISTRY_URL has to begin with https:/',
  ]);
  expect(faultsOf({ ANNAL_AZURE_SCHEMA_REGISTRY_GROUP: group })).toEqual([
    'ANNAL_AZURE_SCHEMA_REGISTRY_GROUP has no effect without ANN',
  ]);
  expect(faultsOf({ ...azureSchemas, ANNAL_AZURE_SCHEMA_REGISTRY_GROUP: 'a/b' })).toHaveLength(1);
});

describe('each address switches its port and no other', () => {
  const kinds = (env: Environment) => {
    const { log, registry, archive, readModel } = readConfig(env);
    return [log.kind, registry.kind, archive.kind, readModel.kind];
  };
  test.each([
    [{ ANNAL_KAFKA_BROKERS: 'a:9092, b:9092' }, ['kafka', 'embedded', 'folder', 'sqlite']],
    [{ ANNAL_SCHEMA_REGISTRY_URL: 'http://r/' }, ['file', 'confluent', 'folder', 'sqlite']],
    [azureSchemas, ['file', 'azure', 'folder', 'sqlite']],
    [{ ANNAL_BLOB_CONNECTION_STRING: account }, ['file', 'embedded', 'azure-blob', 'sqlite']],
    [{ ANNAL_BLOB_ACCOUNT_URL: 'https://a.blob.x' }, ['file', 'embedded', 'azure-blob', 'sqlite']],
    [{ ANNAL_ELASTICSEARCH_URL: 'http://e:9200' }, ['file', 'embedded', 'folder', 'elasticsearch']],
  ])('%o', (env, expected) => {
    expect(kinds(env)).toEqual(expected);
    expect(kinds({ ...env, ANNAL_TOPIC: 'other' })).toEqual(expected);
  });
});

test('the key that signs is a path', () => {
  expect(readConfig({ ANNAL_SIGNING_KEY_FILE: '/keys/prod.key' }).signingKeyFile).toBe('/keys/prod.key');
  expect(readConfig({}).signingKeyFile).toBeUndefined();
});

test('units and lists are read', () => {
  const config = readConfig({
    ANNAL_KAFKA_BROKERS: 'a:1, b:2,a:1',
    ANNAL_KAFKA_RETENTION_HOURS: '2',
    ANNAL_ARCHIVE_FLUSH_BYTES: '8MiB',
    ANNAL_ARCHIVE_FLUSH_SECONDS: '3',
    ANNAL_ARCHIVE_SEAL_HOURS: '1',
    ANNAL_SCHEMA_REGISTRY_URL: 'http://r/v7///',
    ANNAL_DATAHUB_TOPIC: 'on',
    ANNAL_DATAHUB_ASPECTS: 'a,b',
    ANNAL_INBOX: 'on',
    ANNAL_TOPIC: 'shop',
  });
  expect(config.log).toEqual({
    kind: 'kafka',
    brokers: ['a:1', 'b:2'],
    retentionMs: 7_200_000,
    sessionTimeoutMs: 30_000,
    access: { tls: undefined, sasl: undefined },
  });
  expect(config.registry).toMatchObject({ kind: 'confluent', url: 'http://r/v7' });
  expect(config.archiveLimits).toEqual({
    flushBytes: 8 * 2 ** 20,
    flushMs: 3_000,
    sealBytes: 64 * 2 ** 20,
    sealMs: 3_600_000,
  });
  expect(config.datahub).toEqual({ topic: 'MetadataChangeProposal_v1', source: 'datahub' });
  expect(config.datahubAspects).toEqual(['a', 'b']);
  expect(config.inbox).toEqual({ topic: 'shop.inbox', source: 'inbox' });
});

test('all faults come in one message', () => {
  const found = faultsOf(
    {
      ANNAL_PROT: '8080',
      ANNAL_PARTITIONS: '0',
      ANNAL_TOPIC: 'Über',
      ANNAL_BIND: '0.0.0.0',
      ANNAL_KAFKA_BROKERS: 'nowhere',
      ANNAL_BLOB_CONNECTION_STRING: account,
      ANNAL_BLOB_ACCOUNT_URL: 'https://a.blob.x',
      ANNAL_ELASTICSEARCH_URL: 'ftp://e',
      ANNAL_ARCHIVE_FLUSH_BYTES: '32MiB',
      ANNAL_ARCHIVE_SEAL_BYTES: '1MiB',
      ANNAL_DATAHUB_TOPIC: 'on',
      ANNAL_LOG_LEVEL: 'loud',
    },
    { port: '99999' },
  );
  expect([...found.keys()].sort()).toEqual([
    '--port',
    'ANNAL_ARCHIVE_FLUSH_BYTES',
    'ANNAL_BIND',
    'ANNAL_BLOB_ACCOUNT_URL',
    'ANNAL_DATAHUB_TOPIC',
    'ANNAL_ELASTICSEARCH_URL',
    'ANNAL_KAFKA_BROKERS',
    'ANNAL_LOG_LEVEL',
    'ANNAL_PARTITIONS',
    'ANNAL_PROT',
    'ANNAL_TOPIC',
  ]);
  expect(found.get('ANNAL_PROT')).toContain('did you mean ANNAL_PORT?');
  expect(found.get('ANNAL_BIND')).toContain('ANNAL_TOKENS_FILE');
  expect(found.get('ANNAL_DATAHUB_TOPIC')).toContain('ANNAL_SCHEMA_REGISTRY_URL');
});

test('what one process cannot share with others is asked for by its part', () => {
  const everything = {
    ANNAL_KAFKA_BROKERS: 'a:1',
    ANNAL_BLOB_CONNECTION_STRING: account,
    ANNAL_ELASTICSEARCH_URL: 'http://e',
  };
  for (const role of ['archiver', 'projector', 'api'] as const) {
    expect(faultsOf(everything, { role })).toEqual(new Map());
    const missing = [...faultsOf({}, { role }).keys()];
    expect(missing).toEqual(
      Object.keys(everything).filter((name) => role !== 'archiver' || name !== 'ANNAL_ELASTICSEARCH_URL'),
    );
  }
  // Wrong is not missing.
  expect(faultsOf({ ...everything, ANNAL_ELASTICSEARCH_URL: 'e' }, { role: 'api' }).size).toBe(1);
});

test('variables of tests and of the client are none of its business, empty ones are not set', () => {
  const env = {
    ANNAL_URL: 'x',
    ANNAL_TOKEN: 'y',
    ANNAL_TEST_ANY: 'z',
    ANNAL_ELASTICSEARCH_URL: '',
    PATH: '/',
  };
  expect(readConfig(env).readModel.kind).toBe('sqlite');
});

const word = fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/);

test('no secret is in a fault or in an explanation, whatever it is put into', () => {
  fc.assert(
    fc.property(
      word,
      fc.constantFrom(
        (secret: string) => ({ ANNAL_BLOB_CONNECTION_STRING: secret }),
        (secret: string) => ({ ANNAL_BLOB_CONNECTION_STRING: `AccountName=a;AccountKey=${secret}` }),
        (secret: string) => ({ ANNAL_BLOB_ACCOUNT_URL: `https://a.blob.x/?sv=1&sig=${secret}` }),
        (secret: string) => ({ ANNAL_ELASTICSEARCH_URL: `https://elastic:${secret}@e:9200` }),
        (secret: string) => ({ ANNAL_SCHEMA_REGISTRY_URL: `https://${secret}@r` }),
        (secret: string) => ({ ANNAL_KAFKA_BROKERS: `user:${secret}@broker:9092` }),
        (secret: string) => ({ ANNAL_BLOB_ACCOUNT_URL: `AccountName=a;AccountKey=${secret}` }),
        (secret: string) => ({ ANNAL_ELASTICSEARCH_URL: `https://elastic:a/b@${secret}@e:9200` }),
        (secret: string) => ({ ANNAL_TOKEN: secret }),
        (secret: string) => ({ ANNAL_KAFKA_PASSWORD: secret, ANNAL_KAFKA_SASL: 'oauthbearer' }),
        (secret: string) => ({ ANNAL_KAFKA_CONNECTION_STRING: secret }),
        (secret: string) => ({ ANNAL_KAFKA_PASSWORD_FILE: secret }),
        (secret: string) => ({ ANNAL_KAFKA_CONNECTION_STRING_FILE: secret }),
        (secret: string) => ({
          ANNAL_KAFKA_CONNECTION_STRING: `Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=${secret}`,
        }),
        (secret: string) => ({ ANNAL_ELASTICSEARCH_API_KEY: `${secret}\n` }),
        (secret: string) => ({ ANNAL_ELASTICSEARCH_PASSWORD: secret }),
        (secret: string) => ({ ANNAL_SCHEMA_REGISTRY_PASSWORD: secret }),
      ),
      (secret, into) => {
        const env = into(secret);
        const told = [...faultsOf(env)].flat().join(' ') + JSON.stringify(explainConfig(env));
        expect(told).not.toContain(secret);
      },
    ),
  );
});

test('explains every setting with its source, also where one is wrong', () => {
  const told = explainConfig(
    { ANNAL_PORT: '81', ANNAL_DATA: '/from/env', ANNAL_PARTITIONS: 'many' },
    { data: '/from/flag' },
  );
  const line = (variable: string) => told.settings.find((setting) => setting.variable === variable);
  expect(told.settings).toHaveLength(Object.keys(settings).length);
  expect(line('ANNAL_DATA')).toMatchObject({ value: '/from/flag', source: 'flag', fault: undefined });
  expect(line('ANNAL_PORT')).toMatchObject({ value: '81', source: 'environment' });
  expect(line('ANNAL_BIND')).toMatchObject({ value: '127.0.0.1', source: 'default' });
  expect(line('ANNAL_ELASTICSEARCH_URL')).toMatchObject({ value: null, source: 'default' });
  expect(line('ANNAL_PARTITIONS')?.fault).toContain('whole number');
  expect(told.faults).toHaveLength(1);
});

test('a port that somebody asked for is firm', () => {
  expect(readConfig({ ANNAL_PORT: '8080' }).http.portFirm).toBe(true);
  expect(readConfig({}, { port: '8080' }).http.portFirm).toBe(true);
});
