import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

const job = 'urn:li:dataJob:(urn:li:dataFlow:(airflow,shop.nightly,PROD),load_orders)';

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  await served.put(
    properties('orders', { description: 'One row per order line' }),
    properties('customers', { description: 'Who orders' }),
    properties('invoices', { description: 'Bills' }, 'billing'),
    {
      urn: urn('orders'),
      aspect: 'ownership',
      value: { owners: [{ owner: 'urn:li:corpGroup:shop', type: 'DATAOWNER' }] },
    },
    { urn: urn('orders'), aspect: 'globalTags', value: { tags: [{ tag: 'urn:li:tag:gold' }] } },
    { urn: job, aspect: 'dataJobInfo', value: { name: 'load_orders', type: { string: 'SPARK' } } },
    properties('gone'),
    { urn: urn('gone'), change: 'DELETE' },
  );
});
afterAll(() => served[Symbol.asyncDispose]());

const found = async (query: string): Promise<string[]> => {
  const { json, text, status } = await call('GET', `/v1/search?${query}`);
  expect(status, text).toBe(200);
  expect(json.items.length, 'one page').toBe(json.total);
  return json.items.map((item: { urn: string }) => item.urn);
};

test('a hit says what it is, where it belongs, and at which position it changed last', async () => {
  const { json } = await call('GET', '/v1/search?q=order%20line');
  expect(json).toMatchObject({ total: 1, cut: expect.stringMatching(/^1:/) });
  expect(json.items[0]).toMatchObject({
    urn: urn('orders'),
    type: 'dataset',
    name: 'orders',
    namespace: 'shop',
    platform: 'hive',
    description: 'One row per order line',
    owners: ['urn:li:corpGroup:shop'],
    tags: ['urn:li:tag:gold'],
  });
  const event = await call('GET', `/v1/events/${json.items[0].position}`);
  expect(event.json).toMatchObject({ urn: urn('orders'), aspect: 'globalTags' });
  expect(json.items[0].updatedAt).toBe(new Date(event.json.time).toISOString());
});

test('all words have to be there; the last may be the beginning of one; names come first', async () => {
  expect(await found('q=orders')).toEqual([job, urn('orders'), urn('customers')]);
  expect(await found('q=ord')).toHaveLength(3);
  expect(await found('q=ord%20')).toEqual([]);
  expect(await found('q=who%20orders')).toEqual([urn('customers')]);
  expect(await found('q=who%20bills')).toEqual([]);
});

test('without words everything that lives is found', async () => {
  expect((await found('')).sort()).toEqual(
    [urn('orders'), urn('customers'), urn('invoices', 'billing'), job].sort(),
  );
});

test('filters, by URN or by the last part of one', async () => {
  expect(await found('type=dataJob')).toEqual([job]);
  expect(await found('type=dataJob&type=dataset')).toHaveLength(4);
  expect(await found('namespace=billing')).toEqual([urn('invoices', 'billing')]);
  expect(await found('platform=hive&namespace=shop')).toHaveLength(2);
  for (const owner of ['shop', 'urn:li:corpGroup:shop'])
    expect(await found(`owner=${owner}`)).toEqual([urn('orders')]);
  for (const tag of ['gold', 'urn:li:tag:gold']) expect(await found(`tag=${tag}`)).toEqual([urn('orders')]);
  expect(await found('tag=silver')).toEqual([]);
});

test('pages give every hit once and end', async () => {
  const whole = await found('q=shop');
  for (const size of [1, 2]) {
    const seen: string[] = [];
    for (let next = ''; ; ) {
      const { json } = await call('GET', `/v1/search?q=shop&limit=${size}${next}`);
      seen.push(...json.items.map((item: { urn: string }) => item.urn));
      if (json.next === undefined) break;
      next = `&cursor=${json.next}`;
    }
    expect(seen).toEqual(whole);
  }
  const { json } = await call('GET', '/v1/search?q=shop&limit=1');
  const other = await call('GET', `/v1/search?q=orders&cursor=${json.next}`);
  expect(other.json).toMatchObject({ status: 400, code: 'QUERY_INVALID' });
});

test('facets count what each value would find', async () => {
  for (const query of ['', 'q=orders', 'namespace=shop', 'q=zzz']) {
    const { json } = await call('GET', `/v1/facets?${query}`);
    for (const { value, total } of json.types)
      expect(await found(`${query}&type=${value}`), `${query} ${value}`).toHaveLength(total);
    const others = query.replace('namespace=shop', '');
    for (const { value, total } of json.namespaces)
      expect(await found(`${others}&namespace=${value}`), `${query} ${value}`).toHaveLength(total);
  }
  const { json } = await call('GET', '/v1/facets');
  expect(json.types).toEqual([
    { value: 'dataJob', total: 1 },
    { value: 'dataset', total: 3 },
  ]);
  expect(json.namespaces).toEqual([
    { value: 'billing', total: 1 },
    { value: 'shop', total: 3 },
  ]);
});
