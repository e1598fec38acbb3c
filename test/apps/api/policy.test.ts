import { hash } from 'node:crypto';
import fc from 'fast-check';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApi } from '../../../src/apps/api/api.ts';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import {
  anApi,
  type Calling,
  calling,
  properties,
  type ServedAnnal,
  servedAnnal,
  urn,
} from '../../given/api.ts';

const namespaces = ['shop', 'billing', 'support'];
const actions = ['publish', 'read', 'operate'] as const;
type Grants = { actions: (typeof actions)[number][]; namespace: string }[];

let served: ServedAnnal;
let everything: { urn: string; namespace: string; position: string }[];

const tokensOf = (callers: Record<string, Grants>) =>
  parseTokens(
    JSON.stringify(
      Object.entries(callers).map(([name, grants]) => ({
        name,
        sha256: hash('sha256', `${name}-secret`),
        grants,
      })),
    ),
    'tokens.json',
  );
const bearer = (name: string) => ({ authorization: `Bearer ${name}-secret` });

beforeAll(async () => {
  served = await servedAnnal();
  for (const namespace of namespaces)
    await served.put(
      properties('orders', { description: `of ${namespace}` }, namespace),
      { urn: urn('orders', namespace), aspect: 'status', value: { removed: false } },
      properties('customers', {}, namespace),
      { urn: urn('customers', namespace), change: 'DELETE' },
    );
  const { json } = await served.call('GET', '/v1/events?limit=1000');
  everything = json.items;
});
afterAll(() => served[Symbol.asyncDispose]());

test('every route says what it needs of its caller', () => {
  const open: string[] = [];
  const api = openApi(served.annal.runtime, {
    bind: { host: '127.0.0.1' },
    log: pino({ level: 'silent' }),
    version: '0',
  });
  api.addHook('onRoute', ({ url, config }) => {
    expect(config?.needs, url).toMatch(/^(open|read|publish|operate)$/);
    if (config?.needs === 'open') open.push(url);
  });
  return api.ready().then(async () => {
    expect(open.filter((url) => url.startsWith('/v1'))).toEqual(['/v1/errors', '/v1/errors']);
    await api.close();
  });
});

test('no query gives an item that reading it alone denies, or that no grant covers', async () => {
  const aGrants = fc.array(
    fc.record({
      actions: fc.subarray([...actions], { minLength: 1 }),
      namespace: fc.constantFrom(...namespaces, '*', 'elsewhere'),
    }),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(aGrants, async (grants) => {
      const api = anApi(served.annal.runtime, { tokens: tokensOf({ caller: grants }) });
      const call: Calling = (method, path) => calling(api)(method, path, { headers: bearer('caller') });
      await judge(call, (namespace) =>
        grants.some((grant) => grant.actions.includes('read') && ['*', namespace].includes(grant.namespace)),
      );
      await api.close();
    }),
    { numRuns: 25 },
  );
}, 60_000);

async function judge(call: Calling, may: (namespace: string) => boolean): Promise<void> {
  const path = (of: string) => `/v1/entities/${encodeURIComponent(of)}`;
  const searched = await call('GET', '/v1/search');
  if (![...namespaces, 'elsewhere'].some(may)) {
    for (const where of ['/v1/search', '/v1/facets', '/v1/events', path(urn('orders')), '/v1/projections'])
      expect((await call('GET', where)).json).toMatchObject({ status: 403, code: 'NOT_ALLOWED' });
    return;
  }
  const allowed = namespaces.filter(may);
  expect(searched.json.total).toBe(allowed.length);
  for (const item of searched.json.items) expect((await call('GET', path(item.urn))).status).toBe(200);
  const events = (await call('GET', '/v1/events?limit=1000')).json;
  expect(events.total).toBe(allowed.length * 4);
  for (const { position } of events.items)
    expect((await call('GET', `/v1/events/${position}`)).status).toBe(200);
  const facets = (await call('GET', '/v1/facets')).json;
  expect(facets.namespaces.map(({ value }: { value: string }) => value).sort()).toEqual([...allowed].sort());
  expect((await call('GET', '/v1/events?after=1:0.0&limit=1000')).json.items).toHaveLength(
    allowed.length * 4,
  );
  for (const namespace of namespaces) {
    const { near = [] } = (await call('GET', path(urn('ordes', namespace)))).json;
    for (const of of near) expect((await call('GET', path(of))).status, of).toBe(200);
    if (may(namespace)) expect(near).toContain(urn('orders', namespace));
  }
  for (const { urn: of, namespace, position } of everything) {
    const known = may(namespace);
    expect((await call('GET', `/v1/events/${position}`)).status).toBe(known ? 200 : 404);
    expect((await call('GET', `${path(of)}/history`)).status).toBe(known ? 200 : 404);
    expect((await call('GET', `${path(of)}?as-of=@${position}`)).status === 200 && !known).toBe(false);
    if (known) continue;
    // Told apart from what is not there by nothing.
    const denied = (await call('GET', path(of))).json;
    expect(denied).toMatchObject({ status: 404, code: 'ENTITY_NOT_FOUND' });
    expect((await call('GET', `/v1/events/${position}`)).json.code).toBe('EVENT_NOT_FOUND');
  }
}

