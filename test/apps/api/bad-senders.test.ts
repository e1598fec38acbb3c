import { hash } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodyBudget } from '../../../src/apps/api/body-budget.ts';
import type { Api } from '../../../src/apps/api/request.ts';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import { anApi, calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

const grants = (namespace: string) => [{ actions: ['publish', 'read'], namespace }];
const tokens = parseTokens(
  JSON.stringify(
    ['flooder', 'other'].map((name) => ({
      ...{ name, sha256: hash('sha256', `${name}-secret`), grants: grants('shop') },
    })),
  ),
  'tokens.json',
);
const bearer = (name: string): string => `Bearer ${name}-secret`;
const mebibyte = 1024 * 1024;

let served: ServedAnnal;
let api: Api;
let port: number;
beforeAll(async () => {
  served = await servedAnnal();
  const bodies = { bytesMax: 40 * mebibyte, callerBytesMax: 20 * mebibyte };
  api = anApi(served.annal.runtime, { tokens, bodies, requestMs: 1_500 });
  await api.listen({ host: '127.0.0.1', port: 0 });
  port = (api.server.address() as AddressInfo).port;
});
afterAll(async () => {
  await api.close();
  await served[Symbol.asyncDispose]();
});

/** A request whose body never ends. */
function stalled(
  caller: string,
  bytes: number,
  [head, more]: readonly [head: string, more: string] = ['POST /v1/events', ''],
): net.Socket & { readonly said: () => string } {
  const socket = net.connect(port, '127.0.0.1');
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  socket.on('error', () => undefined); // The server may end it at any time.
  socket.write(
    `${head} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer(caller)}\r\n${more}` +
      `Content-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n[`,
  );
  return Object.assign(socket, { said: () => said });
}

const publish = (caller: string, body: unknown) =>
  fetch(`http://127.0.0.1:${port}/v1/events`, {
    method: 'POST',
    headers: { authorization: bearer(caller), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('who floods or stalls', () => {
  test('is refused before more of it is read than one caller may have; others are served, and late bodies end', async () => {
    const half = [stalled('flooder', 8 * mebibyte), stalled('flooder', 8 * mebibyte)];
    // Those two are there once a third finds no room.
    await expect
      .poll(async () => (await publish('flooder', { pad: 'x'.repeat(5 * mebibyte) })).status)
      .toBe(429);
    const refused = await publish('flooder', { pad: 'x'.repeat(5 * mebibyte) });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'CALLER_BUSY', status: 429 });
    expect((await publish('other', properties('served'))).status).toBe(201);
    const big = Array.from({ length: 40 }, (_, n) =>
      properties(`big${n}`, { description: 'x'.repeat(100_000) }),
    );
    expect((await publish('other', big)).status).toBe(200);

    await Promise.all(half.map((socket) => (socket.closed ? undefined : once(socket, 'close'))));
    for (const socket of half) expect(socket.said()).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(async () => (await publish('flooder', big)).status).toBe(200);
  });

  test.for<readonly [string, string]>([
    ['POST /api/gms/aspects?action=ingestProposal', 'Content-Encoding: gzip\r\n'],
    ['PATCH /api/gms/openapi/v3/entity/dataset', 'Content-Encoding: gzip\r\n'],
  ])('takes room for what a packed body may unpack to: %s', async (request) => {
    const packed = [stalled('flooder', 100, request), stalled('flooder', 100, request)];
    await expect.poll(() => packed.map((socket) => socket.said()).join('')).toMatch(/^HTTP\/1\.1 429 /);
    for (const socket of packed) socket.destroy();
    await expect.poll(async () => (await publish('flooder', properties('after'))).status).toBe(201);
  });

  test('that goes away gives back what it took', async () => {
    const sockets = [stalled('flooder', 8 * mebibyte), stalled('flooder', 8 * mebibyte)];
    const body = { pad: 'x'.repeat(5 * mebibyte) };
    await expect.poll(async () => (await publish('flooder', body)).status).toBe(429);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await publish('flooder', properties('again'))).status).toBe(201);
    await expect.poll(async () => (await publish('flooder', body)).status).toBe(400);
  });
});

describe('room for bodies', () => {
  test('is bounded for each caller and for all, and given back once', () => {
    const budget = bodyBudget({ bytesMax: 10, callerBytesMax: 6 });
    const first = budget.take('a', 5);
    expect(() => budget.take('a', 2)).toThrow('CALLER_BUSY');
    const second = budget.take('b', 5);
    expect(() => budget.take('c', 1)).toThrow('INTAKE_BUSY');
    first();
    first();
    expect(budget.bytes).toBe(5);
    budget.take('c', 5);
    second();
    expect(budget.bytes).toBe(5);
  });

  test('lets in what is larger than the bound where nothing else is', () => {
    const budget = bodyBudget({ bytesMax: 10, callerBytesMax: 6 });
    const giveBack = budget.take('a', 100);
    expect(() => budget.take('b', 1)).toThrow('INTAKE_BUSY');
    giveBack();
    expect(budget.bytes).toBe(0);
  });
});

describe('who lies about who it is', () => {
  test('is named by its token beside what it claims, and gets nowhere that the token does not', async () => {
    const call = calling(api);
    const headers = { authorization: bearer('flooder') };
    const lie = { ...properties('lied'), actor: 'urn:li:corpuser:the-boss', source: { plugin: 'other' } };
    const { status, json } = await call('POST', '/v1/events', { body: lie, headers });
    expect(status).toBe(201);
    const told = await call('GET', `/v1/events/${json.position}?wait=10s`, { headers });
    expect(told.json).toMatchObject({
      ...{ actor: 'urn:li:corpuser:the-boss', source: { plugin: 'other' }, recordedBy: 'token:flooder' },
    });
    const claims = [
      ['FIELD_UNKNOWN', { ...properties('x'), recordedBy: 'token:other' }],
      ['FIELD_UNKNOWN', { ...properties('x'), namespace: 'billing' }],
      ['NOT_ALLOWED', properties('x', {}, 'billing')],
      ['URN_INVALID', { ...properties('x'), actor: 'the boss' }],
    ] as const;
    for (const [code, body] of claims)
      expect((await call('POST', '/v1/events', { body, headers })).json.code, JSON.stringify(body)).toBe(
        code,
      );
    const unknown = { authorization: 'Bearer somebody' };
    expect((await call('POST', '/v1/events', { body: lie, headers: unknown })).status).toBe(401);
    expect(await call('GET', `/v1/entities/${encodeURIComponent(urn('lied'))}`, { headers })).toMatchObject({
      status: 200,
    });
  });
});
