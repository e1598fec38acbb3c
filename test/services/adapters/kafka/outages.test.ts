import { expect, onTestFinished, test } from 'vitest';
import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import { type KafkaNotice, times } from '../../../../src/adapters/kafka/settings.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { isFault } from '../../../../src/domain/fault.ts';
import type { EpochTopic, EventLog, Lane, LogReader } from '../../../../src/ports/event-log.ts';
import {
  brokers,
  codeOf,
  filled,
  holds,
  kafkaSettings,
  never,
  newTopic,
  noticing,
  readerOfAll,
  take,
  textsOf,
  valued,
} from './given.ts';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';

interface Cuttable {
  /** Over the proxy. */
  readonly log: EventLog;
  /** Straight to the broker. */
  readonly direct: EventLog;
  readonly proxy: TcpProxy;
  readonly topic: EpochTopic;
  readonly notices: readonly KafkaNotice[];
}

async function cuttable(partitions: number, clock = systemClock): Promise<Cuttable> {
  const [host, port] = brokers()[0]!.split(':') as [string, string];
  const proxy = await tcpProxy(host, Number(port));
  const near = { host: '127.0.0.1', port: proxy.port };
  const { settings, notices } = noticing({ reach: () => near, clock });
  const cut = kafkaLogHost(settings);
  const straight = kafkaLogHost(kafkaSettings());
  onTestFinished(async () => {
    await cut[Symbol.asyncDispose]();
    await straight[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
  const topic = newTopic(partitions);
  await straight.create(topic);
  return { log: await cut.open(topic), direct: await straight.open(topic), proxy, topic, notices };
}

/** Reads on, asking for a new lane where the old one is spent, until `count` records came. */
async function readOn(
  reader: LogReader,
  partition: number,
  count: number,
  onBatch: () => void,
): Promise<string[]> {
  const texts: string[] = [];
  let next = 0;
  let lane: Lane = reader.lane(partition, next);
  while (texts.length < count) {
    try {
      const { records } = await lane.pull(never());
      expect(records[0]!.offset).toBe(next);
      next = records.at(-1)!.offset + 1;
      texts.push(...textsOf(records));
      onBatch();
    } catch (error) {
      if (!isFault(error, 'LOG_UNAVAILABLE')) throw error;
      lane = reader.lane(partition, next);
    }
  }
  return texts;
}

test('a lane whose connection is cut over and over, waiting or not, loses nothing and doubles nothing', async () => {
  const { log, direct, proxy, topic } = await cuttable(1);
  await using reader = await readerOfAll(log, topic.topic);
  const count = 60;
  const writing = (async () => {
    for (let i = 0; i < count; i++) {
      if (i % 5 === 0) proxy.cut();
      await direct.append(0, [valued(`value ${i}`)]);
    }
  })();
  const madeBefore = proxy.made;
  let batches = 0;
  const texts = await readOn(reader, 0, count, () => {
    batches += 1;
    if (batches % 3 === 0) proxy.cut();
  });
  await writing;
  expect(texts).toEqual(Array.from({ length: count }, (_, i) => `value ${i}`));
  expect(proxy.made - madeBefore).toBeGreaterThan(3);
});

test.concurrent('while the broker is away pulls and appends say so; when it is back the same reader and log work', async () => {
  const { log, proxy, topic, notices } = await cuttable(1);
  await using reader = await readerOfAll(log, topic.topic);
  await filled(log, 0, 2);
  await proxy.refuse();
  expect(await codeOf(reader.lane(0, 0).pull(never()))).toBe('LOG_UNAVAILABLE');
  expect(await codeOf(log.append(0, [valued('lost')]))).toMatch(/^(LOG_UNAVAILABLE|APPEND_UNKNOWN)$/);
  expect(await codeOf(log.append(0, [valued('lost')]))).toBe('LOG_UNAVAILABLE');
  expect(await codeOf(log.bounds())).toBe('LOG_UNAVAILABLE');
  const lost = () => notices.filter(({ what }) => what === 'group lost, joining again').length;
  await expect.poll(lost, { timeout: 30_000 }).toBeGreaterThan(0);
  await proxy.restore();
  const joined = () => notices.filter(({ what }) => what === 'group joined').length;
  await expect.poll(joined, { timeout: 60_000 }).toBe(2);
  await holds(reader, ({ size }) => size === 1);
  expect(textsOf(await take(reader.lane(0, 0), 2))).toEqual(['value 0', 'value 1']);
  expect(await log.append(0, [valued('value 2')])).toMatchObject({ first: 2 });
});

test.concurrent('a group consumer that falls silent is replaced, and its lanes go on meanwhile', async () => {
  let aheadMs = 0;
  const ahead = { ...systemClock, now: () => Date.now() + aheadMs };
  const { log, direct, proxy, topic, notices } = await cuttable(1, ahead);
  await using reader = await readerOfAll(log, topic.topic);
  const lane = reader.lane(0, 0);
  await direct.append(0, [valued('value 0')]);
  await take(lane, 1);
  const isHeartbeat = (piece: Buffer) => piece.length > 6 && piece.readInt16BE(4) === 12;
  proxy.inspect = (piece) => (isHeartbeat(piece) ? 'swallow' : 'pass');
  const noticed = (what: KafkaNotice['what']) => notices.filter((notice) => notice.what === what).length;
  const lost = () => {
    aheadMs += 10_000;
    return noticed('group lost, joining again');
  };
  await expect.poll(lost, { timeout: 60_000, interval: 500 }).toBe(1);
  await direct.append(0, [valued('value 1')]);
  expect(textsOf(await take(lane, 1))).toEqual(['value 1']);
  proxy.inspect = () => 'pass';
  await expect.poll(() => noticed('group joined'), { timeout: 60_000 }).toBe(2);
  await direct.append(0, [valued('value 2')]);
  expect(textsOf(await take(lane, 1))).toEqual(['value 2']);
});

test('a broker that is away from the start is told as away', async () => {
  const { proxy, topic } = await cuttable(1);
  await proxy.refuse();
  await using host = kafkaLogHost(kafkaSettings({ brokers: [`127.0.0.1:${proxy.port}`] }));
  expect(await codeOf(host.open(topic))).toBe('LOG_UNAVAILABLE');
  expect(await codeOf(host.create(topic))).toBe('LOG_UNAVAILABLE');
});

test('an append cut off after it was sent is unknown; sent again, what is acknowledged is there in order', async () => {
  const { log, direct, proxy, topic } = await cuttable(1);
  await log.append(0, [valued('value 0')]);
  const isProduce = (piece: Buffer) => piece.length > 6 && piece.readInt16BE(4) === 0;
  proxy.inspect = (piece) => (isProduce(piece) ? 'cut' : 'pass');
  expect(await codeOf(log.append(0, [valued('value 1')]))).toBe('APPEND_UNKNOWN');
  proxy.inspect = () => 'pass';
  const { first } = await log.append(0, [valued('value 1')]);
  await using reader = await readerOfAll(direct, topic.topic);
  expect(textsOf(await take(reader.lane(0, 0), first + 1))).toEqual(['value 0', 'value 1']);
});

test('a connection that lay idle for longer than clouds allow is replaced before it is used', async () => {
  let aheadMs = 0;
  const { log, proxy } = await cuttable(1, { ...systemClock, now: () => Date.now() + aheadMs });
  await log.append(0, [valued('value 0')]);
  const before = proxy.made;
  await log.append(0, [valued('value 1')]);
  expect(proxy.made).toBe(before);
  aheadMs += times.idleMaxMs + 1;
  expect(await log.append(0, [valued('value 2')])).toMatchObject({ first: 2 });
  expect(proxy.made).toBeGreaterThan(before);
});
