import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { errorType } from '../../../src/adapters/kafka/failures.ts';
import { kafkajs, kafkajsVersion } from '../../../src/adapters/kafka/kafkajs.ts';
import { kafkaClient } from '../../../src/adapters/kafka/link.ts';
import type { Clock } from '../../../src/ports/clock.ts';

const clock: Clock = { now: () => 0, wait: async () => {} };

test('the version that is used beyond its public face is the one that is pinned', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(dependencies.kafkajs).toBe(kafkajsVersion);
  expect(kafkajs().errorOf(1)).toMatchObject({ type: 'OFFSET_OUT_OF_RANGE' });
});

test('a request queue with nothing pending arms no timer', () => {
  kafkajs();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const queue = newRequestQueue();
  queue.scheduleCheckPendingRequests();
  expect(timers()).toBe(before);
  queue.pending.push({});
  queue.throttledUntil = Date.now() + 60_000;
  queue.scheduleCheckPendingRequests();
  queue.scheduleCheckPendingRequests();
  expect(timers()).toBe(before + 1);
  queue.destroy();
  expect(timers()).toBe(before);
});

test('a client that nobody answers fails at once and keeps nothing open', async () => {
  const client = kafkaClient({ brokers: ['127.0.0.1:1'], clientId: 'test', clock });
  const admin = client.kafka.admin();
  await expect(admin.connect()).rejects.toThrow(/ECONNREFUSED/);
  client.close();
});

test('the name of an error is found however deep it is wrapped', () => {
  const inner = Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED' });
  expect(errorType(new Error('outer', { cause: new Error('middle', { cause: inner }) }))).toBe(inner.type);
  expect(errorType(Object.assign(new Error('all'), { errors: [inner] }))).toBe(inner.type);
  expect(errorType(new Error('no type'))).toBeUndefined();
  expect(errorType('text')).toBeUndefined();
});

interface Queue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

function newRequestQueue(): Queue {
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
    options: object,
  ) => Queue;
  return new RequestQueue({ requestTimeout: 1_000, enforceRequestTimeout: false, clientId: '', broker: '' });
}
