import { expect, test } from 'vitest';
import { plainLane } from '../../given/plain-archive.ts';
import { addresses } from '../addresses.ts';
import { eventHubs } from '../event-hubs/manners.ts';
import { eventHubsProxy } from '../event-hubs/proxy.ts';
import { api } from '../event-hubs/wire.ts';
import { annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { tableEvents, urnOf } from './events.ts';
import { asAdmin, ownProfile } from './own-profile.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';

test('an endpoint with the manners of Event Hubs: topics are there, events go from intake to archive and read models, throttled or not', async () => {
  const broker = addresses().kafkaBrokers[0]!;
  await using proxy = await eventHubsProxy(broker, eventHubs);
  await using profile = await ownProfile();
  const env = { ...profile.env, ANNAL_KAFKA_BROKERS: proxy.address };
  // Somebody else makes the topic there. Until then it is missing, and cannot be made over this way.
  expect((await annal(['init'], env)).stderr).toContain('TOPIC_MISSING');
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const topics = [{ topic: `${profile.name}.e1`, numPartitions: 2, configEntries }];
  await asAdmin(profile.servers, (admin) => admin.createTopics({ topics }));
  const init = await annal(['init', '--partitions', '2'], env);
  expect(init).toMatchObject({ code: 0 });
  expect(init.stderr).toContain('the broker does not tell cleanup.policy');
  await using server = await startAnnal(['start', '--no-sample'], env);
  await eventually('ready', 60_000, async () => ((await missingAt(server)).length === 0 ? true : undefined));

  const publish = async (count: number, from: number) =>
    expect((await server.call('POST', '/v1/events', tableEvents(count, from))).body).toMatchObject({
      appended: count,
    });
  await publish(200, 0);
  proxy.manners.fetches = 'throttled';
  await publish(200, 200);
  const asked = proxy.seen.length;
  const throttled = () => proxy.seen.slice(asked).filter(({ apiKey }) => apiKey === api.fetch).length;
  await eventually('throttled fetches', 30_000, async () => (throttled() > 10 ? true : undefined));
  proxy.manners.fetches = 'answered';
  await archived(server);
  const items = await caughtUp(server);
  expect(items.find(({ projection }) => projection === 'entities')).toMatchObject({ documents: 400 });
  const client = { ANNAL_URL: server.address };
  const found = await annal(['search', 'shop.t321', '--output', 'json'], client);
  expect(JSON.parse(found.stdout)).toMatchObject({ items: [{ urn: urnOf('t321') }] });
  expect(await server.stop()).toMatchObject({ code: 0 });

  expect(proxy.seen.filter(({ apiKey, fate }) => fate === 'closed' && apiKey !== api.metadata)).toEqual([]);
  expect(proxy.seen.filter(({ apiKey }) => apiKey === api.offsetCommit)).toEqual([]);
  const blobsOf = (part: string) =>
    readBlobs(profile.servers.blobConnectionString, `${profile.name}-${part}`, '');
  const blobs = { truth: await blobsOf('archive'), state: await blobsOf('state') };
  const lanes = [0, 1].map((partition) => plainLane(blobs, { topic: profile.name, epoch: 1, partition }));
  expect(lanes.flatMap(({ faults }) => faults)).toEqual([]);
  expect(lanes.reduce((sum, { records }) => sum + records.length, 0)).toBe(400);
});
