import { expect, test } from 'vitest';
import { addresses } from '../addresses.ts';
import { noManners } from '../event-hubs/manners.ts';
import { eventHubsProxy } from '../event-hubs/proxy.ts';
import { api } from '../event-hubs/wire.ts';
import { countKill } from '../kill-count.ts';
import { startServer } from '../servers.ts';
import { annal, startAnnal } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { ownProfile, scenarioServers } from './own-profile.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';

const metricsOf = async (address: string): Promise<Map<string, number>> => {
  const text = await (await fetch(`${address}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^(annal_[^ ]+) ([0-9.]+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
};

test('lanes whose answers never come are read again over new connections; meanwhile readiness and metrics say what stands still', async () => {
  await using proxy = await eventHubsProxy(addresses().kafkaBrokers[0]!, noManners);
  await using profile = await ownProfile();
  const env = {
    ...profile.env,
    ANNAL_KAFKA_BROKERS: proxy.address,
    ANNAL_LANE_STALL_SECONDS: '2',
    ANNAL_PARTITIONS: '1',
  };
  await using server = await startAnnal(['start', '--no-sample'], env);
  const publish = async (from: number) => {
    const { body } = await server.call('POST', '/v1/events', tableEvents(50, from));
    const [first] = body.results as readonly unknown[];
    expect({ appended: body.appended, first }).toMatchObject({ appended: 50 });
  };
  await publish(0);
  await caughtUp(server);
  proxy.swallows = ({ apiKey }) => apiKey === api.fetch;
  // What was asked before is answered still: the archiver's lane and one of each projection have to ask again.
  const swallowed = () => proxy.seen.filter(({ fate }) => fate === 'swallowed').length;
  await eventually('every lane waits', 20_000, async () => (swallowed() >= 3 ? true : undefined));
  await publish(50);
  await eventually('LANE_STALLED told', 30_000, async () =>
    (await missingAt(server)).includes('LANE_STALLED') ? true : undefined,
  );
  const metrics = await metricsOf(server.address);
  expect(metrics.get('annal_lane_stalls_total{partition="0"}')).toBeGreaterThan(0);
  expect(metrics.get('annal_lane_age_seconds{projection="entities",partition="0"}')).toBeGreaterThan(1);
  expect(metrics.get('annal_lane_lag_events{projection="entities",partition="0"}')).toBe(50);
  expect(metrics.get('annal_archive_age_seconds{partition="0"}')).toBeGreaterThan(1);
  // The connections there are stay as they are; only new ones get answers.
  const last = Math.max(...proxy.seen.map(({ connection }) => connection));
  proxy.swallows = ({ apiKey }, connection) => apiKey === api.fetch && connection <= last;
  await caughtUp(server, 30_000);
  await archived(server, 30_000);
  expect(await missingAt(server)).toEqual([]);
  const later = await metricsOf(server.address);
  expect(later.get('annal_lane_age_seconds{projection="entities",partition="0"}')).toBe(0);
  expect(await server.stop()).toMatchObject({ code: 0 });
}, 120_000);

test('a store that hangs keeps a process no longer than its grace time; what was not archived is, at the next start', async () => {
  await using store = await startServer('azurite', { own: true });
  await using profile = await ownProfile({}, { ...scenarioServers(), blobConnectionString: store.address });
  const env = {
    ...profile.env,
    ANNAL_PARTITIONS: '1',
    ANNAL_ARCHIVE_FLUSH_SECONDS: '60',
  };
  const start = (more = {}) => startAnnal(['start', '--no-sample'], { ...env, ...more });
  await using server = await start({ ANNAL_GRACE_SECONDS: '2' });
  const published = await server.call('POST', '/v1/events', tableEvents(50));
  expect(published.body).toMatchObject({ appended: 50 });
  await caughtUp(server);
  await store.pause();
  countKill('SIGSTOP', 'the server azurite');
  const began = performance.now();
  const { code, stderr } = await server.stop();
  expect({ code, seconds: Math.round((performance.now() - began) / 1_000) }).toEqual({
    code: 1,
    seconds: expect.toSatisfy((seconds: number) => seconds >= 2 && seconds <= 4),
  });
  expect(stderr).toContain('DRAIN_LATE');
  await store.resume();
  await using again = await start({ ANNAL_ARCHIVE_FLUSH_SECONDS: '1' });
  await archived(again);
  expect(await annal(['verify', 'entities'], { ANNAL_URL: again.address })).toMatchObject({ code: 0 });
  expect(await again.stop()).toMatchObject({ code: 0 });
}, 120_000);
