import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;
let positions: string[];

const path = (of: string, rest = ''): string => `/v1/entities/${encodeURIComponent(of)}${rest}`;
const owned = { owners: [{ owner: 'urn:li:corpuser:ann', type: 'DATAOWNER' }] };
const patch = [{ op: 'add', path: '/description', value: 'patched' }];

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  positions = await served.put(
    properties('orders', { description: 'first' }),
    { urn: urn('orders'), aspect: 'ownership', value: owned },
    { urn: urn('orders'), aspect: 'datasetProperties', change: 'PATCH', value: patch },
    { urn: urn('orders'), aspect: 'ownership', change: 'DELETE' },
    properties('customers'),
    properties('gone'),
    { urn: urn('gone'), change: 'DELETE' },
  );
});
afterAll(() => served[Symbol.asyncDispose]());

test('an entity with its aspects, who made them so, and its name; without what only a fold needs', async () => {
  const { status, json, headers } = await call('GET', path(urn('orders')));
  expect(status).toBe(200);
  expect(json).toMatchObject({ urn: urn('orders'), type: 'dataset', namespace: 'shop', deleted: false });
  expect(json).toMatchObject({ name: 'orders', platform: 'hive', position: positions[3] });
  expect(json.aspects.datasetProperties).toMatchObject({
    event: { position: positions[2], change: 'PATCH', recordedBy: 'local:owner' },
    patch,
    value: { name: 'orders', description: 'patched' },
  });
  expect(json.aspects.ownership.value).toBeUndefined();
  expect(json.ids).toBeUndefined();
  expect(headers['annal-cut']).toBe(json.cut);
});

test('what is known already is not sent again', async () => {
  const { headers } = await call('GET', path(urn('orders')));
  for (const tag of [
    headers.etag as string,
    '*',
    `"other", ${headers.etag}`,
    (headers.etag as string).slice(2),
  ]) {
    const again = await call('GET', path(urn('orders')), { headers: { 'if-none-match': tag } });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', headers.etag]);
  }
  const other = await call('GET', path(urn('customers')), {
    headers: { 'if-none-match': String(headers.etag) },
  });
  expect(other.status).toBe(200);
});

test('as of the position of each event: what its history says was valid then', async () => {
  const at = async (index: number) =>
    (await call('GET', path(urn('orders'), `?as-of=@${positions[index]}`))).json;
  const first = await at(0);
  expect(Object.keys(first.aspects)).toEqual(['datasetProperties']);
  expect(first.aspects.datasetProperties.value).toEqual({ name: 'orders', description: 'first' });
  const event = await call('GET', `/v1/events/${positions[0]}`);
  expect(first.asOf).toEqual({ position: positions[0], time: new Date(event.json.time).toISOString() });
  expect((await at(1)).aspects.ownership.value).toEqual(owned);
  const third = await at(2);
  expect(third.aspects.datasetProperties).toMatchObject({ patch, value: { description: 'patched' } });
  expect(third).toMatchObject({ position: positions[2], name: 'orders', deleted: false });
  expect(Object.keys((await at(3)).aspects)).toEqual(['datasetProperties']);
});

test('as of now is what is: the same aspects with the same values and events', async () => {
  for (const name of ['orders', 'customers']) {
    const now = (await call('GET', path(urn(name), '?as-of=now'))).json;
    const current = (await call('GET', path(urn(name)))).json;
    const valid = Object.entries<{ value?: unknown }>(current.aspects).filter(
      ([, { value }]) => value !== undefined,
    );
    expect(now.aspects).toEqual(Object.fromEntries(valid));
  }
});

test('as of a time before the first event: not found, with the moment that was meant', async () => {
  const { json } = await call('GET', path(urn('orders'), '?as-of=2020-01-01'));
  expect(json).toMatchObject({
    status: 404,
    code: 'ENTITY_NOT_FOUND',
    asOf: { time: '2020-01-01T00:00:00.000Z' },
  });
});

test.each([
  ['tomorrow', 'MOMENT_INVALID'],
  ['2999-01-01', 'MOMENT_INVALID'],
  ['2026-01-01T10:00', 'MOMENT_INVALID'],
  ['@1-0', 'MOMENT_INVALID'],
  ['@1-0-4000', 'EVENT_NOT_FOUND'],
])('as of %s is refused', async (moment, code) => {
  expect((await call('GET', path(urn('orders'), `?as-of=${moment}`))).json.code).toBe(code);
});

test('a deleted entity names the event that deleted it, and can be looked back at', async () => {
  const { json } = await call('GET', path(urn('gone')));
  expect(json).toMatchObject({ status: 404, code: 'ENTITY_DELETED', position: positions[6] });
  const before = await call('GET', path(urn('gone'), `?as-of=@${positions[5]}`));
  expect(before.json.aspects.datasetProperties.value).toEqual({ name: 'gone' });
  expect((await call('GET', path(urn('gone'), `?as-of=@${positions[6]}`))).json.code).toBe(
    'ENTITY_NOT_FOUND',
  );
  expect((await call('GET', path(urn('gone'), '/history'))).json.items).toHaveLength(2);
});

test.each([
  [urn('ordres'), urn('orders')],
  [urn('order'), urn('orders')],
  [urn('orders').replace('hive', 'postgres'), urn('orders')],
  ['urn:li:dataset:orders', urn('orders')],
  ['orders', urn('orders')],
  ['shop.customers', urn('customers')],
])('%s is not known; near it is %s', async (asked, near) => {
  const { json } = await call('GET', path(asked));
  expect(json.code).toBe(asked.startsWith('urn:') ? 'ENTITY_NOT_FOUND' : 'URN_INVALID');
  expect(json.near[0]).toBe(near);
  expect(json.near).not.toContain(urn('gone'));
});

test('a URN of 512 bytes with every character percent-encoded is looked up', async () => {
  const long = `urn:li:dataset:${'é'.repeat(248)}x`;
  expect(Buffer.byteLength(long)).toBe(512);
  const encoded = [...Buffer.from(long)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  expect((await call('GET', `/v1/entities/${encoded}`)).json).toMatchObject({
    code: 'ENTITY_NOT_FOUND',
    urn: long,
  });
});

test.each([
  'urn:li:dataset:../x',
  'urn:li:dataset:a\u0000b',
  'urn:li:dataset:(a',
  '',
])('%j is no URN', async (asked) => {
  const { json } = await call('GET', path(asked));
  expect(json).toMatchObject({ status: 400, code: 'URN_INVALID' });
});

test('history: newest first, in pages', async () => {
  const whole = (await call('GET', path(urn('orders'), '/history'))).json;
  expect(whole.items.map(({ position }: { position: string }) => position)).toEqual(
    positions.slice(0, 4).toReversed(),
  );
  expect(whole.total).toBe(4);
  const first = (await call('GET', path(urn('orders'), '/history?limit=3'))).json;
  const second = (await call('GET', path(urn('orders'), `/history?limit=3&cursor=${first.next}`))).json;
  expect([...first.items, ...second.items]).toEqual(whole.items);
  expect(second.next).toBeUndefined();
  const other = await call('GET', path(urn('customers'), `/history?cursor=${first.next}`));
  expect(other.json.code).toBe('QUERY_INVALID');
  expect((await call('GET', path(urn('nothing'), '/history'))).json.code).toBe('ENTITY_NOT_FOUND');
});
