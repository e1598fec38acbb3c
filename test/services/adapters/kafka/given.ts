import { randomBytes } from 'node:crypto';
import { type Admin, Kafka } from 'kafkajs';
import type { KafkaNotice, KafkaSettings } from '../../../../src/adapters/kafka/settings.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../../../src/domain/event.ts';
import { isFault } from '../../../../src/domain/fault.ts';
import type { EpochTopic, EventLog, Lane, LogReader, NewRecord } from '../../../../src/ports/event-log.ts';
import { addressVariables } from '../../addresses.ts';

export function brokers(): string[] {
  const given = process.env[addressVariables.kafka];
  if (!given) throw new Error(`${addressVariables.kafka} is not set: run \`npm run test:services\``);
  return given.split(',');
}

export const kafkaSettings = (more: Partial<KafkaSettings> = {}): KafkaSettings => ({
  brokers: brokers(),
  clientId: 'annal-test',
  clock: systemClock,
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

export const newTopic = (partitions: number): EpochTopic => ({
  epoch: 1,
  topic: `test-${randomBytes(8).toString('hex')}.e1`,
  partitions,
});

export const never = (): AbortSignal => new AbortController().signal;

export const valued = (value: string): NewRecord => ({
  key: Buffer.from('urn:li:dataset:a'),
  value: Buffer.from(value),
  headers: [],
});

/** Appends `count` records, `perAppend` at a time. */
export async function filled(
  log: EventLog,
  partition: number,
  count: number,
  perAppend = count,
  record: (i: number) => NewRecord = (i) => valued(`value ${i}`),
): Promise<void> {
  for (let from = 0; from < count; from += perAppend)
    await log.append(
      partition,
      Array.from({ length: Math.min(perAppend, count - from) }, (_, i) => record(from + i)),
    );
}

/** Waits until the reader holds exactly `partitions`. */
export async function holds(
  reader: LogReader,
  partitions: (held: ReadonlySet<number>) => boolean,
): Promise<void> {
  const enough = new AbortController();
  for await (const held of reader.assignments(enough.signal)) if (partitions(held)) enough.abort();
}

export async function readerOfAll(log: EventLog, group: string): Promise<LogReader> {
  const reader = await log.reader(group);
  await holds(reader, ({ size }) => size === log.partitions);
  return reader;
}

export const textsOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => Buffer.from(value ?? []).toString('utf8'));

/** Pulls until `count` records came. */
export async function take(lane: Lane, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count) records.push(...(await lane.pull(never())).records);
  return records;
}

/** The code of the fault a call fails with; anything else it does comes back as it is. */
export const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ resolved: value }),
    (error: unknown) => (isFault(error) ? error.code : error),
  );
