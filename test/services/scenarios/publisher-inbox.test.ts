import { afterAll, beforeAll, expect, test } from 'vitest';
import { kafkaEndpoint } from '../../../src/client/endpoint.ts';
import { inboxTransport } from '../../../src/client/inbox.ts';
import { openPublisher } from '../../../src/client/publisher.ts';
import { type PublisherWorld, publisherContract } from '../../contracts/publisher.contract.ts';
import { loggedAt } from '../../given/logged.ts';
import { pluginProcess, publishedIn } from '../../given/plugin-process.ts';
import { type AnnalProcess, annal, startAnnal } from './annal-process.ts';
import { asAdmin, type OwnProfile, ownProfile } from './own-profile.ts';

const inboxMs = 60_000;
const heartbeat = 'urn:li:dataset:(urn:li:dataPlatform:example,example.heartbeat,PROD)';
let profile: OwnProfile;
let stack: AsyncDisposableStack;
let api: AnnalProcess;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  profile = stack.use(await ownProfile({ ANNAL_INBOX: 'on' }));
  const init = await annal(['init', '--partitions', '2'], profile.env);
  if (init.code !== 0) throw new Error(init.stderr);
  stack.use(await startAnnal(['run', 'projector'], profile.env));
  stack.use(await startAnnal(['run', 'archiver'], profile.env));
  api = stack.use(await startAnnal(['run', 'api'], profile.env));
});
afterAll(() => stack.disposeAsync());

const inboxOf = () =>
  inboxTransport({
    endpoint: kafkaEndpoint(profile.servers.kafkaBrokers.join(',')),
    topic: `${profile.name}.inbox`,
    registry: { url: profile.servers.schemaRegistryUrl },
  });

publisherContract(
  'the inbox',
  (): PublisherWorld => ({
    transport: () => inboxOf(),
    logged: (urns, enough) => loggedAt(api.address, urns, enough, inboxMs),
  }),
);

const change = (name: string) => ({
  urn: `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`,
  aspect: 'datasetProperties',
  value: { name },
});

test('the place that is told is where the record stands', async () => {
  await using publisher = openPublisher({ transport: inboxOf() });
  const ends = (): Promise<{ partition: number; offset: string }[]> =>
    asAdmin(profile.servers, (admin) => admin.fetchTopicOffsets(`${profile.name}.inbox`));
  const before = await ends();
  const answers = await Promise.all(Array.from({ length: 9 }, (_, n) => publisher.publish(change(`p${n}`))));
  const after = await ends();
  const expected = before.flatMap(({ partition, offset }) => {
    const end = Number(after.find((one) => one.partition === partition)!.offset);
    return Array.from({ length: end - Number(offset) }, (_, n) => `${partition}-${Number(offset) + n}`);
  });
  expect(answers.map(({ place }) => place.position).sort()).toEqual(expected.sort());
});

test('a registry, a topic or a broker that is away is told, and waited for', async () => {
  const { schemaRegistryUrl: url, kafkaBrokers } = profile.servers;
  const [here, topic, nowhere] = [kafkaBrokers.join(','), `${profile.name}.inbox`, '127.0.0.1:9'];
  const cases = [
    ['REGISTRY_UNAVAILABLE', here, topic, `http://${nowhere}`],
    ['LOG_UNAVAILABLE', here, `${profile.name}.nowhere`, url],
    ['LOG_UNAVAILABLE', nowhere, topic, url],
  ] as const;
  for (const [code, brokers, to, registryUrl] of cases) {
    const endpoint = kafkaEndpoint(brokers);
    const transport = inboxTransport({ endpoint, topic: to, registry: { url: registryUrl } });
    await using publisher = openPublisher({ transport, patienceMs: 0 });
    await expect(publisher.publish(change('x'))).rejects.toMatchObject({ code, remedy: 'retry' });
  }
});

test('plugins/example publishes to the inbox, and tells where each change stands there', async () => {
  await using plugin = pluginProcess('example', {
    CONNECTION_STRING: profile.servers.kafkaBrokers.join(','),
    EVENTHUB: `${profile.name}.inbox`,
    SCHEMA_REGISTRY_URL: profile.servers.schemaRegistryUrl,
  });
  await expect.poll(() => publishedIn(plugin.stdout()).length).toBeGreaterThanOrEqual(2);
  expect(await plugin.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const told = publishedIn(plugin.stdout());
  for (const { urn, place } of told) {
    expect(urn).toBe(heartbeat);
    expect(place).toMatch(/^inbox:[01]-\d+$/);
  }
  const events = await loggedAt(api.address, [heartbeat], ({ length }) => length === told.length, inboxMs);
  expect(events.map(({ outcome }) => outcome)).toEqual(told.map(() => 'applied'));
  expect(plugin.stderr()).toBe('');
});
