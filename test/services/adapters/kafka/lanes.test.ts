import { CompressionTypes, Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import type { Header } from '../../../../src/domain/event.ts';
import { isFault } from '../../../../src/domain/fault.ts';
import type { EpochTopic, EventLog, LogReader } from '../../../../src/ports/event-log.ts';
import {
  asAdmin,
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

async function onLog(
  partitions: number,
  law: (log: EventLog, topic: EpochTopic) => Promise<void>,
): Promise<void> {
  await using host = kafkaLogHost(kafkaSettings());
  const topic = newTopic(partitions);
  await host.create(topic);
  await using log = await host.open(topic);
  await law(log, topic);
}

test('a record with 20,000 headers passes at once, every header in its place', () =>
  onLog(1, async (log, { topic }) => {
    const headers: Header[] = Array.from({ length: 20_000 }, (_, i) => [
      Buffer.from(i % 2 === 0 ? '__proto__' : `h${i % 7}`),
      Buffer.from(String(i)),
    ]);
    await log.append(0, [{ ...valued('many'), headers }]);
    await using reader = await readerOfAll(log, topic);
    const startedAt = performance.now();
    const [record] = await take(reader.lane(0, 0), 1);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(record!.headers).toEqual(headers);
  }));

test('an append that Event Hubs would cut off is refused, and nothing is sent', () =>
  onLog(1, async (log) => {
    const half = Buffer.alloc(600_000);
    const records = [0, 1].map(() => ({ key: null, value: half, headers: [] }));
    expect(await codeOf(log.append(0, records))).toBe('RECORD_TOO_LARGE');
    expect(await log.bounds()).toEqual([{ first: 0, end: 0 }]);
  }));

test('a topic made again with fewer records is a fork, for a waiting lane too: it is never read from its start', () =>
  onLog(1, async (log, topic) => {
    await filled(log, 0, 5);
    await using reader = await readerOfAll(log, topic.topic);
    const lane = reader.lane(0, 0);
    await take(lane, 5);
    const waiting = codeOf(lane.pull(never()));
    await asAdmin((admin) => admin.deleteTopics({ topics: [topic.topic] }));
    await using host = kafkaLogHost(kafkaSettings());
    await expect.poll(() => codeOf(host.create(topic)), { timeout: 20_000 }).toEqual({ resolved: 'created' });
    await using again = await host.open(topic);
    await filled(again, 0, 2);
    const codes = [await waiting];
    while (codes.at(-1) === 'LOG_UNAVAILABLE') codes.push(await codeOf(reader.lane(0, 5).pull(never())));
    expect(codes.at(-1)).toBe('LOG_FORK');
  }));

test('control records are left out and the lane goes on behind them', () =>
  onLog(1, async (log, { topic }) => {
    const kafka = new Kafka({ brokers: brokers(), logLevel: 0 });
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] });
    await transaction.commit();
    await producer.disconnect();
    await expect.poll(() => log.bounds()).toEqual([{ first: 0, end: 3 }]); // The marker comes after the commit.
    await log.append(0, [valued('c')]);
    await using reader = await readerOfAll(log, topic);
    const records = await take(reader.lane(0, 0), 3);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 3]);
    expect(textsOf(records)).toEqual(['a', 'b', 'c']);
    expect(textsOf(await take(reader.lane(0, 2), 1))).toEqual(['c']);
  }));

test('what a stranger sends compressed is kept readable, and read where it is not', async () => {
  await using host = kafkaLogHost(kafkaSettings());
  for (const [topic, make] of [
    [newTopic(1), host.create],
    [
      newTopic(1),
      ({ topic }: EpochTopic) =>
        asAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })),
    ],
  ] as const) {
    await make(topic);
    const producer = new Kafka({ brokers: brokers(), logLevel: 0 }).producer();
    await producer.connect();
    const messages = Array.from({ length: 100 }, (_, i) => ({ value: `value ${i}` }));
    await producer.send({ topic: topic.topic, messages, compression: CompressionTypes.GZIP });
    await producer.disconnect();
    await using log = await host.open(topic);
    await using reader = await readerOfAll(log, topic.topic);
    expect(textsOf(await take(reader.lane(0, 60), 40))).toEqual(messages.slice(60).map(({ value }) => value));
  }
});

