import { expect, test } from 'vitest';
import { type FileLog, fileLogHost } from '../../../src/adapters/file-log/event-log.ts';
import type { TornTail } from '../../../src/adapters/file-log/log-file.ts';
import { Fault } from '../../../src/domain/fault.ts';
import type { EpochTopic } from '../../../src/ports/event-log.ts';
import { lossyDisk } from './lossy-disk.ts';
import { seeded } from './seeded.ts';

// Disks that are full, that fail to sync, that rot: what a caller is told, and what is still there.

const topic: EpochTopic = { epoch: 1, topic: 'log.e1', partitions: 1 };
const file = (first: number) => `/data/log.e1/0/${String(first).padStart(20, '0')}.log`;
const record = (value: string) => ({ key: null, value: Buffer.from(value), headers: [] });
const signal = new AbortController().signal;

async function world(segmentBytesMax = 1_000_000) {
  const disk = lossyDisk(seeded(7), '/data');
  const torn: TornTail[] = [];
  const options = { dir: '/data', disk, segmentBytesMax, clock: { now: () => 5 } };
  const host = () => fileLogHost({ ...options, onTorn: (tail) => torn.push(tail) });
  await host().create(topic);
  return { disk, torn, host, open: async (): Promise<FileLog> => host().open(topic) };
}

async function values(log: FileLog): Promise<string[]> {
  await using reader = await log.reader('all');
  const { first, end } = (await log.bounds())[0]!;
  const lane = reader.lane(0, first);
  const found: string[] = [];
  while (first + found.length < end) {
    for (const { value } of (await lane.pull(signal)).records) found.push(Buffer.from(value!).toString());
  }
  return found;
}

const fault = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => (error instanceof Fault ? { code: error.code, ...error.facts } : error),
  );

test('appends that come together share a commit', async () => {
  const { disk, open } = await world();
  await using log = await open();
  const before = disk.syncs;
  const appends = Array.from({ length: 100 }, (_, i) => log.append(0, [record(`${i}`)]));
  const firsts = (await Promise.all(appends)).map(({ first }) => first);
  expect(firsts).toEqual(firsts.map((_, i) => i));
  expect(disk.syncs - before).toBe(1);
});

test('a full disk refuses appends, keeps what it has, and takes them when there is room again', async () => {
  const { disk, open } = await world();
  const log = await open();
  await log.append(0, [record('one')]);
  const before = disk.content(file(0));
  disk.capacity = before.length + 1_000;
  const large = [record('x'.repeat(5_000))];
  for (let tries = 0; tries < 3; tries++) {
    expect(await fault(log.append(0, large))).toMatchObject({
      code: 'LOG_UNAVAILABLE',
      reason: 'no space left on the disk',
    });
    expect(disk.content(file(0)).equals(before)).toBe(true);
  }
  expect(await log.append(0, [record('two')])).toEqual({ first: 1, appendTime: 5 });
  disk.capacity = Number.POSITIVE_INFINITY;
  await log.append(0, [record('three')]);
  expect(await values(log)).toEqual(['one', 'two', 'three']);
  disk.restart();
  expect(await values(await open())).toEqual(['one', 'two', 'three']);
});

test('a failed sync is an unknown outcome, and nothing is appended until the log is opened again', async () => {
  const { disk, open } = await world();
  const log = await open();
  await log.append(0, [record('one')]);
  disk.failingSyncs = 1;
  expect(await fault(log.append(0, [record('lost?')]))).toMatchObject({ code: 'APPEND_UNKNOWN' });
  expect(await fault(log.append(0, [record('two')]))).toMatchObject({ code: 'LOG_UNAVAILABLE' });
  expect(await values(log)).toEqual(['one']);
  await log[Symbol.asyncDispose]();
  disk.restart();
  const again = await open();
  await again.append(0, [record('three')]);
  const found = await values(again);
  expect(found.filter((value) => value !== 'lost?')).toEqual(['one', 'three']);
});

test('damage with a valid frame behind it is told with its place and left as it is', async () => {
  const { disk, open } = await world();
  const log = await open();
  for (const value of ['one', 'two', 'three']) await log.append(0, [record(value)]);
  await log[Symbol.asyncDispose]();
  const at = disk.content(file(0)).length / 3; // The frames are of equal length but for two bytes.
  disk.damage(file(0), (content) => {
    content[Math.floor(at) + 20]! ^= 1;
    return content;
  });
  const damaged = Buffer.from(disk.content(file(0)));
  for (let tries = 0; tries < 2; tries++) {
    expect(await fault(open())).toMatchObject({ code: 'LOG_CORRUPT', file: file(0), offset: 1 });
    expect(disk.content(file(0)).equals(damaged)).toBe(true);
  }
});

