import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeRecord } from '../../../src/formats/segment.ts';
import type { PlainRecord } from '../../given/plain-reducer.ts';
import { addresses } from '../addresses.ts';
import { eventHubs } from '../event-hubs/manners.ts';
import { eventHubsProxy } from '../event-hubs/proxy.ts';
import { countKill } from '../kill-count.ts';
import { annal, spawned, startAnnal } from './annal-process.ts';
import { tableEvent } from './events.ts';
import { asAdmin, kafkaOf, type OwnProfile, ownProfile } from './own-profile.ts';
import { readTopic } from './plain-readers.ts';
import { archived, eventually } from './progress.ts';
import { strangers } from './strangers.ts';

const partitions = 3;
const events = 1_200;
const perRequest = 200;
const words = 'x'.repeat(20_000);

/** A log with large events, so that publishing them takes a while, and with records of strangers. */
async function filled({ env, name, servers }: OwnProfile): Promise<number> {
  await annal(['init', '--partitions', String(partitions)], env);
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using api = await startAnnal(['run', 'api'], env);
  for (let sent = 0; sent < events; sent += perRequest) {
    const batch = Array.from({ length: perRequest }, (_, n) => {
      const event = tableEvent(sent + n, `t${(sent + n) % 50}`);
      return { ...event, value: { ...event.value, description: `${sent + n} ${words}` } };
    });
    expect((await api.call('POST', '/v1/events', batch)).body).toMatchObject({ appended: perRequest });
  }
  const producer = kafkaOf(servers).producer();
  await producer.connect();
  const strange = strangers(partitions, 1);
  for (const { message } of strange) await producer.send({ topic: `${name}.e1`, messages: [message] });
  await producer.disconnect();
  await archived(archiver);
  expect(await api.stop()).toMatchObject({ code: 0 });
  expect(await archiver.stop()).toMatchObject({ code: 0 });
  return events + strange.length;
}

const added = ['annal-original-position', 'annal-original-time', 'annal-original-registry-id'];
const originalOf = ({ headers }: PlainRecord): Record<string, string> =>
  Object.fromEntries(added.flatMap((name) => (headers[name] ?? []).map((value) => [name, String(value)])));
const withoutAdded = ({ headers }: PlainRecord) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !added.includes(name)));
/** A client keeps the order of names and the order of values of a name. */
const headersOf = (headers: PlainRecord['headers']) =>
  Object.entries(headers).flatMap(([name, values]) =>
    values.map((value) => [Buffer.from(name), value] as const),
  );

/** SHA-256 over the leaf hashes, by docs/formats/restored.md. */
function digestOf(records: readonly { at: string; time: number; record: PlainRecord }[]): string {
  const leaves = records.map(({ at, time, record: { key, value, headers } }) => {
    const [epoch, partition, offset] = at.split('-').map(Number);
    const given = { offset: offset!, appendTime: time, key, value, headers: headersOf(headers) };
    const record = hash('sha256', encodeRecord(given), 'hex');
    const leaf = `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${offset},"record":"${record}"}`;
    return hash('sha256', `\0${leaf}`, 'buffer');
  });
  return hash('sha256', Buffer.concat(leaves), 'hex');
}

const ends = ({ servers }: OwnProfile, topic: string): Promise<number> =>
  asAdmin(servers, async (admin) =>
    (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0),
  );

/** Starts a restore and kills it once its topic holds something and not all; how much that was. */
async function killedInTheMiddle(profile: OwnProfile, topic: string, total: number): Promise<number> {
  const { child, ended, stderr } = spawned('src/apps/cli/main.ts', ['restore', '--yes'], profile.env);
  const admin = kafkaOf(profile.servers).admin();
  await admin.connect();
  try {
    await eventually('a topic in the middle', 60_000, async () => {
      if (child.exitCode !== null) throw new Error(`it ended before: ${stderr()}`);
      const held = await admin.fetchTopicOffsets(topic);
      return held.some(({ high }) => Number(high) > 0) ? true : undefined;
    });
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    countKill('SIGKILL', 'restore');
  } finally {
    await admin.disconnect();
  }
  const there = await ends(profile, topic);
  expect(there).toBeGreaterThan(0);
  expect(there).toBeLessThan(total);
  return there;
}

