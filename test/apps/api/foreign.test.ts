import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Calling, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
});
afterAll(() => served[Symbol.asyncDispose]());

const { events } = JSON.parse(
  readFileSync(new URL('../../golden/openlineage/events.json', import.meta.url), 'utf8'),
) as { readonly events: readonly { readonly event: object }[] };

const envelope = (id: string, value: object = { removed: false }) => ({
  ...{ specversion: '1.0', id, source: '/shop', type: 'annal.change.v1' },
  data: { urn: urn('orders'), aspect: 'status', value },
});
const cloudEvents = '/v1/cloud-events';
const one = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

test('events of OpenLineage are in the log, once each, plain, packed or several at once', async () => {
  const counts: number[] = [];
  for (const { event } of events) {
    const { status, json } = await call('POST', '/api/v1/lineage', { body: event });
    expect(status).toBe(201);
    counts.push(json.appended);
  }
  const all = events.map(({ event }) => event);
  const again = await call('POST', '/api/v1/lineage/batch', {
    body: gzipSync(JSON.stringify(all)),
    headers: { 'content-encoding': 'gzip' },
  });
  expect(again.json.positions).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
  await expect
    .poll(async () => (await call('GET', '/v1/search?type=dataJob')).json.total, { timeout: 20_000 })
    .toBe(3);
  await expect
    .poll(async () => (await call('GET', '/v1/events?limit=1000')).json.items?.length, { timeout: 20_000 })
    .toBe(again.json.positions.length);
});

test('what makes no event is refused with its place; the rest of a batch is in the log', async () => {
  const [{ event }] = events as [{ event: object }];
  const answer = await call('POST', '/api/v1/lineage', { body: [{ ...event, eventTime: 'now' }, event] });
  expect(answer.json).toMatchObject({ status: 400, code: 'EVENT_SHAPE', refused: 1 });
  expect(answer.json.missing).toMatchObject([{ index: 0, pointer: '/eventTime' }]);
  expect(answer.json.appended).toBeGreaterThan(0);
});

test('CloudEvents: structured, binary and in a batch; the same source and id is one event', async () => {
  const first = await call('POST', cloudEvents, { body: envelope('1'), headers: one });
  expect(first).toMatchObject({ status: 201, json: { appended: 1 } });
  const { data, ...attributes } = envelope('1');
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, text]) => [`ce-${name}`, text]));
  const again = await call('POST', cloudEvents, { body: data, headers });
  expect(again.json.positions).toEqual(first.json.positions);
  const batch = await call('POST', cloudEvents, {
    body: [envelope('1'), envelope('2')],
    headers: { 'content-type': 'application/cloudevents-batch+json' },
  });
  expect(batch.json.positions[0]).toBe(first.json.positions[0]);
  expect(batch.json.appended).toBe(2);
  const other = await call('POST', cloudEvents, { body: envelope('1', { removed: true }), headers: one });
  expect(other.json).toMatchObject({ status: 409, code: 'IDEMPOTENCY_CONFLICT' });
});

test.each([
  ['another type', { ...envelope('3'), type: 'com.example' }, one, 422, 'EVENT_TYPE_UNKNOWN'],
  ['no envelope', envelope('3').data, {}, 400, 'EVENT_SHAPE'],
  ['another media type', 'a', { 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
])('refused: %s', async (_, body, headers, status, code) => {
  expect((await call('POST', cloudEvents, { body, headers })).json).toMatchObject({ status, code });
});
