import { Kafka, logLevel } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { kafkaLogHost } from '../../../src/adapters/kafka/log-host.ts';
import { fetchExchange, produceExchange } from '../../../src/adapters/kafka/protocol.ts';
import { brokers, kafkaSettings, newTopic, valued } from '../adapters/kafka/given.ts';
import { type Asking, asking } from './asking.ts';
import { eventHubs, eventHubsVersions, type Manners, noManners } from './manners.ts';
import { type EventHubsProxy, eventHubsProxy } from './proxy.ts';
import { api, array, Fields, int32, text } from './wire.ts';

/** A proxy with one manner alone, and a connection over it. */
async function mannered(manner: Partial<Manners>): Promise<{ proxy: EventHubsProxy; client: Asking }> {
  const proxy = await eventHubsProxy(brokers()[0]!, { ...noManners, ...manner });
  const client = await asking(proxy.address);
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
  return { proxy, client };
}

async function topicOf(records: number): Promise<string> {
  await using host = kafkaLogHost(kafkaSettings());
  const topic = newTopic(1);
  await host.create(topic);
  await using log = await host.open(topic);
  for (let i = 0; i < records; i++) await log.append(0, [valued(`value ${i}`)]);
  return topic.topic;
}

const answered = (answer: Buffer | 'closed'): Fields => {
  if (answer === 'closed') throw new Error('the connection was closed');
  return new Fields(answer);
};

const fetched = async (client: Asking, topic: string) => {
  const { body, read } = fetchExchange(topic, 0, 0, { waitMs: 100, bytesMax: 1_000_000 });
  const answer = await client.ask(api.fetch, 4, body);
  if (answer === 'closed') throw new Error('the connection was closed');
  return read(answer);
};

const unsized = produceExchange('t', 0, [valued('')], { waitMs: 1_000, now: 0 }).body.length;

/** A Produce request for a missing topic whose frame has this length. */
const produceOf = (bytes: number): Buffer => {
  const head = 8 + text('asking').length;
  // A value of this size has a length of three bytes where an empty one has one; so has its record.
  const value = 'x'.repeat(bytes - head - unsized - 2 - 2);
  const { body } = produceExchange('t', 0, [valued(value)], { waitMs: 1_000, now: 0 });
  expect(head + body.length).toBe(bytes);
  return body;
};

test('requests: one of 1,046,528 bytes is answered, a larger one closes the connection', async () => {
  const { proxy, client } = await mannered({ requestBytesMax: eventHubs.requestBytesMax });
  expect(await client.ask(api.produce, 3, produceOf(1_046_528))).not.toBe('closed');
  expect(await client.ask(api.produce, 3, produceOf(1_046_529))).toBe('closed');
  expect(proxy.seen.map(({ bytes, fate }) => [bytes, fate])).toEqual([
    [1_046_528, 'sent on'],
    [1_046_529, 'closed'],
  ]);
});

test('metadata: a request that names no topic closes the connection; switched off, it is answered', async () => {
  const { proxy, client } = await mannered({});
  const topic = await topicOf(0);
  const [named, all, none] = [array([text(topic)]), int32(-1), int32(0)];
  for (const body of [named, all, none]) expect(await client.ask(api.metadata, 1, body)).not.toBe('closed');
  proxy.manners.emptyMetadata = 'closed';
  expect(await client.ask(api.metadata, 1, named)).not.toBe('closed');
  expect(await client.ask(api.metadata, 1, none)).toBe('closed');
  await using other = await asking(proxy.address);
  expect(await other.ask(api.metadata, 1, all)).toBe('closed');
});

const told = (answer: Buffer | 'closed'): Map<number, readonly [number, number]> => {
  const fields = answered(answer);
  expect(fields.int16()).toBe(0);
  const rows = fields.array(() => [fields.int16(), [fields.int16(), fields.int16()] as const] as const);
  return new Map(rows);
};

test('versions: only its own are told, and any other closes the connection; switched off, the broker tells more', async () => {
  const { proxy, client } = await mannered({});
  const plain = told(await client.ask(api.apiVersions, 0, Buffer.alloc(0)));
  expect(plain.get(api.fetch)![1]).toBeGreaterThan(6);
  expect(plain.has(api.createTopics)).toBe(true);
  proxy.manners.versions = eventHubsVersions;
  const capped = told(await client.ask(api.apiVersions, 0, Buffer.alloc(0)));
  expect([capped.get(api.produce), capped.get(api.fetch)]).toEqual([
    [3, 7],
    [4, 6],
  ]);
  for (const [key, [least, greatest]] of capped) {
    expect(greatest, `${key}`).toBeLessThanOrEqual(eventHubsVersions.get(key)![1]);
    expect(least, `${key}`).toBeGreaterThanOrEqual(eventHubsVersions.get(key)![0]);
  }
  const newer = answered(await client.ask(api.apiVersions, 3, Buffer.alloc(8)));
  expect([newer.int16(), newer.array(() => [newer.int16(), newer.int16(), newer.int16()])]).toEqual([
    35,
    [[18, 0, 2]],
  ]);
  expect(await client.ask(api.apiVersions, 4, Buffer.alloc(8))).toBe('closed');
  await using other = await asking(proxy.address);
  expect(await other.ask(api.fetch, 11, Buffer.alloc(8))).toBe('closed');
});

