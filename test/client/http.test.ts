import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change } from '../../src/client/change.ts';
import { httpTransport } from '../../src/client/http.ts';
import { publishAll } from '../../src/client/publish-all.ts';
import { openPublisher } from '../../src/client/publisher.ts';
import { type PublisherWorld, publisherContract } from '../contracts/publisher.contract.ts';
import { collected } from '../given/collected.ts';
import { loggedAt } from '../given/logged.ts';
import { type ServedFolder, servedFolder } from '../given/served-folder.ts';

let served: ServedFolder;
beforeAll(async () => {
  served = await servedFolder();
});
afterAll(() => served[Symbol.asyncDispose]());

publisherContract(
  'HTTP',
  (): PublisherWorld => ({
    transport: () => httpTransport({ url: served.address }),
    logged: (urns, enough) => loggedAt(served.address, urns, enough),
  }),
);

const urnOf = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;
const change = (name: string, more: Partial<Change> = {}): Change => ({
  ...{ urn: urnOf(name), aspect: 'datasetProperties', value: { name } },
  ...more,
});

describe('what the server refuses', () => {
  test('is told by its code and place, each alone', async () => {
    await using publisher = openPublisher({ transport: httpTransport({ url: served.address }) });
    const deep: unknown = JSON.parse(`${'['.repeat(600)}${']'.repeat(600)}`);
    const changes = [
      change('r1'),
      change('r2', { aspect: 'madeUp' }),
      change('r3', { value: { name: 7 } }),
      // One that no request can hold spoils none of the others.
      change('r4', { value: deep as never }),
      change('r5', { urn: 'urn:li:corpuser:u1', aspect: 'corpUserInfo', value: { active: true } }),
      change('r6'),
    ];
    const outcomes = await collected(publishAll(publisher, changes));
    expect(outcomes.map((one) => ('refused' in one ? one.refused.code : one.published.place.where))).toEqual([
      ...['log', 'ASPECT_UNKNOWN', 'ASPECT_INVALID', 'JSON_TOO_DEEP', 'SEALING_REQUIRED', 'log'],
    ]);
    expect(outcomes[2]).toMatchObject({ refused: { pointer: '/value/name', remedy: 'refuse' } });
  });
});

interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly bodies: readonly string[];
}

/** Something between here and an Annal that answers what it likes. */
async function answering(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<FakeServer> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await collected(request as AsyncIterable<Buffer>);
    const count = bodies.push(Buffer.concat(chunks).toString('utf8'));
    answer(request, response, count);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const taken = (body: string): string =>
  JSON.stringify({
    results: (JSON.parse(body) as unknown[]).map((_, n) => ({ status: 'appended', position: `1-0-${n}` })),
  });

describe('what stands in the way', () => {
  const publishTo = (url: string, waits: number[] = []) =>
    openPublisher({
      transport: httpTransport({ url, requestMs: 200, token: () => 'secret-of-this-test' }),
      backoff: { firstMs: 1, mostMs: 2 },
      onRetry: (_, waitMs) => waits.push(waitMs),
    });

  test('who is asked to wait waits so long, and sends the same bytes', async () => {
    const waits: number[] = [];
    await using server = await answering((_, response, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end('slow down');
      else if (count === 2) response.writeHead(503, { 'retry-after': 'soon' }).end('{"code":"LOG_BUSY"}');
      else response.writeHead(200).end(taken(server.bodies[count - 1]!));
    });
    await using publisher = publishTo(server.url, waits);
    await publisher.publish(change('a'));
    expect(waits[0]).toBeGreaterThanOrEqual(1_000);
    expect(waits[1]).toBeLessThan(1_000);
    expect(new Set(server.bodies).size).toBe(1);
  });

  test('half an answer, none, and an answer of something else are tried again', async () => {
    await using server = await answering((_, response, count) => {
      if (count === 1) response.writeHead(200, { 'content-length': '100' }).end('{"results":');
      else if (count === 2) return;
      else if (count === 3) response.writeHead(200).end('<html>hello</html>');
      else if (count === 4) response.writeHead(200).end('{"results":[]}');
      else if (count === 5) response.writeHead(502).end('bad gateway');
      else response.writeHead(200).end(taken(server.bodies[count - 1]!));
    });
    await using publisher = publishTo(server.url);
    expect(await publisher.publish(change('a'))).toMatchObject({ place: { position: '1-0-0' } });
    expect(server.bodies).toHaveLength(6);
  });

  test('a refusal of the caller is final for all, and names no token', async () => {
    await using server = await answering((_, response) => {
      response.writeHead(401).end('{"code":"UNAUTHENTICATED","detail":"this token is not known here"}');
    });
    await using publisher = publishTo(server.url);
    const refused = await Promise.all(
      ['a', 'b'].map((name) => publisher.publish(change(name)).catch((error: unknown) => error)),
    );
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', remedy: 'refuse', status: 401 });
      expect(String(error)).not.toContain('secret-of-this-test');
    }
    expect(server.bodies).toHaveLength(1);
  });

  test('a URL that holds a password, or is of something else, is refused before anything is sent', () => {
    for (const url of ['http://a:b@127.0.0.1/', 'ftp://127.0.0.1/'])
      expect(() => httpTransport({ url })).toThrow(TypeError);
  });
});
