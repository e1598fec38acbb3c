import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { publishAll } from '../../src/client/publish-all.ts';
import { openPublisher } from '../../src/client/publisher.ts';
import { runSidecar } from '../../src/client/sidecar.ts';
import { collected } from '../given/collected.ts';
import { scriptedTransport } from '../given/scripted-transport.ts';

/** An Annal that takes everything. */
async function taker() {
  const taken: number[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const sent = JSON.parse(Buffer.concat(pieces).toString()) as { readonly value: number }[];
    const results = sent.map(({ value }) => ({
      status: 'appended',
      position: `1-0-${taken.push(value) - 1}`,
    }));
    response.end(JSON.stringify({ results }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ...{ taken, url: `http://127.0.0.1:${port}` },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

test('a plugin that publishes more at once than may wait is made to wait, not refused nor put in another order', async () => {
  await using server = await taker();
  const count = 10_200;
  const told: string[] = [];
  const write = (text: string): number => told.push(text);
  const code = await runSidecar(
    {
      ...{ name: 'many', version: '1' },
      async work({ publish }) {
        await Promise.all(
          Array.from({ length: count }, (_, n) => publish({ urn: `urn:li:tag:${n}`, aspect: 'a', value: n })),
        );
      },
    },
    {
      env: { ANNAL_URL: server.url, HEALTH_PORT: 'off' },
      ...{ stdout: { write }, stderr: { write }, signal: new AbortController().signal },
    },
  );
  expect([code, told.slice(1)]).toEqual([0, []]);
  expect(server.taken).toEqual(Array.from({ length: count }, (_, n) => n));
});

test('who shares a publisher with others is refused nothing for want of room', async () => {
  await using publisher = openPublisher({
    ...{ transport: scriptedTransport(), pendingMax: 1, lingerMs: 0 },
  });
  const changes = (name: string) =>
    Array.from({ length: 5 }, (_, n) => ({ urn: `urn:li:tag:${name}${n}`, aspect: 'a', value: n }));
  const outcomes = await Promise.all(
    ['x', 'y', 'z'].map((name) => collected(publishAll(publisher, changes(name)))),
  );
  expect(outcomes.flat().filter((outcome) => 'refused' in outcome)).toEqual([]);
});
