import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  anApi,
  type Calling,
  calling,
  properties,
  type ServedAnnal,
  servedAnnal,
  urn,
} from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;
let positions: string[];

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  positions = [
    ...(await served.put(properties('orders'), properties('invoices', {}, 'billing'))),
    ...(await served.put({
      ...properties('orders', { description: 'second' }),
      actor: 'urn:li:corpuser:ann',
    })),
    ...(await served.put({ urn: urn('orders'), aspect: 'status', value: { removed: false } })),
    ...(await served.put({ urn: urn('orders'), aspect: 'status', change: 'DELETE' })),
    ...(await served.put({ ...properties('orders'), expect: '1-0-4000' })),
  ];
});
afterAll(() => served[Symbol.asyncDispose]());

const listed = async (query: string): Promise<string[]> => {
  const { json, status, text } = await call('GET', `/v1/events?${query}`);
  expect(status, text).toBe(200);
  return json.items.map(({ position }: { position: string }) => position);
};

test('newest first by default, oldest first when asked, each once', async () => {
  const newest = await listed('limit=100');
  expect([...newest].sort()).toEqual([...positions].sort());
  expect(await listed('limit=100&order=asc')).toEqual(newest.toReversed());
});

test('filters are joined by and, the values of one by or', async () => {
  expect(await listed(`urn=${encodeURIComponent(urn('invoices', 'billing'))}`)).toEqual([positions[1]]);
  expect(await listed('namespace=billing&namespace=shop&aspect=datasetProperties&order=asc')).toHaveLength(4);
  expect(await listed('namespace=billing&aspect=status')).toEqual([]);
  expect(await listed('aspect=status&order=asc')).toEqual([positions[3], positions[4]]);
  expect(await listed('outcome=conflict')).toEqual([positions[5]]);
  expect(await listed('outcome=conflict&outcome=applied')).toHaveLength(6);
  expect(await listed('type=dataset')).toHaveLength(6);
  expect(await listed('type=dataJob')).toEqual([]);
});

test('an actor is found by the URN and by its last part', async () => {
  expect(await listed('actor=urn:li:corpuser:ann')).toEqual([positions[2]]);
  expect(await listed('actor=ann')).toEqual([positions[2]]);
});

test('pages of every size give every event once, in order, and end', async () => {
  const whole = await listed('limit=100');
  for (const size of [1, 2, 4, 6]) {
    const seen: string[] = [];
    let query = `limit=${size}`;
    for (;;) {
      const { json } = await call('GET', `/v1/events?${query}`);
      expect(json.total).toBe(positions.length);
      seen.push(...json.items.map(({ position }: { position: string }) => position));
      if (json.next === undefined) break;
      query = `limit=${size}&cursor=${json.next}`;
    }
    expect(seen, `pages of ${size}`).toEqual(whole);
  }
});

test('a cursor fits the search it came from alone', async () => {
  const { json } = await call('GET', '/v1/events?limit=1');
  for (const query of [
    `cursor=${json.next}&aspect=status`,
    'cursor=e30',
    'cursor=***',
    `order=asc&cursor=${json.next}`,
  ]) {
    const refused = await call('GET', `/v1/events?${query}`);
    expect(refused.json, query).toMatchObject({ status: 400, code: 'QUERY_INVALID' });
  }
});

test('since is inclusive, until is not, and the range that was meant is told in UTC', async () => {
  const { json } = await call('GET', `/v1/events/${positions[3]}`);
  const time = new Date(json.time).toISOString();
  const from = await call('GET', `/v1/events?since=${time}&order=asc&limit=100`);
  expect(from.json.items[0].position).toBe(positions[3]);
  expect(from.json.range).toEqual({ since: time, until: null });
  const until = await call('GET', `/v1/events?until=@${positions[3]}&limit=100`);
  expect(until.json.items[0].position).toBe(positions[2]);
  expect(until.json.range).toEqual({ since: null, until: time });
  expect(await listed('since=1h&limit=100')).toHaveLength(6);
  expect(await listed('until=1h')).toEqual([]);
});

test('values come out byte for byte', async () => {
  const value = '{"name":"exact","weight":1.0,"big":1e3,"text":"\\u00e9\\/","nested":{"b":1,"a":[ 1 , 2 ]}}';
  const answer = await call('POST', '/v1/events', {
    body: `{"urn":"${urn('exact')}","aspect":"datasetProperties","value":${value}}`,
  });
  const { position } = answer.json;
  const one = await call('GET', `/v1/events/${position}?wait=20s`);
  expect(one.text).toContain(`"value":${value}`);
  expect((await call('GET', `/v1/events?urn=${encodeURIComponent(urn('exact'))}`)).text).toContain(
    `"value":${value}`,
  );
  positions.push(position);
});

test('one event by its position, with the outcome and how long it held', async () => {
  const first = await call('GET', `/v1/events/${positions[0]}`);
  expect(first.json).toMatchObject({
    position: positions[0],
    urn: urn('orders'),
    outcome: 'applied',
    recordedBy: 'local:owner',
    to: { position: positions[2] },
  });
  expect((await call('GET', `/v1/events/${positions[5]}`)).json).toMatchObject({ outcome: 'conflict' });
});