test('idle connections: closed, or forgotten so that what is sent goes nowhere; one that is used lives on', async () => {
  const { proxy } = await mannered({ idle: { afterMs: 300, fate: 'closed' } });
  const topic = await topicOf(0);
  await using client = await asking(proxy.address);
  const began = performance.now();
  while (performance.now() - began < 900) {
    // Awaiting an answer is no idleness: each waits for longer than an idle connection lives.
    const { body } = fetchExchange(topic, 0, 0, { waitMs: 350, bytesMax: 1_000 });
    expect(await client.ask(api.fetch, 4, body)).not.toBe('closed');
  }
  const before = proxy.idled;
  await expect.poll(() => proxy.idled).toBe(before + 1);
  expect(await client.ask(api.apiVersions, 0, Buffer.alloc(0))).toBe('closed');

  proxy.manners.idle = { afterMs: 300, fate: 'forgotten' };
  await using other = await asking(proxy.address);
  await expect.poll(() => proxy.idled).toBe(before + 2);
  const unanswered = other.ask(api.apiVersions, 0, Buffer.alloc(0));
  await expect.poll(() => proxy.seen.at(-1)?.fate).toBe('forgotten');
  await other[Symbol.asyncDispose]();
  expect(await unanswered).toBe('closed');
});

test('throttled fetches: no records, no error, the true end of the log; switched off, the records are there', async () => {
  const { proxy, client } = await mannered({ fetches: 'throttled' });
  const topic = await topicOf(3);
  const empty = await fetched(client, topic);
  expect(empty).toMatchObject({ errorCode: 0, highWatermark: 3 });
  expect([empty.records.length, empty.throttleMs]).toEqual([0, 500]);
  proxy.manners.fetches = 'answered';
  expect((await fetched(client, topic)).records.length).toBeGreaterThan(0);
});

test('throttled appends: a policy violation, and nothing is appended; switched off, they are', async () => {
  const { proxy, client } = await mannered({ appends: 'throttled' });
  const topic = await topicOf(0);
  const { body, read } = produceExchange(topic, 0, [valued('a')], { waitMs: 1_000, now: 0 });
  const append = async () => {
    const answer = await client.ask(api.produce, 3, body);
    return answer === 'closed' ? answer : read(answer);
  };
  expect(await append()).toMatchObject({ errorCode: 44 });
  expect((await fetched(client, topic)).highWatermark).toBe(0);
  proxy.manners.appends = 'answered';
  expect(await append()).toMatchObject({ errorCode: 0, baseOffset: 0 });
});

test('commits: at most 4 a second for a group and partition, others are not held up; switched off, all at once', async () => {
  const { proxy, client } = await mannered({ commitsPerSecondMax: 4 });
  const topic = await topicOf(0);
  const commit = (group: string): Buffer => {
    const member = [int32(-1), text(''), Buffer.alloc(8, 0xff)];
    const partition = Buffer.concat([int32(0), Buffer.alloc(8), text('')]);
    const topics = array([Buffer.concat([text(topic), array([partition])])]);
    return Buffer.concat([text(group), ...member, topics]);
  };
  const seconds = async (client: Asking, group: string, count: number): Promise<number> => {
    const began = performance.now();
    const sent = Array.from({ length: count }, () => client.ask(api.offsetCommit, 2, commit(group)));
    for (const answer of await Promise.all(sent)) expect(answer).not.toBe('closed');
    return (performance.now() - began) / 1_000;
  };
  await seconds(client, `${topic}-warm`, 1); // The broker's first commit makes its own topic.
  await using other = await asking(proxy.address);
  const [slow, alone] = await Promise.all([
    seconds(client, `${topic}-a`, 6),
    seconds(other, `${topic}-b`, 1),
  ]);
  expect(slow).toBeGreaterThan(1.2);
  expect(alone).toBeLessThan(slow / 2);
  proxy.manners.commitsPerSecondMax = null;
  expect(await seconds(client, `${topic}-a`, 6)).toBeLessThan(slow / 2);
});

test('topics: none is made and no setting told; every broker and coordinator is at one address', async () => {
  const { proxy, client } = await mannered({ topicCreation: 'forbidden', topicSettings: 'untold' });
  const topic = await topicOf(0);
  const admin = new Kafka({
    brokers: [proxy.address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  }).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const made = newTopic(1).topic;
  const create = () => admin.createTopics({ topics: [{ topic: made, numPartitions: 1 }] });
  const refused: unknown = await create().catch((error: unknown) => error);
  expect(JSON.stringify(refused)).toContain('TOPIC_AUTHORIZATION_FAILED');
  const told = async () => {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: 2, name: topic }],
      includeSynonyms: false,
    });
    return resources[0]!.configEntries.length;
  };
  expect(await told()).toBe(0);
  const port = Number(proxy.address.split(':')[1]);
  const at = async () => (await admin.describeCluster()).brokers.map((broker) => broker.port);
  expect(new Set(await at())).toEqual(new Set([port]));
  const coordinator = async () => {
    const fields = answered(await client.ask(api.findCoordinator, 0, text('a group')));
    return [fields.int16(), fields.int32(), fields.text(), fields.int32()].slice(2);
  };
  await expect.poll(coordinator).toEqual(['127.0.0.1', port]);

  Object.assign(proxy.manners, { ...noManners, oneAddress: false });
  expect(await create()).toBe(true);
  expect(await told()).toBeGreaterThan(10);
  expect(await at()).toContain(Number(brokers()[0]!.split(':')[1]));
  expect(await coordinator()).toEqual(
    brokers()[0]!
      .split(/:(?=\d+$)/)
      .map((part, i) => (i ? Number(part) : part)),
  );
});