test('publishing, operating and metrics ask for their own grants', async () => {
  const tokens = tokensOf({
    reader: [{ actions: ['read'], namespace: '*' }],
    shop: [{ actions: ['publish', 'read', 'operate'], namespace: 'shop' }],
    operator: [{ actions: ['operate'], namespace: '*' }],
  });
  const api = anApi(served.annal.runtime, { tokens });
  const as = async (name: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<number> =>
    (await calling(api)(method, path, { headers: bearer(name), ...(body === undefined ? {} : { body }) }))
      .status;
  expect(await as('reader', 'POST', '/v1/events', properties('x'))).toBe(403);
  expect(await as('shop', 'POST', '/v1/events', properties('x'))).toBe(201);
  expect(await as('shop', 'POST', '/v1/events', properties('x', {}, 'billing'))).toBe(403);
  const plan = { projection: 'entities', plan: true };
  expect(await as('reader', 'POST', '/v1/rebuilds', plan)).toBe(403);
  expect(await as('shop', 'POST', '/v1/rebuilds', plan)).toBe(403);
  expect(await as('operator', 'POST', '/v1/rebuilds', plan)).toBe(200);
  expect(await as('operator', 'GET', '/v1/search')).toBe(403);
  expect(await as('reader', 'GET', '/metrics')).toBe(403);
  expect(await as('operator', 'GET', '/metrics')).toBe(200);
  const counted = async (name: string) =>
    (await calling(api)('GET', '/v1/projections', { headers: bearer(name) })).json.items[0].documents;
  expect(await counted('reader')).toEqual(expect.any(Number));
  expect(await counted('shop')).toBeNull();
  await api.close();
});

test('with tokens nobody is the local owner: 401 for none, a wrong one, a wrong scheme', async () => {
  const api = anApi(served.annal.runtime, {
    tokens: tokensOf({ reader: [{ actions: ['read'], namespace: '*' }] }),
  });
  for (const authorization of [
    undefined,
    'Bearer',
    'Bearer wrong',
    'Basic cmVhZGVyLXNlY3JldA==',
    'reader-secret',
    `Bearer ${hash('sha256', 'reader-secret')}`,
  ]) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answer = await calling(api)('GET', '/v1/search', { headers });
    expect(answer.json, authorization).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(answer.text).not.toContain('secret');
  }
  expect(
    (await calling(api)('GET', '/v1/search', { headers: { authorization: 'bearer  reader-secret' } })).status,
  ).toBe(200);
  for (const path of ['/', '/livez', '/readyz', '/openapi.json'])
    expect((await calling(api)('GET', path)).status, path).toBe(200);
  await api.close();
});

test('a bind beyond loopback without tokens does not start', () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.4', '127.0.0.1.example.com', 'localhost.example.com', '']) {
    const open = () =>
      openApi(served.annal.runtime, { bind: { host }, log: pino({ level: 'silent' }), version: '0' });
    expect(open, host).toThrow(expect.objectContaining({ code: 'BIND_NEEDS_TOKENS' }));
  }
});

test.each([
  '127.0.0.1',
  'localhost',
  'LOCALHOST:8080',
  '[::1]',
  '[::1]:9',
  '127.8.8.8:80',
])('host %s is here', async (host) => {
  expect((await served.call('GET', '/v1/search', { headers: { host } })).status).toBe(200);
});

test.each([
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example:8080',
  '169.254.169.254',
  '0.0.0.0',
  'x@127.0.0.1',
])('host %s is refused, for every address', async (host) => {
  for (const path of ['/v1/search', '/', '/livez', '/openapi.json', '/nowhere'])
    expect((await served.call('GET', path, { headers: { host } })).json, path).toMatchObject({
      status: 403,
      code: 'HOST_NOT_ALLOWED',
    });
});

test('a page of another origin may not ask, the own one may', async () => {
  const asked = async (origin: string) =>
    served.call('POST', '/v1/events', { body: properties('y'), headers: { host: '127.0.0.1:8080', origin } });
  for (const origin of [
    'null',
    'http://evil.example',
    'https://127.0.0.1:8080',
    'http://127.0.0.1:8081',
    'http://127.0.0.1',
    'http://localhost:8080',
    '',
  ])
    expect((await asked(origin)).json, origin).toMatchObject({ status: 403, code: 'ORIGIN_NOT_ALLOWED' });
  expect((await asked('http://127.0.0.1:8080')).status).toBe(201);
});