test('a position that is passed and empty is not found; one not reached is not yet', async () => {
  const cut = (await call('GET', '/v1/events?limit=1')).json.cut as string;
  const [, next0] = /^1:(\d+)\.\d+$/.exec(cut)!;
  const ahead = await call('GET', `/v1/events/1-0-${Number(next0) + 5}?wait=20ms`);
  expect(ahead.json).toMatchObject({ status: 404, code: 'EVENT_NOT_YET' });
  expect(Number(ahead.headers['retry-after'])).toBeGreaterThan(0);
  for (const position of ['1-7-0', '9-0-0'])
    expect((await call('GET', `/v1/events/${position}`)).json).toMatchObject({
      status: 404,
      code: 'EVENT_NOT_FOUND',
    });
  for (const position of ['1-0', 'x', '1-0-01', '0-0-0'])
    expect((await call('GET', `/v1/events/${position}`)).json).toMatchObject({
      status: 400,
      code: 'POSITION_INVALID',
    });
});

test('the answer names its cut, in the body and in a header', async () => {
  const answer = await call('GET', '/v1/events');
  expect(answer.json.cut).toMatch(/^1:\d+\.\d+$/);
  expect(answer.headers['annal-cut']).toBe(answer.json.cut);
});

test('following from a cut gives every event behind it once, in pages of any size', async () => {
  const whole = await listed('limit=100&order=asc');
  for (const size of [1, 3, 100]) {
    const seen: string[] = [];
    let cut = '1:0.0';
    for (;;) {
      const { json } = await call('GET', `/v1/events?after=${cut}&limit=${size}`);
      if (json.items.length === 0) {
        expect(json.cut).toBe(cut);
        break;
      }
      seen.push(...json.items.map(({ position }: { position: string }) => position));
      cut = json.cut;
    }
    expect(seen, `pages of ${size}`).toEqual(whole);
  }
});

test('a long poll answers as soon as an event shows', async () => {
  const { cut } = (await call('GET', '/v1/events?limit=1')).json;
  const started = performance.now();
  const polled = call('GET', `/v1/events?after=${cut}&wait=20s`);
  const [position] = await served.put(properties('live'));
  const { json } = await polled;
  expect(json.items.map((item: { position: string }) => item.position)).toEqual([position]);
  expect(performance.now() - started).toBeLessThan(15_000);
  positions.push(position!);
});

test('a long poll without events gives the same cut after the wait', async () => {
  const { cut } = (await call('GET', '/v1/events?limit=1')).json;
  const { json } = await call('GET', `/v1/events?after=${cut}&wait=50ms`);
  expect(json).toMatchObject({ items: [], total: 0, cut });
});

test('an event that shows beyond the cut of its index is left to the next answer', async () => {
  const { runtime } = served.annal;
  const behind = { epoch: 1, next: [1, 0] };
  const api = anApi({ ...runtime, cut: async () => behind });
  const { json } = await calling(api)('GET', '/v1/events?after=1:0.0&limit=100');
  expect(json.items.every(({ position }: { position: string }) => position === '1-0-0')).toBe(true);
  expect(json.cut).toBe(json.items.length === 0 ? '1:0.0' : '1:1.0');
  const after = await call('GET', `/v1/events?after=${json.cut}&limit=100`);
  expect(json.items.length + after.json.items.length).toBe((await listed('limit=100')).length);
  await api.close();
});

test.each([
  'after=1:0',
  'after=1:0.0.0',
  'after=2:0.0',
  'after=x',
  'after=',
])('%s is no cut of this log', async (query) => {
  expect((await call('GET', `/v1/events?${query}`)).json).toMatchObject({ status: 400, code: 'CUT_INVALID' });
});

test.each([
  ['wait=5s', 'QUERY_INVALID'],
  ['after=1:0.0&order=desc', 'QUERY_INVALID'],
  ['after=1:0.0&wait=5m', 'REQUEST_INVALID'],
  ['after=1:0.0&wait=61s', 'REQUEST_INVALID'],
  ['outcome=fine', 'REQUEST_INVALID'],
  ['limit=0', 'REQUEST_INVALID'],
  ['limit=1001', 'REQUEST_INVALID'],
  ['limit=ten', 'REQUEST_INVALID'],
  ['colour=red', 'REQUEST_INVALID'],
  ['since=yesterday', 'MOMENT_INVALID'],
  ['until=2026-02-30', 'MOMENT_INVALID'],
  ['since=@1-0-4000', 'EVENT_NOT_FOUND'],
])('%s is refused', async (query, code) => {
  const { json } = await call('GET', `/v1/events?${query}`);
  expect(json.code).toBe(code);
});

test('closing the server answers who waits', async () => {
  const api = anApi(served.annal.runtime);
  const base = await api.listen({ host: '127.0.0.1', port: 0 });
  const { cut } = (await call('GET', '/v1/events?limit=1')).json;
  const polled = fetch(`${base}/v1/events?after=${cut}&wait=60s`);
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      api.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  await expect.poll(connections).toBe(1);
  const started = performance.now();
  await api.close();
  expect(((await (await polled).json()) as { cut: string }).cut).toBe(cut);
  expect(performance.now() - started).toBeLessThan(10_000);
});
