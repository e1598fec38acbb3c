import { isIP } from 'node:net';
import { azureRegistry, elasticsearchAccess, kafkaAccess, registryAccess } from './access-settings.ts';
import { catalogSources } from './catalog-config.ts';
import {
  bytes,
  connectionString,
  file,
  list,
  logName,
  matching,
  oneOf,
  refine,
  setting,
  sourceName,
  topic,
  url,
  whole,
} from './setting-texts.ts';

/** Everything that can be configured, in the order in which it is explained. */
export const settings = {
  data: setting({
    variable: 'ANNAL_DATA',
    flag: '--data',
    about: 'data folder; of one process at a time',
    fallback: './.annal',
    parse: file,
  }),
  port: setting({
    variable: 'ANNAL_PORT',
    flag: '--port',
    about: 'port of the page and the API; 0 = any free one',
    fallback: '8080',
    parse: whole(0, 65_535),
  }),
  bind: setting({
    variable: 'ANNAL_BIND',
    about: 'address to listen on; all but loopback need ANNAL_TOKENS_FILE',
    fallback: '127.0.0.1',
    parse: refine((text) => (text === 'localhost' || isIP(text) !== 0 ? text : undefined), 'an IP address'),
  }),
  tokensFile: setting({
    variable: 'ANNAL_TOKENS_FILE',
    about: 'file of callers and their grants',
    parse: file,
  }),
  topic: setting({
    variable: 'ANNAL_TOPIC',
    about: 'name of the log; its topics are <name>.e1, <name>.e2 …',
    fallback: 'annal',
    parse: logName,
  }),
  partitions: setting({
    variable: 'ANNAL_PARTITIONS',
    flag: '--partitions',
    about: 'partitions of an epoch that is opened; epochs that are there keep theirs',
    fallback: '4',
    parse: whole(1, 512),
  }),
  kafkaBrokers: setting({
    variable: 'ANNAL_KAFKA_BROKERS',
    about: 'the log is on these Kafka brokers instead of in the data folder',
    parse: list(/^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:]{2,45}\]):[0-9]{1,5}$/, 'host:port'),
  }),
  kafkaRetentionHours: setting({
    variable: 'ANNAL_KAFKA_RETENTION_HOURS',
    about: 'how long topics made here keep records; the archive keeps them for ever',
    fallback: '168',
    parse: whole(1, 876_000),
  }),
  kafkaSessionSeconds: setting({
    variable: 'ANNAL_KAFKA_SESSION_SECONDS',
    about: 'how long a process that died keeps its partitions from the others',
    fallback: '30',
    parse: whole(6, 300),
  }),
  ...kafkaAccess,
  registryUrl: setting({
    variable: 'ANNAL_SCHEMA_REGISTRY_URL',
    about: 'schemas are in this Confluent-compatible registry instead of beside the archive',
    parse: url,
  }),
  ...registryAccess,
  ...azureRegistry,
  blobConnectionString: setting({
    variable: 'ANNAL_BLOB_CONNECTION_STRING',
    about: 'the archive is in this Azure storage account instead of in the data folder',
    secret: true,
    parse: connectionString,
  }),
  blobAccountUrl: setting({
    variable: 'ANNAL_BLOB_ACCOUNT_URL',
    about: 'the same, with the identity that Azure gives this process',
    parse: url,
  }),
  blobPrefix: setting({
    variable: 'ANNAL_BLOB_PREFIX',
    about: 'the containers are <prefix>-archive and <prefix>-state',
    fallback: 'annal',
    parse: matching(
      /^(?=.{1,55}$)[a-z0-9]+(?:-[a-z0-9]+)*$/,
      'lower-case letters, digits and single dashes, at most 55',
    ),
  }),
  elasticsearchUrl: setting({
    variable: 'ANNAL_ELASTICSEARCH_URL',
    about: 'read models are in this Elasticsearch instead of in the data folder',
    parse: url,
  }),
  elasticsearchPrefix: setting({
    variable: 'ANNAL_ELASTICSEARCH_PREFIX',
    about: 'every index and alias begins with it',
    fallback: 'annal',
    parse: matching(/^[a-z][a-z0-9-]{0,39}$/, 'a-z, 0-9 and -, at most 40, a letter first'),
  }),
  ...elasticsearchAccess,
  schemasDir: setting({
    variable: 'ANNAL_SCHEMAS_DIR',
    about: 'folder of own aspects and entity types',
    parse: file,
  }),
  namespaceRules: setting({
    variable: 'ANNAL_NAMESPACE_RULES',
    about: 'file of rules that give a URN its namespace',
    parse: file,
  }),
  signingKey: setting({
    variable: 'ANNAL_SIGNING_KEY_FILE',
    about: 'file of the key that signs checkpoints; unset: the one of the data folder',
    parse: file,
  }),
  datahubTopic: setting({
    variable: 'ANNAL_DATAHUB_TOPIC',
    about: 'take in proposals of DataHub from this topic; on = MetadataChangeProposal_v1',
    fallback: 'off',
    parse: refine((text) => (topic.test(text) ? text : undefined), 'on, off or the name of a topic'),
  }),
  datahubSnapshotsTopic: setting({
    variable: 'ANNAL_DATAHUB_SNAPSHOTS_TOPIC',
    about: 'take in snapshots of DataHub from this topic; on = MetadataChangeEvent_v4',
    fallback: 'off',
    parse: refine((text) => (topic.test(text) ? text : undefined), 'on, off or the name of a topic'),
  }),
  datahubAspects: setting({
    variable: 'ANNAL_DATAHUB_ASPECTS',
    about: 'aspects without a schema here that are taken from DataHub as they are; * = all',
    parse: list(/^(?:\*|[A-Za-z][A-Za-z0-9_]{0,127})$/, 'names of aspects'),
  }),
  datahubSource: setting({
    variable: 'ANNAL_DATAHUB_SOURCE',
    about: 'its name in ids and progress; a new one when that topic was made again',
    fallback: 'datahub',
    parse: sourceName,
  }),
  inbox: setting({
    variable: 'ANNAL_INBOX',
    about: 'take in events from the topic <name>.inbox',
    fallback: 'off',
    parse: oneOf('on', 'off'),
  }),
  inboxSource: setting({
    variable: 'ANNAL_INBOX_SOURCE',
    about: 'its name in ids and progress; a new one when that topic was made again',
    fallback: 'inbox',
    parse: sourceName,
  }),
  catalog: setting({
    variable: 'ANNAL_CATALOG',
    about: 'kept scanned: name=folder or name=azure:container/prefix, with commas between them',
    parse: refine(catalogSources, 'name=folder or name=azure:container/prefix, no name twice'),
  }),
  catalogSeconds: setting({
    variable: 'ANNAL_CATALOG_SECONDS',
    about:
      'how long after a scan of a place ended the next one begins where nothing was told to have changed',
    fallback: '300',
    parse: whole(1, 86_400),
  }),
  flushSeconds: setting({
    variable: 'ANNAL_ARCHIVE_FLUSH_SECONDS',
    about: 'an event waits at most this long for the archive',
    fallback: '10',
    parse: whole(1, 3_600),
  }),
  flushBytes: setting({
    variable: 'ANNAL_ARCHIVE_FLUSH_BYTES',
    about: 'this much is archived without waiting',
    fallback: '4MiB',
    parse: bytes(1_024, 64 * 2 ** 20),
  }),
  sealBytes: setting({
    variable: 'ANNAL_ARCHIVE_SEAL_BYTES',
    about: 'a tail of this size becomes a segment',
    fallback: '64MiB',
    parse: bytes(1_024, 2 ** 30),
  }),
  sealHours: setting({
    variable: 'ANNAL_ARCHIVE_SEAL_HOURS',
    about: 'a tail of this age becomes a segment',
    fallback: '24',
    parse: whole(1, 8_760),
  }),
  laneStallSeconds: setting({
    variable: 'ANNAL_LANE_STALL_SECONDS',
    about: 'a lane that gets nothing for so long though the log has more is read again over a new connection',
    fallback: '60',
    parse: whole(1, 3_600),
  }),
  driftRate: setting({
    variable: 'ANNAL_DRIFT_DOCUMENTS_PER_SECOND',
    about: 'read models are compared with the archive in the background at this pace; 0 = never',
    fallback: '1000',
    parse: whole(0, 1_000_000),
  }),
  driftHours: setting({
    variable: 'ANNAL_DRIFT_HOURS',
    about: 'how long after a comparison of a read model began the next one does',
    fallback: '24',
    parse: whole(1, 8_760),
  }),
  graceSeconds: setting({
    variable: 'ANNAL_GRACE_SECONDS',
    about: 'what is not drained so long after SIGTERM is left, to be done again from what is durable',
    fallback: '25',
    parse: whole(1, 3_600),
  }),
  logLevel: setting({
    variable: 'ANNAL_LOG_LEVEL',
    about: 'least level of what is written to stderr as JSON lines',
    fallback: 'warn',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  }),
} as const;

export type SettingName = keyof typeof settings;

/** Variables that this program reads elsewhere, or that its own tests do: no configuration of a running Annal. */
export const otherVariables: readonly RegExp[] = [/^ANNAL_(?:URL|TOKEN)$/, /^ANNAL_TEST_/];
