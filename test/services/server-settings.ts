/**
 * Broker properties of every Kafka here, whatever runs it: topics exist only when made, one broker holds everything,
 * and a record batch may have Kafka's own default of 1 MiB and its overhead. LogAppendTime is set per topic by who makes it.
 */
export const brokerSettings: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'num.partitions': '4',
  'message.max.bytes': '1048588',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
  'num.network.threads': '2',
  'num.io.threads': '4',
};

/** Settings of every Elasticsearch node here. */
export const elasticsearchSettings: Readonly<Record<string, string>> = {
  'cluster.name': 'annal-test',
  'discovery.type': 'single-node',
  // A nearly full disk would make every index read-only in the middle of a test.
  'cluster.routing.allocation.disk.threshold_enabled': 'false',
};

/** `name=value` lines; no value here needs escaping. */
export const formatProperties = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** The development account that Azurite knows without being told; its key is public by definition. */
export const devAccount = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
} as const;

export const blobConnectionString = (host: string, port: number): string =>
  `DefaultEndpointsProtocol=http;AccountName=${devAccount.name};AccountKey=${devAccount.key};` +
  `BlobEndpoint=http://${host}:${port}/${devAccount.name};`;
