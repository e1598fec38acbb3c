import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Problem, statusOf } from '../../../src/apps/api/problem.ts';
import { Fault, type FaultCode, faults } from '../../../src/domain/fault.ts';
import { anApi, type Calling, calling, type ServedAnnal, servedAnnal } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
});
afterAll(() => served[Symbol.asyncDispose]());

test('every code has one status, of a refusal or of a failure', () => {
  for (const [code, { remedy }] of Object.entries(faults)) {
    const status = statusOf(code as FaultCode);
    expect(status, code).toBeGreaterThanOrEqual(400);
    expect(status, code).toBeLessThan(600);
    if (remedy === 'halt') expect(status, code).toBe(500);
    if (remedy === 'refuse') expect(status, code).toBeLessThan(500);
  }
});

test.each([
  ['GET', '/nowhere', 404, 'ROUTE_UNKNOWN'],
  ['GET', '/v1', 404, 'ROUTE_UNKNOWN'],
  ['GET', '/v1/entities', 404, 'ROUTE_UNKNOWN'],
  ['GET', '/../../etc/passwd', 404, 'ROUTE_UNKNOWN'],
  ['GET', '/%2e%2e/package.json', 404, 'ROUTE_UNKNOWN'],
  ['GET', '/page.ts', 404, 'ROUTE_UNKNOWN'],
  ['DELETE', '/v1/events/1-0-0', 405, 'METHOD_NOT_ALLOWED'],
  ['PUT', '/v1/events', 405, 'METHOD_NOT_ALLOWED'],
  ['POST', '/v1/search', 405, 'METHOD_NOT_ALLOWED'],
  ['OPTIONS', '/v1/events', 405, 'METHOD_NOT_ALLOWED'],
  ['PUT', '/v1/rebuilds', 405, 'METHOD_NOT_ALLOWED'],
  ['GET', '/%E0%A4%A', 400, 'REQUEST_INVALID'],
] as const)('%s %s is a problem', async (method, path, status, code) => {
  const answer = await call(method, path);
  expect(answer.status).toBe(status);
  expect(answer.json).toMatchObject({ status, code, title: faults[code].about, doThis: faults[code].doThis });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json.instance).toBe(
    `urn:uuid:${answer.headers['annal-request-id'] ?? answer.json.instance.slice(9)}`,
  );
  if (status === 405) expect(answer.headers.allow).toMatch(/GET|POST/);
});

test('every wrong part of a request is named at once', async () => {
  const { json } = await call('GET', '/v1/search?limit=0&colour=red&cursor=');
  expect(json.wrong.map(({ name }: { name: string }) => name)).toContain('limit');
  expect(json.detail).toContain('colour');
  const body = await call('POST', '/v1/rebuilds', { body: { projektion: 'entities', plan: 'yes' } });
  expect(body.json).toMatchObject({
    status: 400,
    code: 'REQUEST_INVALID',
    pointer: expect.stringMatching(/^\//),
  });
  expect(body.json.wrong).toHaveLength(3);
});

test.each([
  ['', 400],
  ['{"projection":', 400],
  ['{"__proto__":{"projection":"all"}}', 400],
  [`{"projection":"${'a'.repeat(70_000)}"}`, 413],
])('a body that is no request is refused: %.30s', async (body, status) => {
  expect((await call('POST', '/v1/rebuilds', { body })).status).toBe(status);
});

test('what is refused tells nothing of how we are made; what fails even less', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const broken = async () => {
    throw new TypeError('cannot read /secret/path');
  };
  const api = anApi({ ...served.annal.runtime, projections: broken }, { log });
  const answer = await calling(api)('GET', '/v1/projections');
  expect(answer.json).toMatchObject({ status: 500, code: 'INTERNAL' });
  expect(answer.text).not.toMatch(/secret|TypeError|\.ts|stack/);
  expect(lines.join('')).toContain('secret');
  expect(JSON.parse(lines[0]!).requestId).toBe(answer.json.instance.slice('urn:uuid:'.length));
  await api.close();
});