test('a second reader takes half of the partitions; together the two read everything', () =>
  onLog(4, async (log, { topic }) => {
    for (let partition = 0; partition < 4; partition++) await filled(log, partition, 50);
    const read = new Map<string, number>();
    const codes = new Set<unknown>();
    const done = new AbortController();
    /** Reads a lane from its start until the partition goes to somebody else. */
    const readLane = async (reader: LogReader, partition: number): Promise<void> => {
      const lane = reader.lane(partition, 0);
      try {
        for (;;) {
          const { records } = await lane.pull(done.signal);
          for (const { offset } of records) read.set(`${partition}-${offset}`, 1);
          if (read.size === 4 * 100) done.abort();
        }
      } catch (error) {
        if (!done.signal.aborted) codes.add(isFault(error) ? error.code : error);
      }
    };
    const readAll = async (reader: LogReader): Promise<void> => {
      const lanes = new Map<number, Promise<void>>();
      for await (const held of reader.assignments(done.signal)) {
        for (const partition of lanes.keys()) if (!held.has(partition)) lanes.delete(partition);
        for (const partition of held)
          if (!lanes.has(partition)) lanes.set(partition, readLane(reader, partition));
      }
    };
    await using first = await readerOfAll(log, topic);
    const reading = [readAll(first)];
    await expect.poll(() => read.size).toBe(4 * 50);
    await using second = await log.reader(topic);
    reading.push(readAll(second));
    await holds(second, ({ size }) => size === 2);
    await holds(first, ({ size }) => size === 2);
    expect([...codes]).toEqual(['LANE_REVOKED']);
    for (let partition = 0; partition < 4; partition++) await filled(log, partition, 50);
    await Promise.all(reading);
    expect(read.size).toBe(4 * 100);
    const lost = first.lane(0, 0);
    const other = second.lane(0, 0);
    const both = await Promise.all([lost, other].map((lane) => codeOf(lane.pull(never()))));
    expect(both.filter((answer) => answer === 'LANE_REVOKED')).toHaveLength(1);
  }));

test('the partitions of a reader that closes go to the one that stays', () =>
  onLog(2, async (log, { topic }) => {
    const { notices, settings } = noticing();
    await using host = kafkaLogHost(settings);
    await using other = await host.open({ epoch: 1, topic, partitions: 2 });
    await using stays = await readerOfAll(other, topic);
    const leaves = await log.reader(topic);
    await holds(leaves, ({ size }) => size === 1);
    await leaves[Symbol.asyncDispose]();
    await holds(stays, ({ size }) => size === 2);
    expect(notices.every(({ what }) => what === 'group joined')).toBe(true);
  }));

test('settings that would lose events are found; a topic the broker will not make is told with its reason', async () => {
  await using host = kafkaLogHost(kafkaSettings());
  const wrong = newTopic(1);
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
  await asAdmin((admin) => admin.createTopics({ topics: [{ topic: wrong.topic, configEntries }] }));
  const { faults, unknown } = await host.audit({ ...wrong, partitions: 1 });
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual(
    expect.arrayContaining(['cleanup.policy', 'message.timestamp.type']),
  );
  expect(unknown).toEqual([]);
  await using refused = kafkaLogHost(kafkaSettings({ retentionMs: -7 }));
  const fault = await refused.create(newTopic(1)).catch((error: unknown) => error);
  expect(isFault(fault, 'TOPIC_FORBIDDEN') && fault.facts.reason).toBe('INVALID_CONFIG');
});

test('Node has nothing to warn of', () =>
  onLog(1, async (log, { topic }) => {
    const warnings: string[] = [];
    const hear = ({ name }: Error) => void warnings.push(name);
    process.on('warning', hear);
    await using reader = await readerOfAll(log, topic);
    await filled(log, 0, 3);
    await take(reader.lane(0, 0), 3);
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  }));
