import type { HttpAccess, KafkaAccess, Secret } from '../composition/settings.ts';
import type { AnnalConfig, ConfigFault, IsSet, Values } from './config.ts';
import { type SettingName, settings } from './settings.ts';

const variableOf = (name: SettingName): string => settings[name].variable;

/** `value` and `file` say the same thing. */
const secretOf = (value: string | undefined, file: string | undefined): Secret | undefined =>
  file !== undefined ? { file } : value !== undefined ? { value } : undefined;

/** How the brokers are reached. Call it with values that have no faults. */
export function kafkaAccessOf(values: Values): KafkaAccess {
  const { kafkaSasl, kafkaUsername = '', kafkaTokenFile, kafkaTokenScope, kafkaBrokers = [] } = values;
  const hub = secretOf(values.kafkaConnectionString, values.kafkaConnectionStringFile);
  const password = secretOf(values.kafkaPassword, values.kafkaPasswordFile);
  const isAzure = kafkaSasl === 'oauthbearer' && kafkaTokenFile === undefined;
  const hasTls = values.kafkaTls ?? (hub || isAzure || values.kafkaCaFile !== undefined ? 'on' : 'off');
  const tls = hasTls === 'on' ? { caFile: values.kafkaCaFile } : undefined;
  if (hub !== undefined)
    return { tls, sasl: { mechanism: 'plain', username: '$ConnectionString', password: hub } };
  if (kafkaSasl === 'oauthbearer') {
    const host = kafkaBrokers[0]?.replace(/:[0-9]+$/, '') ?? '';
    const scope = kafkaTokenScope ?? `https://${host}/.default`;
    return {
      tls,
      sasl: {
        mechanism: 'oauthbearer',
        tokens:
          kafkaTokenFile === undefined ? { from: 'azure', scope } : { from: 'file', file: kafkaTokenFile },
      },
    };
  }
  if (kafkaSasl === undefined || password === undefined) return { tls, sasl: undefined };
  return { tls, sasl: { mechanism: kafkaSasl, username: kafkaUsername, password } };
}

const registryAccessOf = (values: Values): HttpAccess => ({
  caFile: values.registryCaFile,
  login: loginOf(values.registryUsername, secretOf(values.registryPassword, values.registryPasswordFile)),
});

/** Which schema registry, and how it is reached. */
export function registryOf(values: Values): AnnalConfig['registry'] {
  const { registryUrl, azureRegistryUrl, azureRegistryGroup } = values;
  if (registryUrl !== undefined)
    return { kind: 'confluent', url: registryUrl, access: registryAccessOf(values) };
  return azureRegistryUrl === undefined || azureRegistryGroup === undefined
    ? { kind: 'embedded' }
    : { kind: 'azure', url: azureRegistryUrl, group: azureRegistryGroup };
}

/** How Elasticsearch is reached. */
export function elasticsearchAccessOf(values: Values): HttpAccess {
  const apiKey = secretOf(values.elasticsearchApiKey, values.elasticsearchApiKeyFile);
  const password = secretOf(values.elasticsearchPassword, values.elasticsearchPasswordFile);
  const login = apiKey === undefined ? loginOf(values.elasticsearchUsername, password) : { apiKey };
  return { caFile: values.elasticsearchCaFile, login };
}

const loginOf = (username: string | undefined, password: Secret | undefined): HttpAccess['login'] =>
  username === undefined || password === undefined ? undefined : { username, password };

type Refuse = (name: SettingName, what: string) => void;

