import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient, RestError } from '@azure/storage-blob';
import { Client, errors } from '@elastic/elasticsearch';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { addresses } from './addresses.ts';
import { heard } from './heard.ts';
import { startServer } from './servers.ts';

const given = addresses();
const unique = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`;

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const kafkaAt = (brokers: string[]): Kafka =>
  new Kafka({ clientId: 'annal-smoke', brokers, logLevel: logLevel.NOTHING, retry: { retries: 8 } });

/** Reads a partition from its start until `count` records came. */
async function readValues(kafka: Kafka, topic: string, count: number): Promise<(string | undefined)[]> {
  const consumer = kafka.consumer({ groupId: unique('smoke'), retry: { retries: 8 } });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: (string | undefined)[] = [];
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        values.push(message.value?.toString());
        if (values.length === count) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
    return values;
  } finally {
    await consumer.disconnect();
  }
}

describe('kafka', () => {
  test('gives back what was appended, in order, under a topic that was made', async () => {
    const kafka = kafkaAt(given.kafkaBrokers);
    const [admin, producer] = [kafka.admin(), kafka.producer()];
    const topic = unique('smoke');
    await Promise.all([admin.connect(), producer.connect()]);
    try {
      const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
      const [sent] = await producer.send({
        topic,
        messages: ['one', 'two', 'three'].map((value) => ({ value })),
      });
      expect(sent!.baseOffset).toBe('0');
      expect(Number(sent!.logAppendTime)).toBeGreaterThan(0);
      expect(await readValues(kafka, topic, 3)).toEqual(['one', 'two', 'three']);
    } finally {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    }
  });

  test('makes no topic because somebody wrote to it', async () => {
    const producer = kafkaAt(given.kafkaBrokers).producer({
      retry: { retries: 0 },
      allowAutoTopicCreation: true,
    });
    await producer.connect();
    try {
      const send = producer.send({ topic: unique('unmade'), messages: [{ value: 'x' }] });
      await expect(send).rejects.toMatchObject({ cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION' } });
    } finally {
      await producer.disconnect();
    }
  });
});

describe('elasticsearch', () => {
  test('keeps the document of the highest external version', async () => {
    const client = new Client({ node: given.elasticsearchUrl });
    const index = unique('smoke');
    await client.indices.create({
      index,
      mappings: { dynamic: 'strict', properties: { n: { type: 'long' } } },
    });
    try {
      const write = (version: number) =>
        client.index({ index, id: 'a', version, version_type: 'external', document: { n: version } });
      await write(9);
      await expect(write(6)).rejects.toMatchObject({ statusCode: 409 });
      await expect(write(6)).rejects.toBeInstanceOf(errors.ResponseError);
      const found = await client.get({ index, id: 'a' });
      expect([found._version, found._source]).toEqual([9, { n: 9 }]);
    } finally {
      await client.indices.delete({ index });
      await client.close();
    }
  });
});

describe('registry', () => {
  test('registers a schema, knows it by its id, refuses an incompatible one', async () => {
    const registry = new SchemaRegistry({ host: given.schemaRegistryUrl });
    const subject = unique('smoke');
    const name = subject.replaceAll('-', '_');
    const record = (type: string): string =>
      JSON.stringify({ type: 'record', name, namespace: 'annal.smoke', fields: [{ name: 'n', type }] });
    const register = (type: string) =>
      heard(() => registry.register({ type: SchemaType.AVRO, schema: record(type) }, { subject }));
    const { id } = await register('long');
    const bytes = await heard(() => registry.encode(id, { n: 7 }));
    expect(await registry.decode(bytes)).toMatchObject({ n: 7 });
    const listed: unknown = await (await heard(() => fetch(`${given.schemaRegistryUrl}/subjects`))).json();
    expect(listed).toContain(subject);
    await expect(register('string')).rejects.toThrow(/incompatible/i);
  });
});

describe('azurite', () => {
  test('creates a blob once', async () => {
    const service = BlobServiceClient.fromConnectionString(given.blobConnectionString);
    const container = service.getContainerClient(unique('smoke'));
    await container.create();
    try {
      const blob = container.getBlockBlobClient('only-once');
      const create = (text: string) => blob.upload(text, text.length, { conditions: { ifNoneMatch: '*' } });
      await create('first');
      const second = await create('second').catch((error: unknown) => error);
      expect(second).toBeInstanceOf(RestError);
      expect(second).toMatchObject({ statusCode: 409, code: 'BlobAlreadyExists' });
      expect((await blob.downloadToBuffer()).toString()).toBe('first');
    } finally {
      await container.delete();
    }
  });
});

describe('addresses', () => {
  test('all that are unset are named at once, with the command that sets them', () => {
    const some = { ANNAL_TEST_KAFKA_BROKERS: 'a:1,b:2', ANNAL_TEST_SCHEMA_REGISTRY_URL: 'http://c/api/' };
    expect(() => addresses(some)).toThrow(
      /ANNAL_TEST_ELASTICSEARCH_URL, ANNAL_TEST_BLOB_CONNECTION_STRING not set.*npm run test:services/,
    );
  });
});

describe('a server of a test’s own', () => {
  test('kafka comes back after a kill at the same address with its records', async () => {
    // A killed broker is let in again when its old session ends: 9 s by default.
    const settings = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' };
    await using server = await startServer('kafka', { own: true, settings });
    expect(server.address).not.toBe(given.kafkaBrokers.join(','));
    const kafka = kafkaAt([server.address]);
    const [admin, producer] = [kafka.admin(), kafka.producer()];
    await Promise.all([admin.connect(), producer.connect()]);
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] });
    await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'before the kill' }] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
    const { address } = server;
    await server.kill();
    await server.restart();
    expect(server.address).toBe(address);
    expect(await readValues(kafkaAt([address]), 'kept', 1)).toEqual(['before the kill']);
  });

  test('elasticsearch answers nothing while paused, and goes on', async () => {
    await using server = await startServer('elasticsearch', { own: true });
    const health = (withinMs: number): Promise<boolean> =>
      fetch(`${server.address}/_cluster/health`, {
        signal: AbortSignal.timeout(withinMs),
        headers: { connection: 'close' },
      }).then(({ ok }) => ok);
    await server.pause();
    await expect(health(1_000)).rejects.toMatchObject({ name: 'TimeoutError' });
    await server.resume();
    await expect.poll(() => health(20_000), { timeout: 60_000 }).toBe(true);
  });

  test('azurite keeps its blobs over an orderly restart when asked', async () => {
    await using server = await startServer('azurite', { own: true, keepsBlobs: true });
    const service = BlobServiceClient.fromConnectionString(server.address);
    const container = service.getContainerClient('kept');
    await container.create();
    await container.getBlockBlobClient('a').upload('kept', 4);
    await server.restart();
    expect((await container.getBlockBlobClient('a').downloadToBuffer()).toString()).toBe('kept');
  });

  test('a process that dies by SIGKILL leaves no server and no folder behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annal-orphan-'));
    const servers = new URL('./servers.ts', import.meta.url).href;
    const script = `const { startServer } = await import('${servers}');
      console.log((await startServer('azurite', { own: true, route: 'native' })).pid);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(runs(pid)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => runs(pid), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => readdir(folder), { timeout: 10_000 }).toEqual([]);
    await rmdir(folder);
  });

  test('one given by address is shared: it cannot be killed', async () => {
    const server = await startServer('azurite');
    expect(server.route).toBe('address');
    await expect(server.kill()).rejects.toThrow(/shared/);
    await server.stop();
    expect(await startServer('azurite')).toMatchObject({ version: server.version });
  });
});
