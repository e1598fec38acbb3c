import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { registryApi } from '../../../src/adapters/confluent-registry/api.ts';

/** A registry that leaves its first `silent` requests without an answer. */
async function registry(silent: number): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    if (asked <= silent) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 7, schema: '"string"' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

test('a call whose answer is lost is made again', async () => {
  const { url, asked } = await registry(1);
  expect(await registryApi({ url, silentMs: 100 }).register('subject', '"string"')).toEqual({ id: 7 });
  expect(asked()).toBe(2);
});

test('a registry that never answers is said to be away', async () => {
  const { url, asked } = await registry(Number.POSITIVE_INFINITY);
  await expect(registryApi({ url, silentMs: 50 }).version('subject', 'latest')).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
    facts: { reason: 'no answer to 3 calls within 150 ms' },
  });
  expect(asked()).toBe(3);
});
