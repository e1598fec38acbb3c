export type ServerKind = 'kafka' | 'elasticsearch' | 'registry' | 'azurite';

/** The variable that gives a server by address: set by `npm run test:services`, or by whoever has servers of their own. */
export const addressVariables: Readonly<Record<ServerKind, string>> = {
  kafka: 'ANNAL_TEST_KAFKA_BROKERS',
  elasticsearch: 'ANNAL_TEST_ELASTICSEARCH_URL',
  registry: 'ANNAL_TEST_SCHEMA_REGISTRY_URL',
  azurite: 'ANNAL_TEST_BLOB_CONNECTION_STRING',
};

/** The broker once more, as Event Hubs would be it: set by `npm run test:services` unless told otherwise. */
export const eventHubVariable = 'ANNAL_TEST_EVENT_HUB';

/** Where the real servers of this test run are. They are shared: use unique names, stop and kill only servers of your own. */
export interface Addresses {
  /** `host:port`, at least one. */
  readonly kafkaBrokers: string[];
  readonly elasticsearchUrl: string;
  /** Root of a Confluent-compatible API, no slash at the end. */
  readonly schemaRegistryUrl: string;
  readonly blobConnectionString: string;
}

/** Reads the four variables. Fails naming all that are unset, and how to set them. */
export function addresses(env: NodeJS.ProcessEnv = process.env): Addresses {
  const missing = Object.values(addressVariables).filter((name) => !env[name]);
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(', ')} not set. Run these tests with \`npm run test:services\`, which starts the servers ` +
        '(arguments after `--` go to vitest), or set the variables to servers of your own.',
    );
  }
  return {
    kafkaBrokers: env[addressVariables.kafka]!.split(',').map((broker) => broker.trim()),
    elasticsearchUrl: env[addressVariables.elasticsearch]!.replace(/\/+$/, ''),
    schemaRegistryUrl: env[addressVariables.registry]!.replace(/\/+$/, ''),
    blobConnectionString: env[addressVariables.azurite]!,
  };
}
