import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
});
afterAll(() => served[Symbol.asyncDispose]());

test('one event: 201, where it stands, and a link under which its outcome shows', async () => {
  const answer = await call('POST', '/v1/events', { body: properties('orders') });
  expect(answer.status).toBe(201);
  expect(answer.json).toMatchObject({ urn: urn('orders'), aspect: 'datasetProperties' });
  expect(answer.json.position).toMatch(/^1-[01]-\d+$/);
  expect(answer.headers.location).toBe(`/v1/events/${answer.json.position}`);
  expect(answer.json.outcome).toBe(answer.headers.location);
  const event = await call('GET', `${answer.json.outcome}?wait=20s`);
  expect(event.json).toMatchObject({
    position: answer.json.position,
    id: answer.json.id,
    outcome: 'applied',
  });
});

test('an array: 200 with one result per event in their order, and how many were refused', async () => {
  const answer = await call('POST', '/v1/events', {
    body: [properties('a'), { urn: 'no urn', aspect: 'status', value: {} }, properties('b')],
  });
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({ appended: 2, refused: 1, unknown: 0 });
  expect(answer.json.results.map((result: { status: string }) => result.status)).toEqual([
    'appended',
    'refused',
    'appended',
  ]);
  expect(answer.json.results[1]).toMatchObject({ code: 'URN_INVALID', pointer: '/urn' });
  expect(answer.json.results[2].position).toMatch(/^1-[01]-\d+$/);
});

test.each([
  ['no JSON', '{"urn":', 400, 'JSON_INVALID'],
  ['nothing', '', 400, 'JSON_INVALID'],
  ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'JSON_INVALID'],
  ['no event', '[1]', 200, undefined],
  ['a scalar', '42', 400, 'EVENT_SHAPE'],
  ['a shape', { urn: urn('x'), aspect: 'status' }, 400, undefined],
  ['an unknown member', { ...properties('x'), colour: 'red' }, 400, 'FIELD_UNKNOWN'],
  ['a URN that goes up', { ...properties('x'), urn: 'urn:li:dataset:../../etc' }, 400, 'URN_INVALID'],
  [
    'duplicate keys',
    `{"urn":"${urn('x')}","aspect":"status","value":{"removed":true,"removed":false}}`,
    400,
    'DUPLICATE_KEY',
  ],
  [
    'a lossy number',
    `{"urn":"${urn('x')}","aspect":"status","value":{"removed":true,"n":1e400}}`,
    400,
    'NUMBER_LOSSY',
  ],
  ['__proto__', `{"urn":"${urn('x')}","aspect":"status","value":{"__proto__":{}}}`, 400, 'KEY_FORBIDDEN'],
  ['an unknown aspect', { urn: urn('x'), aspect: 'noSuchAspect', value: {} }, 422, 'ASPECT_UNKNOWN'],
  ['a wrong value', { urn: urn('x'), aspect: 'status', value: { removed: 'yes' } }, 422, 'ASPECT_INVALID'],
  [
    'a person',
    { urn: 'urn:li:corpuser:ann', aspect: 'corpUserInfo', value: { active: true } },
    422,
    'SEALING_REQUIRED',
  ],
  ['a value too large', properties('x', { description: 'a'.repeat(800_000) }), 413, 'VALUE_TOO_LARGE'],
  [
    'too deep',
    `{"urn":"${urn('x')}","aspect":"status","value":${'['.repeat(80)}${']'.repeat(80)}}`,
    400,
    'JSON_TOO_DEEP',
  ],
  ['too many', `[${new Array(1_001).fill('{}').join(',')}]`, 413, 'TOO_MANY_EVENTS'],
  ['a body too large', Buffer.alloc(8 * 1024 * 1024 + 1, 0x20), 413, 'BODY_TOO_LARGE'],
])('%s is refused with a problem that says why', async (_why, body, status, code) => {
  const answer = await call('POST', '/v1/events', { body });
  expect(answer.status, answer.text.slice(0, 300)).toBe(status);
  if (status === 200) return expect(answer.json.refused).toBe(1);
  if (code !== undefined) expect(answer.json.code).toBe(code);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json).toMatchObject({ status, type: `/errors#${answer.json.code}` });
  for (const member of ['title', 'detail', 'doThis', 'instance'])
    expect(answer.json[member], member).toEqual(expect.stringMatching(/./));
});

test.each([
  ['text/plain', {}],
  ['application/x-www-form-urlencoded', {}],
  ['application/json', { 'content-encoding': 'gzip' }],
])('%s %j is no body that is taken', async (type, headers) => {
  const answer = await call('POST', '/v1/events', {
    body: '{}',
    headers: { 'content-type': type, ...headers },
  });
  expect(answer.json).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' });
});

test('a charset beside the media type changes nothing', async () => {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  expect((await call('POST', '/v1/events', { body: properties('c'), headers })).status).toBe(201);
});

test('the same body under one Idempotency-Key is one event; another body is refused', async () => {
  const headers = { 'idempotency-key': 'save 17' };
  const first = await call('POST', '/v1/events', { body: properties('once'), headers });
  const again = await call('POST', '/v1/events', { body: properties('once'), headers });
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.json).toMatchObject({ position: first.json.position, id: first.json.id, repeated: true });
  const other = await call('POST', '/v1/events', { body: properties('other'), headers });
  expect(other.json).toMatchObject({ status: 409, code: 'IDEMPOTENCY_CONFLICT' });
});

test.each([
  ['a'.repeat(257)],
  ['tab\there'],
  ['caf\u00e9'],
  [''],
])('Idempotency-Key %j is refused', async (key) => {
  const answer = await call('POST', '/v1/events', {
    body: properties('x'),
    headers: { 'idempotency-key': key },
  });
  expect(answer.json).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
});

test('an append that was not confirmed is 503 with the id to send again', async () => {
  const { anApi, calling } = await import('../../given/api.ts');
  const { runtime } = served.annal;
  const id = '01234567-89ab-7def-8123-456789abcdef';
  const unknown = {
    status: 'unknown',
    code: 'APPEND_UNKNOWN',
    urn: urn('x'),
    id,
    detail: 'no answer',
  } as const;
  const intake = { ...runtime.intake!, submit: async () => ({ kind: 'one' as const, results: [unknown] }) };
  const api = anApi({ ...runtime, intake });
  const answer = await calling(api)('POST', '/v1/events', { body: properties('x') });
  expect(answer.json).toMatchObject({ status: 503, code: 'APPEND_UNKNOWN', ids: [id] });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  await api.close();
});

test('a process that takes nothing in says so', async () => {
  const { anApi, calling } = await import('../../given/api.ts');
  const api = anApi({ ...served.annal.runtime, intake: undefined });
  const answer = await calling(api)('POST', '/v1/events', { body: properties('x') });
  expect(answer.json).toMatchObject({ status: 404, code: 'INTAKE_ABSENT' });
  await api.close();
});