test('a read model that is away: 503, when to come back, and publishing goes on', async () => {
  const away = async () => {
    throw new Fault('MODEL_UNAVAILABLE', { place: 'here' });
  };
  const { runtime } = served.annal;
  const api = anApi({ ...runtime, cut: away, model: { ...runtime.model, serving: away } });
  const searched = await calling(api)('GET', '/v1/search');
  expect(searched.json).toMatchObject({ status: 503, code: 'MODEL_UNAVAILABLE', cut: null });
  expect(Number(searched.headers['retry-after'])).toBeGreaterThan(0);
  const body = { urn: 'urn:li:dataset:x', aspect: 'status', value: { removed: false } };
  expect((await calling(api)('POST', '/v1/events', { body })).status).toBe(201);
  await api.close();
});

test('a read model that is not of this log is read by nothing; how things stand is still told', async () => {
  const foreign = async () => {
    throw new Fault('MODEL_OF_ANOTHER_LOG', { index: 'x' });
  };
  const api = anApi({ ...served.annal.runtime, cut: foreign });
  const entity = '/v1/entities/urn:li:dataset:x';
  const reading = ['/v1/search', '/v1/facets', '/v1/events', '/v1/events/1-0-0', entity, `${entity}/history`];
  for (const path of reading)
    expect((await calling(api)('GET', path)).json, path).toMatchObject({ code: 'MODEL_OF_ANOTHER_LOG' });
  for (const path of ['/v1/projections', '/v1/archive', '/metrics'])
    expect((await calling(api)('GET', path)).status, path).toBe(200);
  await api.close();
});

test('readiness: 200 and nothing missing, or 503 and what is missing', async () => {
  await expect.poll(async () => (await call('GET', '/readyz')).status, { timeout: 20_000 }).toBe(200);
  const reasons = [{ code: 'LOG_UNAVAILABLE', detail: 'no broker at 10.0.0.7:9092' }];
  const annal = { ...served.annal.runtime, health: async () => ({ ready: false, reasons }) };
  const api = anApi(annal);
  const answer = await calling(api)('GET', '/readyz');
  expect(answer.status).toBe(503);
  expect(answer.json).toMatchObject({ ready: false, reasons });
  await api.close();
  const { parseTokens } = await import('../../../src/apps/api/tokens.ts');
  const grants = [{ actions: ['read'], namespace: '*' }];
  const tokens = parseTokens(JSON.stringify([{ name: 'a', sha256: '0'.repeat(64), grants }]), '');
  const guarded = anApi(annal, { tokens });
  const told = await calling(guarded)('GET', '/readyz');
  expect(told.json.reasons[0].code).toBe('LOG_UNAVAILABLE');
  expect(told.text).not.toContain('10.0.0.7');
  await guarded.close();
});

test('every answer carries the headers that keep a browser safe', async () => {
  for (const path of ['/', '/page.js', '/v1/search', '/nowhere', '/errors', '/%E0%A4%A']) {
    const { headers } = await call('GET', path);
    expect(headers['content-security-policy'], path).toMatch(/^default-src 'self';.*frame-ancestors 'none'/);
    expect(headers['x-content-type-options'], path).toBe('nosniff');
    expect(headers['x-frame-options'], path).toBe('DENY');
    expect(headers['referrer-policy'], path).toBe('no-referrer');
  }
});

test('one line a request: what and how long, never a body, a query or a token', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const api = anApi(served.annal.runtime, { log });
  await calling(api)('GET', '/v1/search?q=hidden', { headers: { authorization: 'Bearer hidden' } });
  await api.close();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    msg: 'request answered',
    route: '/v1/search',
    status: 200,
    caller: 'local:owner',
  });
  expect(JSON.stringify(lines)).not.toContain('hidden');
});

test('the page of codes has every code and what a problem links to', async () => {
  const { text, headers } = await call('GET', '/errors');
  expect(headers['content-type']).toMatch(/^text\/html/);
  for (const code of Object.keys(faults)) expect(text).toContain(`<tr id="${code}">`);
  const { json } = await call('GET', '/v1/errors');
  expect(json.items.map(({ code }: Problem) => code)).toEqual(Object.keys(faults));
});