test('history for readers outside: killed in the middle, gone on with, equal to the log by the digests of a consumer', async () => {
  await using profile = await ownProfile();
  const { env, name, servers } = profile;
  const topic = `${name}.restored.1`;
  const total = await filled(profile);

  const plan = await annal(['restore', '--plan', '-o', 'json'], env);
  expect(JSON.parse(plan.stdout)).toMatchObject({ topic, partitions, events: total, resumes: null });
  expect(await annal(['restore'], env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('NOT_CONFIRMED'),
  });
  expect(await asAdmin(servers, (admin) => admin.listTopics())).not.toContain(topic);

  const there = await killedInTheMiddle(profile, topic, total);
  const gone = await annal(['restore', '--yes', '-o', 'json'], env, 120_000);
  expect(gone.code, gone.stderr).toBe(0);
  const report = JSON.parse(gone.stdout) as { lanes: { archive: object; topic: object }[] };
  expect(report).toMatchObject({ topic, equal: true, records: total, published: total - there });

  const log = await readTopic(servers, `${name}.e1`);
  const outside = await readTopic(servers, topic);
  for (const [partition, records] of log.entries()) {
    const found = outside[partition]!;
    expect(found.map(({ key, value }) => [key, value])).toEqual(
      records.map(({ key, value }) => [key, value]),
    );
    expect(found.map(withoutAdded)).toEqual(records.map(({ headers }) => headers));
    const told = found.map((record) => ({
      at: originalOf(record)['annal-original-position']!,
      time: Number(originalOf(record)['annal-original-time']),
      record: { ...record, headers: withoutAdded(record) },
    }));
    const was = records.map((record) => ({
      at: `1-${partition}-${record.offset}`,
      time: record.timestamp,
      record,
    }));
    expect(told.map(({ at, time }) => [at, time])).toEqual(was.map(({ at, time }) => [at, time]));
    const side = { records: records.length, digest: digestOf(was) };
    expect(digestOf(told)).toBe(side.digest);
    expect(report.lanes[partition]).toMatchObject({ archive: side, topic: side, equal: true });
  }

  for (const line of [['init'], ['run', 'archiver'], ['run', 'projector'], ['epoch', 'list']])
    expect(await annal(line, { ...env, ANNAL_TOPIC: topic }), line.join(' ')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('may not be a restored topic'),
    });
});

test('where topics are made by somebody else it says which, and takes it once it is there', async () => {
  await using profile = await ownProfile();
  const { env, name, servers } = profile;
  await annal(['init', '--partitions', '2'], env);
  {
    await using archiver = await startAnnal(['run', 'archiver'], env);
    await using api = await startAnnal(['run', 'api'], env);
    await api.call('POST', '/v1/events', [tableEvent(1), tableEvent(2), tableEvent(3)]);
    await archived(archiver);
  }
  await using proxy = await eventHubsProxy(addresses().kafkaBrokers[0]!, eventHubs);
  const hub = { ...env, ANNAL_KAFKA_BROKERS: proxy.address };
  const topic = `${name}.restored.1`;
  const refused = await annal(['restore', '--yes'], hub);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('TOPIC_FORBIDDEN');
  expect(refused.stderr).toContain(`Make ${topic} with 2 partitions`);
  await asAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }));
  const done = await annal(['restore', '--yes', '-o', 'json'], hub);
  expect(done.code, done.stderr).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({ topic, equal: true, records: 3 });
  expect(proxy.seen.filter(({ bytes }) => bytes > 1_046_528)).toEqual([]);
});
