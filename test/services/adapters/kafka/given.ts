import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka } from 'kafkajs';
import type { KafkaNotice, KafkaSettings } from '../../../../src/adapters/kafka/settings.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { addressVariables } from '../../addresses.ts';

export const clock: Clock = {
  now: Date.now,
  async wait(waitMs, signal) {
    await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  },
};

export function brokers(): string[] {
  const given = process.env[addressVariables.kafka];
  if (!given) throw new Error(`${addressVariables.kafka} is not set: run \`npm run test:services\``);
  return given.split(',');
}

export const kafkaSettings = (more: Partial<KafkaSettings> = {}): KafkaSettings => ({
  brokers: brokers(),
  clientId: 'annal-test',
  clock,
  retentionMs: -1,
  ...more,
});

/** Settings that keep what the adapter notices. */
export function noticing(more: Partial<KafkaSettings> = {}): {
  settings: KafkaSettings;
  notices: KafkaNotice[];
} {
  const notices: KafkaNotice[] = [];
  return { notices, settings: kafkaSettings({ ...more, onNotice: (notice) => notices.push(notice) }) };
}

/** What a test needs of the broker that the adapter does not do. */
export async function asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: brokers(), logLevel: 0 }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export const deleteRecords = (topic: string, partition: number, before: number): Promise<void> =>
  asAdmin(async (admin) => {
    await admin.fetchTopicOffsets(topic); // Or kafkajs does not know where the topic's partitions live.
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
  });
