import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Message } from 'kafkajs';
import { expect, test } from 'vitest';
import { heard } from '../heard.ts';
import { annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { urnOf } from './events.ts';
import { kafkaOf, ownProfile } from './own-profile.ts';
import { caughtUp, eventually } from './progress.ts';

const schemaText = readFileSync(
  new URL('../../../schemas/events/MetadataChangeEvent.avsc', import.meta.url),
  'utf8',
);
const schema = JSON.parse(schemaText) as { fields: readonly { name: string }[] };
/** The schema as a client has it that was built before the last fields were added. */
const olderText = JSON.stringify({
  ...schema,
  fields: schema.fields.filter(({ name }) => name !== 'correlationId' && name !== 'causationId'),
});
/** 20 million elements of no bytes each: an array that takes five bytes to send. */
const bombText = JSON.stringify({
  ...{ type: 'record', name: 'Bomb', namespace: 'annal.test' },
  fields: [{ name: 'a', type: { type: 'array', items: 'null' } }],
});
const bomb = Buffer.from('80b4891300', 'hex');

const uuidBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

const inboxEvent = (name: string, more: Record<string, unknown> = {}) => ({
  ...{ urn: urnOf(name), aspect: 'datasetProperties', change: 'UPSERT', id: uuidBytes(randomUUID()) },
  // What the client says about these is not believed.
  ...{ namespace: 'elsewhere', entityType: 'made-up', recordedBy: 'somebody', aspectSchema: null },
  ...{ occurredAt: 1_763_600_000_000, expect: null, actor: 'urn:li:corpuser:u1', group: null },
  ...{ source: { plugin: 'test', version: '1', runId: '', foreign: { system: 'x' } } },
  ...{ correlationId: 'c', causationId: null, value: Buffer.from(`{"name":"${name}"}`) },
  ...more,
});

const framed = (id: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, payload]);
};

test('events of clients that write to Kafka themselves come in by the inbox; what cannot be taken stands beside it', async () => {
  await using profile = await ownProfile({ ANNAL_INBOX: 'on' });
  const { env, name, servers } = profile;
  const init = await annal(['init', '--partitions', '2', '--output', 'json'], env);
  expect(JSON.parse(init.stdout)).toMatchObject({ inbox: `${name}.inbox`, partitions: 2 });

  const registry = new SchemaRegistry({ host: servers.schemaRegistryUrl });
  const register = async (text: string, subject: string): Promise<number> =>
    (
      await heard(() =>
        registry.register({ type: SchemaType.AVRO, schema: text }, { subject: `${name}-${subject}` }),
      )
    ).id;
  const ids = {
    event: await register(schemaText, 'event'),
    older: await register(olderText, 'older'),
    bomb: await register(bombText, 'bomb'),
  };
  const of = async (event: ReturnType<typeof inboxEvent>, id = ids.event): Promise<Message> => ({
    key: event.urn,
    value: await heard(() => registry.encode(id, event)),
  });

  const twice = await of(inboxEvent('twice'));
  const headers = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`h${n}`, 'x']));
  const good: Message[] = [
    ...(await Promise.all(Array.from({ length: 100 }, (_, n) => of(inboxEvent(`t${n}`))))),
    await of(inboxEvent('older'), ids.older),
    await of(inboxEvent('unnamed', { id: Buffer.alloc(16) })),
    { ...(await of(inboxEvent('decorated'))), headers },
    ...[twice, twice],
  ];
  const person = {
    urn: 'urn:li:corpuser:ann',
    aspect: 'corpUserInfo',
    value: Buffer.from('{"active":true}'),
  };
  const bad: readonly (readonly [code: string, message: Message])[] = [
    ['SCHEMA_UNKNOWN', { key: 'k', value: 'no framing at all' }],
    ['SCHEMA_UNKNOWN', { key: 'k', value: framed(0x7fff_0000, Buffer.from('x')) }],
    ['EVENT_SHAPE', { key: 'k', value: null }],
    ['AVRO_INVALID', { key: 'k', value: framed(ids.bomb, bomb) }],
    ['AVRO_INVALID', { key: 'k', value: framed(ids.event, bomb) }],
    ['SEALING_REQUIRED', await of(inboxEvent('x', person))],
    ['ASPECT_UNKNOWN', await of(inboxEvent('x', { aspect: 'madeUp' }))],
    ['ASPECT_INVALID', await of(inboxEvent('x', { value: Buffer.from('{"name":7}') }))],
    ['DUPLICATE_KEY', await of(inboxEvent('x', { value: Buffer.from('{"name":"a","name":"b"}') }))],
    ['KEY_FORBIDDEN', await of(inboxEvent('x', { value: Buffer.from('{"__proto__":1}') }))],
    ['JSON_INVALID', await of(inboxEvent('x', { value: Buffer.from([0x22, 0xff, 0x22]) }))],
    ['URN_INVALID', await of(inboxEvent('x,../x'))],
  ];

  await using _archiver = await startAnnal(['run', 'archiver'], env);
  await using _projector = await startAnnal(['run', 'projector'], env);
  await using api = await startAnnal(['run', 'api'], env);
  const producer = kafkaOf(servers).producer();
  await producer.connect();
  // Bad ones stand between good ones, in every partition.
  const messages = good.flatMap((message, n) => [message, ...(bad[n] === undefined ? [] : [bad[n][1]])]);
  for (const [n, message] of messages.entries())
    await producer.send({ topic: `${name}.inbox`, messages: [{ ...message, partition: n % 2 }] });
  await producer.disconnect();

  const refused = await eventually('all taken or kept', 60_000, async () => {
    const { body } = await api.call('GET', '/v1/events?limit=1');
    const kept = await readBlobs(servers.blobConnectionString, `${name}-state`, 'refused/');
    if (Number(body.total) < good.length - 1 || kept.size < bad.length)
      throw new Error(`${body.total} in the log, kept ${[...kept.values()].join('')}`);
    return kept;
  });
  const codes = [...refused.values()].map((bytes) => JSON.parse(bytes.toString('utf8')).refusals[0].code);
  expect(codes.sort()).toEqual(bad.map(([code]) => code).sort());
  expect(Buffer.concat([...refused.values()]).toString('utf8')).not.toContain('urn:li:corpuser:ann');

  await caughtUp(api);
  const { body } = await api.call('GET', '/v1/events?limit=1000');
  const items = body.items as Record<string, unknown>[];
  const named = (message: Message): string => String(message.key);
  expect(items.map(({ urn }) => urn).sort()).toEqual([...new Set(good.map(named))].sort());
  for (const item of items)
    expect(item).toMatchObject({
      ...{ outcome: 'applied', namespace: 'shop', type: 'dataset', recordedBy: 'bridge:inbox' },
      ...{ actor: 'urn:li:corpuser:u1', schema: 'datasetProperties/1' },
    });
  expect(items.find(({ urn }) => urn === urnOf('older'))).not.toHaveProperty('correlationId');
  const found = await api.call('GET', '/v1/search?q=decorated');
  expect(found.body).toMatchObject({ total: 1 });
});
