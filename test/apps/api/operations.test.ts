import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '../../../src/domain/fault.ts';
import { anApi, type Calling, calling, properties, type ServedAnnal, servedAnnal } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  await served.put(properties('orders'), properties('customers'));
});
afterAll(() => served[Symbol.asyncDispose]());

const indexes = async (): Promise<string[]> =>
  (await call('GET', '/v1/projections')).json.items.map(({ index }: { index: string }) => index);

test('a plan changes nothing', async () => {
  const before = await indexes();
  const { status, json } = await call('POST', '/v1/rebuilds', { body: { projection: 'all', plan: true } });
  expect(status).toBe(200);
  expect(json.plans).toHaveLength(3);
  expect(json.plans[0]).toMatchObject({ projection: 'entities', events: 2, replaces: before[0] });
  expect(json.plans[0].until).toMatch(/^1:/);
  expect(await indexes()).toEqual(before);
});

test('a rebuild: 202, where it is read, another index with equal roots at its end', async () => {
  const [before] = await indexes();
  const begun = await call('POST', '/v1/rebuilds', { body: { projection: 'entities' } });
  expect(begun.status).toBe(202);
  expect(begun.json.operations).toHaveLength(1);
  expect(begun.headers.location).toBe(begun.json.operations[0].link);
  const ended = await call('GET', `${begun.headers.location}?wait=60s`);
  expect(ended.json).toMatchObject({ kind: 'rebuild', projection: 'entities', state: 'done', fault: null });
  expect(ended.json.rebuilt).toMatchObject({
    events: 2,
    documents: 2,
    root: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect((await indexes())[0]).not.toBe(before);
  expect((await call('GET', '/v1/search?q=orders')).json.total).toBe(1);
});

test('a verification of all: one operation each, none differs', async () => {
  const begun = await call('POST', '/v1/verifications', { body: { projection: 'all' } });
  expect(begun.json.operations).toHaveLength(3);
  for (const { link } of begun.json.operations) {
    const ended = await call('GET', `${link}?wait=60s`);
    expect(ended.json).toMatchObject({ state: 'done', verified: { equal: true, differing: 0 } });
  }
  const { id } = begun.json.operations[0];
  expect((await call('GET', `/v1/rebuilds/${id}`)).json).toMatchObject({
    status: 404,
    code: 'OPERATION_UNKNOWN',
  });
});

test('what runs already is told where none can be started, and beside what was started', async () => {
  const { runtime } = served.annal;
  const busy = (all: boolean) => async (projection: string) => {
    if (all || projection === 'history') throw new Fault('REBUILD_RUNNING', { projection, id: 'x' });
    return runtime.operation((await runtime.verify(projection)).id)!;
  };
  const none = anApi({ ...runtime, verify: busy(true) });
  const refused = await calling(none)('POST', '/v1/verifications', { body: { projection: 'all' } });
  expect(refused.json).toMatchObject({ status: 409, code: 'REBUILD_RUNNING', projection: 'entities' });
  await none.close();
  const some = anApi({ ...runtime, verify: busy(false) });
  const begun = await calling(some)('POST', '/v1/verifications', { body: { projection: 'all' } });
  expect(begun.json.operations).toHaveLength(2);
  expect(begun.json.refused).toEqual([
    expect.objectContaining({ projection: 'history', code: 'REBUILD_RUNNING' }),
  ]);
  for (const { id } of begun.json.operations) await runtime.ended(id);
  await some.close();
});

test('an unknown projection is named with those there are', async () => {
  const { json } = await call('POST', '/v1/rebuilds', { body: { projection: 'entitys' } });
  expect(json).toMatchObject({
    status: 404,
    code: 'PROJECTION_UNKNOWN',
    known: ['entities', 'history', 'edges'],
  });
});

test('projections and archive tell how far they are', async () => {
  const items = async () => (await call('GET', '/v1/projections')).json.items;
  // Lanes that an operation held go on within a second.
  await expect
    .poll(items, { timeout: 20_000 })
    .toEqual([
      expect.objectContaining({ projection: 'entities', state: 'following', lag: 0, documents: 2 }),
      expect.objectContaining({ projection: 'history', state: 'following', lag: 0 }),
      expect.objectContaining({ projection: 'edges', state: 'following', lag: 0 }),
    ]);
  const archive = (await call('GET', '/v1/archive')).json;
  expect(archive.items).toHaveLength(2);
  expect(archive.items[0]).toMatchObject({ partition: 0, fault: null });
});

test('metrics: events by what became of them, lag, time of requests', async () => {
  await call('POST', '/v1/events', { body: [properties('a'), { urn: 'x' }] });
  const { text, headers } = await call('GET', '/metrics');
  expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
  expect(text).toMatch(/^annal_events_total\{result="appended"\} 1$/m);
  expect(text).toMatch(/^annal_events_total\{result="refused"\} 1$/m);
  expect(text).toMatch(/^annal_projection_lag_events\{projection="entities"\} \d+$/m);
  expect(text).toMatch(/^annal_projection_drift_documents\{projection="entities"\} 0$/m);
  expect(text).toMatch(/^annal_projection_drift_checked_timestamp_seconds\{projection="entities"\} \d+/m);
  expect(text).toMatch(/^annal_archive_lag_events\{partition="0"\} \d+$/m);
  expect(text).toMatch(/^annal_world_readable\{part="projections"\} 1$/m);
  expect(text).toMatch(
    /annal_http_request_duration_seconds_count\{method="POST",route="\/v1\/events",status="200"\} 1/,
  );
});

test('metrics are told also while a part of the world is away', async () => {
  const away = async () => {
    throw new Fault('MODEL_UNAVAILABLE', {});
  };
  const api = anApi({ ...served.annal.runtime, projections: away });
  const { status, text } = await calling(api)('GET', '/metrics');
  expect(status).toBe(200);
  expect(text).toMatch(/^annal_world_readable\{part="projections"\} 0$/m);
  expect(text).toMatch(/^annal_world_readable\{part="archive"\} 1$/m);
  await api.close();
});
