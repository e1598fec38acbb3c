import {
  caFile,
  fileOf,
  hubConnectionString,
  isHubConnectionString,
  matching,
  oneOf,
  secretFile,
  secretText,
  setting,
  url,
  userName,
} from './setting-texts.ts';

/** How this process shows who it is to the brokers, and how it knows them. */
export const kafkaAccess = {
  kafkaTls: setting({
    variable: 'ANNAL_KAFKA_TLS',
    about:
      'TLS to the brokers, on or off; unset: on with a CA file, a connection string or tokens of Azure, else off',
    parse: oneOf('on', 'off'),
  }),
  kafkaCaFile: setting({
    variable: 'ANNAL_KAFKA_CA_FILE',
    about: 'certificates (PEM) that vouch for the brokers, in the place of the usual ones',
    parse: caFile,
  }),
  kafkaConnectionString: setting({
    variable: 'ANNAL_KAFKA_CONNECTION_STRING',
    about: 'the connection string of an Event Hubs namespace: SASL PLAIN as $ConnectionString',
    secret: true,
    parse: hubConnectionString,
  }),
  kafkaConnectionStringFile: setting({
    variable: 'ANNAL_KAFKA_CONNECTION_STRING_FILE',
    about: 'a file that holds it, read again for each connection',
    secret: 'if wrong',
    parse: fileOf(isHubConnectionString, 'a connection string of Event Hubs'),
  }),
  kafkaSasl: setting({
    variable: 'ANNAL_KAFKA_SASL',
    about: 'mechanism: plain, scram-sha-256, scram-sha-512, oauthbearer',
    parse: oneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'),
  }),
  kafkaUsername: setting({
    variable: 'ANNAL_KAFKA_USERNAME',
    about: 'for plain and scram',
    parse: userName,
  }),
  kafkaPassword: setting({
    variable: 'ANNAL_KAFKA_PASSWORD',
    about: 'for plain and scram',
    secret: true,
    parse: secretText,
  }),
  kafkaPasswordFile: setting({
    variable: 'ANNAL_KAFKA_PASSWORD_FILE',
    about: 'a file that holds it, read again for each connection',
    secret: 'if wrong',
    parse: secretFile,
  }),
  kafkaTokenFile: setting({
    variable: 'ANNAL_KAFKA_TOKEN_FILE',
    about:
      'for oauthbearer: a file that somebody keeps a valid token in; without it Azure is asked for tokens',
    secret: 'if wrong',
    parse: secretFile,
  }),
  kafkaTokenScope: setting({
    variable: 'ANNAL_KAFKA_TOKEN_SCOPE',
    about:
      'for tokens of Azure; unset: https://<host of the first broker>/.default, as Event Hubs asks for it',
    parse: matching(/^[!-~]{1,512}$/, 'one word'),
  }),
} as const;

/** How it shows who it is to the schema registry. */
export const registryAccess = {
  registryUsername: setting({
    variable: 'ANNAL_SCHEMA_REGISTRY_USERNAME',
    about: 'for basic authentication',
    parse: userName,
  }),
  registryPassword: setting({
    variable: 'ANNAL_SCHEMA_REGISTRY_PASSWORD',
    about: 'for basic authentication',
    secret: true,
    parse: secretText,
  }),
  registryPasswordFile: setting({
    variable: 'ANNAL_SCHEMA_REGISTRY_PASSWORD_FILE',
    about: 'a file that holds it',
    secret: 'if wrong',
    parse: secretFile,
  }),
  registryCaFile: setting({
    variable: 'ANNAL_SCHEMA_REGISTRY_CA_FILE',
    about: 'certificates (PEM) that vouch for the registry, in the place of the usual ones',
    parse: caFile,
  }),
} as const;

/** A group of Azure Schema Registry; tokens are those of the identity that Azure gives this process. */
export const azureRegistry = {
  azureRegistryUrl: setting({
    variable: 'ANNAL_AZURE_SCHEMA_REGISTRY_URL',
    about: 'schemas are in this namespace of Event Hubs: https://<namespace>.servicebus.windows.net',
    parse: url,
  }),
  azureRegistryGroup: setting({
    variable: 'ANNAL_AZURE_SCHEMA_REGISTRY_GROUP',
    about: 'its schema group, for Avro',
    parse: matching(/^[A-Za-z0-9][^\\/$:\0]{0,49}$/, 'a name of 1 to 50 characters without \\ / $ :'),
  }),
} as const;

/** How it shows who it is to Elasticsearch. */
export const elasticsearchAccess = {
  elasticsearchApiKey: setting({
    variable: 'ANNAL_ELASTICSEARCH_API_KEY',
    about: 'an API key as Elasticsearch encodes it',
    secret: true,
    parse: secretText,
  }),
  elasticsearchApiKeyFile: setting({
    variable: 'ANNAL_ELASTICSEARCH_API_KEY_FILE',
    about: 'a file that holds it',
    secret: 'if wrong',
    parse: secretFile,
  }),
  elasticsearchUsername: setting({
    variable: 'ANNAL_ELASTICSEARCH_USERNAME',
    about: 'for basic authentication',
    parse: userName,
  }),
  elasticsearchPassword: setting({
    variable: 'ANNAL_ELASTICSEARCH_PASSWORD',
    about: 'for basic authentication',
    secret: true,
    parse: secretText,
  }),
  elasticsearchPasswordFile: setting({
    variable: 'ANNAL_ELASTICSEARCH_PASSWORD_FILE',
    about: 'a file that holds it',
    secret: 'if wrong',
    parse: secretFile,
  }),
  elasticsearchCaFile: setting({
    variable: 'ANNAL_ELASTICSEARCH_CA_FILE',
    about: 'certificates (PEM) that vouch for Elasticsearch, in the place of the usual ones',
    parse: caFile,
  }),
} as const;