test('damage in any byte of an older file is never read past', async () => {
  const { disk, open } = await world(150);
  const log = await open();
  for (let i = 0; i < 9; i++) await log.append(0, [record(`value ${i}`)]);
  await log[Symbol.asyncDispose]();
  const whole = disk.content(file(0));
  for (let at = 0; at < whole.length; at++) {
    disk.damage(file(0), (content) => {
      content[at]! ^= 0x10;
      return content;
    });
    await using again = await open();
    expect(await fault(values(again))).toMatchObject({ code: 'LOG_CORRUPT', file: file(0) });
    disk.damage(file(0), () => Buffer.from(whole));
  }
  disk.damage(file(0), (content) => content.subarray(0, content.length - 1));
  await using again = await open();
  expect(await fault(values(again))).toMatchObject({ code: 'LOG_CORRUPT', file: file(0) });
});

test('an older file that is gone or ends early is told, never skipped', async () => {
  const { disk, open } = await world(1);
  const log = await open();
  for (let i = 0; i < 5; i++) await log.append(0, [record(`${i}`)]);
  await log[Symbol.asyncDispose]();
  await disk.remove(file(2));
  await using again = await open();
  expect(await fault(values(again))).toMatchObject({ code: 'LOG_CORRUPT', file: file(1) });
});

test('a torn tail is cut off at every length, told, and nothing before it is touched', async () => {
  const { disk, torn, open } = await world();
  const log = await open();
  await log.append(0, [record('kept')]);
  const kept = disk.content(file(0)).length;
  await log.append(0, [record('torn'), record('torn too')]);
  await log[Symbol.asyncDispose]();
  const whole = disk.content(file(0));
  for (let length = kept + 1; length < whole.length; length++) {
    disk.damage(file(0), () => Buffer.from(whole.subarray(0, length)));
    await using again = await open();
    expect(await values(again)).toEqual(['kept']);
    expect(torn.pop()).toMatchObject({ file: file(0), at: kept, bytes: length - kept });
    expect((await again.append(0, [record('next')])).first).toBe(1);
  }
  disk.damage(file(0), () => Buffer.concat([whole, Buffer.alloc(10_000)]));
  await using again = await open();
  expect(await values(again)).toEqual(['kept', 'torn', 'torn too']);
  expect(torn.pop()).toMatchObject({ bytes: 10_000 });
});

test('a frame inside a value is no frame', async () => {
  const { disk, open } = await world();
  const log = await open();
  await log.append(0, [record('first')]);
  const frame = Buffer.from(disk.content(file(0)));
  const kept = frame.length;
  await log.append(0, [{ key: null, value: Buffer.concat([Buffer.alloc(600), frame]), headers: [] }]);
  await log[Symbol.asyncDispose]();
  // The frame's own salt would make it valid: so it is one of another topic, as a publisher could have it.
  const other = await world();
  await (await other.open()).append(0, [record('first')]);
  const foreign = Buffer.from(other.disk.content(file(0)));
  disk.damage(file(0), (content) => {
    foreign.copy(content, content.lastIndexOf(frame.subarray(0, 4)));
    content[kept + 40]! ^= 1;
    return content;
  });
  expect(await values(await open())).toEqual(['first']);
});

test('log files without their topic file are not taken for torn ones', async () => {
  const { disk, host, open } = await world();
  const log = await open();
  await log.append(0, [record('one')]);
  await log[Symbol.asyncDispose]();
  const before = disk.content(file(0));
  const description = Buffer.from(disk.content('/data/log.e1/topic.json'));
  await disk.remove('/data/log.e1/topic.json');
  expect(await fault(host().create(topic))).toMatchObject({ code: 'LOG_CORRUPT' });
  expect(await fault(open())).toMatchObject({ code: 'TOPIC_MISSING' });
  expect(disk.content(file(0)).equals(before)).toBe(true);
  expect(description.length).toBeGreaterThan(0);
});

test('two handles of a topic are one log', async () => {
  const { host } = await world();
  const one = host();
  const first = await one.open(topic);
  const second = await one.open(topic);
  const told = await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? first : second).append(0, [record(`${i}`)])),
  );
  expect(new Set(told.map(({ first: offset }) => offset)).size).toBe(20);
  await first[Symbol.asyncDispose]();
  await second.append(0, [record('20')]);
  expect(await values(second)).toHaveLength(21);
  await one[Symbol.asyncDispose]();
  expect(await fault(second.append(0, [record('21')]))).toMatchObject({ code: 'LOG_UNAVAILABLE' });
});

test('a log that is closed while another handle is opened is whole for the new one', async () => {
  const { host } = await world();
  const one = host();
  const first = await one.open(topic);
  const append = first.append(0, [record('one')]);
  const closing = first[Symbol.asyncDispose]();
  const second = await one.open(topic);
  expect(await values(second)).toEqual(['one']);
  expect((await second.append(0, [record('two')])).first).toBe(1);
  await Promise.all([append, closing]);
  await using reader = await second.reader('waiting');
  const waiting = fault(reader.lane(0, 2).pull(signal));
  await one[Symbol.asyncDispose]();
  expect(await waiting).toMatchObject({ code: 'LANE_REVOKED' });
});

test('a disk that cannot be read is told as such', async () => {
  const { disk, host } = await world();
  disk.failAfter(2);
  expect(await fault(host().open(topic))).toMatchObject({ code: 'LOG_UNAVAILABLE' });
});
