import { expect, onTestFinished, test } from 'vitest';
import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import { times } from '../../../../src/adapters/kafka/settings.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import type { EpochTopic, EventLog, LogHost } from '../../../../src/ports/event-log.ts';
import { eventHubs, type Manners } from '../../event-hubs/manners.ts';
import { type EventHubsProxy, eventHubsProxy } from '../../event-hubs/proxy.ts';
import { api } from '../../event-hubs/wire.ts';
import {
  brokers,
  codeOf,
  filled,
  kafkaSettings,
  never,
  newTopic,
  readerOfAll,
  take,
  textsOf,
  valued,
} from './given.ts';

const closedBy = ({ seen }: EventHubsProxy) => seen.filter(({ fate }) => fate === 'closed');
const asked = ({ seen }: EventHubsProxy, apiKey: number) => seen.filter((one) => one.apiKey === apiKey);

interface Mannered {
  readonly proxy: EventHubsProxy;
  readonly host: LogHost;
  /** Over the proxy. */
  readonly log: EventLog;
  /** Straight to the broker. */
  readonly direct: EventLog;
  readonly topic: EpochTopic;
}

async function mannered(more: Partial<Manners> = {}, clock: Clock = systemClock): Promise<Mannered> {
  const proxy = await eventHubsProxy(brokers()[0]!, { ...eventHubs, ...more });
  const host = kafkaLogHost(kafkaSettings({ brokers: [proxy.address], clock }));
  const straight = kafkaLogHost(kafkaSettings());
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]();
    await straight[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
  const topic = newTopic(1);
  await straight.create(topic);
  return { proxy, host, topic, log: await host.open(topic), direct: await straight.open(topic) };
}

test('nothing that is asked closes a connection, and no offset is committed', async () => {
  const { proxy, log, topic } = await mannered();
  await filled(log, 0, 20, 5);
  await using reader = await readerOfAll(log, topic.topic);
  await take(reader.lane(0, 0), 20);
  expect(await log.bounds()).toEqual([{ first: 0, end: 20 }]);
  await expect.poll(() => asked(proxy, api.heartbeat).length, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(closedBy(proxy)).toEqual([]);
  expect(asked(proxy, api.offsetCommit)).toEqual([]);
});

test('an append that would close the connection is refused here', async () => {
  const { proxy, log } = await mannered();
  const large = { ...valued(''), value: Buffer.alloc(1_047_000) };
  expect(await codeOf(log.append(0, [large]))).toBe('RECORD_TOO_LARGE');
  await log.append(0, [{ ...valued(''), value: Buffer.alloc(1_000_000) }]);
  expect(closedBy(proxy)).toEqual([]);
});

test('a topic that is missing is forbidden, one that is there exists, and its settings are unknown', async () => {
  const { host, topic } = await mannered();
  expect(await codeOf(host.create(newTopic(1)))).toBe('TOPIC_FORBIDDEN');
  expect(await host.create(topic)).toBe('exists');
  const { faults, unknown } = await host.audit(topic);
  expect(faults).toEqual([]);
  expect(unknown).toContain('cleanup.policy');
});

/** A hundred times as fast as the machine's. */
const fastClock = (): Clock => {
  const began = Date.now();
  return {
    now: () => began + 100 * (Date.now() - began),
    wait: (waitMs, signal) => systemClock.wait(waitMs / 100, signal),
  };
};
const idle = { afterMs: 2_400, fate: 'forgotten' } as const;

test('a lane whose idle connection was forgotten on the way reads on at once', {
  timeout: 30_000,
}, async () => {
  expect(times.idleMaxMs).toBeLessThan(100 * idle.afterMs);
  const { proxy, log, direct } = await mannered({ idle }, fastClock());
  await direct.append(0, [valued('value 0')]);
  await using reader = await log.reader(null);
  const lane = reader.lane(0, 0);
  await take(lane, 1);
  await expect.poll(() => proxy.idled, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  await direct.append(0, [valued('value 1')]);
  expect(textsOf(await take(lane, 1))).toEqual(['value 1']);
  expect(proxy.seen.filter(({ fate }) => fate === 'forgotten')).toEqual([]);
});

test('an append after a long silence is not sent where nobody listens', { timeout: 15_000 }, async () => {
  const { proxy, log } = await mannered({ idle }, fastClock());
  await log.append(0, [valued('value 0')]);
  await expect.poll(() => proxy.idled, { timeout: 10_000 }).toBe(1);
  expect(await log.append(0, [valued('value 1')])).toMatchObject({ first: 1 });
  expect(proxy.seen.filter(({ fate }) => fate === 'forgotten')).toEqual([]);
});

test('a throttled lane asks less and less often, is no end of the log, and goes on when it may', async () => {
  const { proxy, log, direct } = await mannered({ fetches: 'throttled' });
  await filled(direct, 0, 3);
  await using reader = await log.reader(null);
  const pulled = reader.lane(0, 0).pull(never());
  const fetches = () => asked(proxy, api.fetch);
  await expect.poll(() => fetches().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(6);
  const at = fetches().map((one) => one.at);
  // Half a second was asked for, and more is left in the end.
  for (let i = 1; i < 6; i++) expect(at[i]! - at[i - 1]!).toBeGreaterThan(450);
  expect(at[5]! - at[4]!).toBeGreaterThan(700);
  proxy.manners.fetches = 'answered';
  expect(textsOf((await pulled).records)).toEqual(['value 0', 'value 1', 'value 2']);
});

test('an append that is throttled for too long is unknown, and another one goes through afterwards', async () => {
  const { proxy, log, direct } = await mannered({ appends: 'throttled' });
  expect(await codeOf(log.append(0, [valued('value 0')]))).toBe('APPEND_UNKNOWN');
  proxy.manners.appends = 'answered';
  expect(await log.append(0, [valued('value 0')])).toMatchObject({ first: 0 });
  expect((await direct.bounds())[0]).toEqual({ first: 0, end: 1 });
});
