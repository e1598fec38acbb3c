import { randomBytes } from 'node:crypto';
import { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import type { EpochTopic, LogReader, NewRecord } from '../../../../src/ports/event-log.ts';
import { brokers, filled, kafkaSettings, newTopic, readerOfAll } from './given.ts';

const partitions = 4;
const count = 200_000;
const perAppend = 2_000;

const small = (i: number): NewRecord => ({
  key: Buffer.from(`urn:li:dataset:${i % 1_000}`),
  value: randomBytes(200),
  headers: [
    [Buffer.from('annal-epoch'), Buffer.from('1')],
    [Buffer.from('annal-schema'), Buffer.from('00'.repeat(32))],
  ],
});

async function rawRate({ topic }: EpochTopic): Promise<number> {
  const consumer = new Kafka({ brokers: brokers(), logLevel: 0 }).consumer({
    groupId: `${topic}-raw`,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxBytes: 16 * 1024 * 1024,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const all = Promise.withResolvers<void>();
  let [read, startedAt] = [0, 0];
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      startedAt ||= performance.now();
      read += batch.messages.length;
      if (read >= count) all.resolve();
    },
  });
  const joinedAt = performance.now();
  await all.promise;
  const perSecond = count / ((performance.now() - Math.min(joinedAt, startedAt)) / 1_000);
  await consumer.disconnect();
  return perSecond;
}

async function laneRate(reader: LogReader): Promise<number> {
  let read = 0;
  const startedAt = performance.now();
  const stop = new AbortController();
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const lane = reader.lane(partition, 0);
      try {
        for (;;) {
          const { records } = await lane.pull(stop.signal);
          read += records.length;
          if (read >= count) stop.abort();
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
    }),
  );
  return read / ((performance.now() - startedAt) / 1_000);
}

// Printed, not judged: a machine under other load says little. Raw kafkajs is the ceiling lanes are compared with.
test('records per second through lanes and through kafkajs alone', async () => {
  await using host = kafkaLogHost(kafkaSettings());
  const topic = newTopic(partitions);
  await host.create(topic);
  await using log = await host.open(topic);
  const appendStartedAt = performance.now();
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      filled(log, partition, count / partitions, perAppend, small),
    ),
  );
  const appended = count / ((performance.now() - appendStartedAt) / 1_000);
  await using reader = await readerOfAll(log, `${topic.topic}-lanes`);
  const [lanes, raw] = [[] as number[], [] as number[]];
  for (let round = 0; round < 3; round++) {
    raw.push(await rawRate(topic));
    lanes.push(await laneRate(reader));
  }
  const [best, ceiling] = [Math.max(...lanes), Math.max(...raw)];
  const shown = (rates: number[]) => rates.map((rate) => `${Math.round(rate / 1_000)}k`).join(' ');
  console.log(
    `append ${Math.round(appended / 1_000)}k/s; lanes ${shown(lanes)}; raw kafkajs ${shown(raw)}; ratio ${(best / ceiling).toFixed(2)}`,
  );
  expect(best).toBeGreaterThan(0);
});