/** What contradicts itself, or is missing, in what says who this process is. Wrong is not missing. */
export function accessFaults(values: Values, set: IsSet): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const refuse: Refuse = (name, what) => void faults.push({ at: variableOf(name), what });
  const onceOnly = (name: SettingName, other: SettingName): void => {
    if (set(name) && set(other)) refuse(name, `and ${variableOf(other)} are both set; one of them says it`);
  };
  const together = (username: SettingName, password: SettingName, file: SettingName): void => {
    if (set(username) && !set(password, file)) refuse(password, `is missing beside ${variableOf(username)}`);
    if (!set(username) && set(password, file))
      refuse(username, `is missing beside ${variableOf(set(password) ? password : file)}`);
  };
  const withoutEffect = (missing: string, ...names: readonly SettingName[]): void => {
    for (const name of names) if (set(name)) refuse(name, `has no effect without ${missing}`);
  };
  onceOnly('kafkaConnectionStringFile', 'kafkaConnectionString');
  onceOnly('kafkaPasswordFile', 'kafkaPassword');
  onceOnly('registryPasswordFile', 'registryPassword');
  onceOnly('elasticsearchPasswordFile', 'elasticsearchPassword');
  onceOnly('elasticsearchApiKeyFile', 'elasticsearchApiKey');
  together('registryUsername', 'registryPassword', 'registryPasswordFile');
  together('elasticsearchUsername', 'elasticsearchPassword', 'elasticsearchPasswordFile');
  for (const name of ['elasticsearchUsername', 'elasticsearchPassword', 'elasticsearchPasswordFile'] as const)
    if (set('elasticsearchApiKey', 'elasticsearchApiKeyFile') && set(name))
      refuse(name, 'and an API key are both set; one of them says who');
  if (!set('registryUrl')) withoutEffect('ANNAL_SCHEMA_REGISTRY_URL', ...registryNames);
  if (!set('elasticsearchUrl')) withoutEffect('ANNAL_ELASTICSEARCH_URL', ...elasticsearchNames);
  if (set('registryUrl') && set('azureRegistryUrl'))
    refuse('azureRegistryUrl', 'and ANNAL_SCHEMA_REGISTRY_URL are both set; one of them says where');
  if (set('azureRegistryUrl') && !set('azureRegistryGroup'))
    refuse('azureRegistryGroup', 'is missing beside ANNAL_AZURE_SCHEMA_REGISTRY_URL');
  if (!set('azureRegistryUrl')) withoutEffect('ANNAL_AZURE_SCHEMA_REGISTRY_URL', 'azureRegistryGroup');
  if (values.azureRegistryUrl?.startsWith('http:'))
    refuse('azureRegistryUrl', 'has to begin with https://: tokens are sent to it');
  for (const [url, ca] of [
    ['registryUrl', 'registryCaFile'],
    ['elasticsearchUrl', 'elasticsearchCaFile'],
  ] as const)
    if (values[url]?.startsWith('http:') && set(ca))
      refuse(ca, `needs ${variableOf(url)} to begin with https://`);
  if (set('kafkaBrokers')) kafkaFaults(values, set, refuse, withoutEffect, together);
  else withoutEffect('ANNAL_KAFKA_BROKERS', 'kafkaTls', 'kafkaCaFile', ...hubNames, ...kafkaLoginNames);
  return faults;
}

const registryNames = [
  'registryUsername',
  'registryPassword',
  'registryPasswordFile',
  'registryCaFile',
] as const;
const elasticsearchNames = [
  'elasticsearchApiKey',
  'elasticsearchApiKeyFile',
  'elasticsearchUsername',
  'elasticsearchPassword',
  'elasticsearchPasswordFile',
  'elasticsearchCaFile',
] as const;
const hubNames = ['kafkaConnectionString', 'kafkaConnectionStringFile'] as const;
const passwordNames = ['kafkaUsername', 'kafkaPassword', 'kafkaPasswordFile'] as const;
const tokenNames = ['kafkaTokenFile', 'kafkaTokenScope'] as const;
const kafkaLoginNames = ['kafkaSasl', ...passwordNames, ...tokenNames] as const;

function kafkaFaults(
  values: Values,
  set: IsSet,
  refuse: Refuse,
  withoutEffect: (missing: string, ...names: readonly SettingName[]) => void,
  together: (username: SettingName, password: SettingName, file: SettingName) => void,
): void {
  const { kafkaSasl: sasl, kafkaTls } = values;
  if (kafkaTls === 'off' && set('kafkaCaFile')) refuse('kafkaTls', 'is off, and ANNAL_KAFKA_CA_FILE is set');
  const isOpen =
    kafkaTls === 'off' && (set(...hubNames) || (sasl === 'oauthbearer' && !set('kafkaTokenFile')));
  if (isOpen) refuse('kafkaTls', 'is off, and what opens all of Azure’s namespace would travel in clear');
  if (set(...hubNames)) {
    for (const name of kafkaLoginNames)
      if (set(name) && !(name === 'kafkaSasl' && sasl === 'plain'))
        refuse(name, 'and a connection string are both set; one of them says who');
    return;
  }
  if (sasl !== 'oauthbearer') withoutEffect('ANNAL_KAFKA_SASL=oauthbearer', ...tokenNames);
  else if (set('kafkaTokenFile') && set('kafkaTokenScope'))
    refuse('kafkaTokenScope', 'has no effect beside ANNAL_KAFKA_TOKEN_FILE');
  if (sasl === 'oauthbearer') withoutEffect('ANNAL_KAFKA_SASL=plain or scram', ...passwordNames);
  else if (!set('kafkaSasl')) withoutEffect('ANNAL_KAFKA_SASL', ...passwordNames);
  else if (sasl !== undefined && !set(...passwordNames))
    refuse('kafkaUsername', `is missing, and ANNAL_KAFKA_PASSWORD: ${sasl} needs them`);
  else together(...passwordNames);
}
