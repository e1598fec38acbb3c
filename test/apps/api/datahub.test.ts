import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anApi, type Calling, calling, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';
import { type SdkRequest, sdkRequests } from '../../given/datahub.ts';

let served: ServedAnnal;
let call: Calling;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
});
afterAll(() => served[Symbol.asyncDispose]());

const sending = ({ method, path, body }: SdkRequest) => {
  // The SDK leaves the URN of a deletion as it is; its HTTP library encodes what has to be.
  const options = body === null ? {} : { body };
  return call(method, path, options);
};

/** What became of the events of an entity, oldest first. */
async function applied(of: string): Promise<{ aspect: string | null; change: string; recordedBy: string }[]> {
  const { json } = await call('GET', `/v1/entities/${encodeURIComponent(of)}/history?limit=1000`);
  return (json?.items ?? []).reverse();
}

async function caughtUp(of: string, count: number): Promise<void> {
  await expect
    .poll(async () => (await applied(of)).length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(count);
}

test('its client is told what server this is, and nothing that it cannot do', async () => {
  const { status, json } = await call('GET', '/api/gms/config');
  expect(status).toBe(200);
  expect(json).toMatchObject({ noCode: 'true', patchCapable: false, statefulIngestionCapable: false });
  expect(json.versions).toEqual({});
});

test('what the SDK emits, by either dialect, at once or in batches, is in the log; then a deletion', async () => {
  const orders = urn('orders');
  for (const name of ['restli one', 'openapi one', 'restli batch, async', 'openapi batch, async', 'snapshot'])
    for (const request of sdkRequests(name)) {
      const { status, json } = await sending(request);
      expect([name, status]).toEqual([name, 200]);
      if (name === 'restli one') expect(json).toEqual({ value: orders });
      if (name === 'openapi one') expect(json).toEqual([{ urn: orders, datasetProperties: {} }]);
    }
  await caughtUp(orders, 10);
  const events = await applied(orders);
  expect(events.map(({ aspect }) => aspect)).toEqual([
    ...['datasetProperties', 'datasetProperties'],
    ...['datasetProperties', 'schemaMetadata', 'datasetProperties', 'schemaMetadata'],
    ...['status', 'datasetProperties', 'schemaMetadata', 'ownership'],
  ]);
  expect(new Set(events.map(({ recordedBy }) => recordedBy))).toEqual(new Set(['local:owner']));

  const path = `/api/gms/aspects/${encodeURIComponent(orders)}?aspect=datasetProperties&version=0`;
  const { json: read } = await call('GET', path);
  expect(read.aspect).toEqual({
    'com.linkedin.dataset.DatasetProperties': { customProperties: {}, name: 'orders', tags: [] },
  });
  const none = await call('GET', path.replace('datasetProperties', 'globalTags'));
  expect(none.status).toBe(404);

  expect((await sending(sdkRequests('restli delete')[0]!)).json).toEqual({ value: orders });
  expect((await sending(sdkRequests('openapi delete')[0]!)).status).toBe(200);
  await caughtUp(orders, 12);
  expect((await applied(orders)).slice(-2)).toMatchObject([
    { aspect: null, change: 'DELETE' },
    { aspect: null, change: 'DELETE' },
  ]);
});

test('a batch of which something is refused is a failure that names it, in the words its client shows', async () => {
  const [request] = sdkRequests('restli batch of which some are refused');
  const { status, json } = await sending(request!);
  expect([status, json.code]).toEqual([422, 'SEALING_REQUIRED']);
  expect(json).toMatchObject({ appended: 1, refused: 2 });
  expect(json.missing).toMatchObject([
    { index: 1, aspect: 'corpUserInfo', code: 'SEALING_REQUIRED', urn: 'urn:li:corpuser:ann' },
    { index: 2, aspect: 'roleProperties', code: 'ASPECT_UNKNOWN' },
  ]);
  expect(json.message).toBe(`${json.code}: ${json.detail}`);
  expect(json.message).toContain('2 of 3 are not in the log');
  expect(json.message).toContain('ASPECT_UNKNOWN roleProperties');
});

test('what has to be sent again is told so before what is refused for ever', async () => {
  const { runtime } = served.annal;
  const unknown = {
    status: 'unknown',
    code: 'APPEND_UNKNOWN',
    urn: urn('orders'),
    id: 'x',
    detail: 'none',
  } as const;
  const refused = { status: 'refused', code: 'ASPECT_UNKNOWN', pointer: '', detail: 'none' } as const;
  const intake = { ...runtime.intake!, submitEvents: async () => [refused, refused, unknown] };
  const api = anApi({ ...runtime, intake });
  const [request] = sdkRequests('restli batch, async');
  const answer = await calling(api)('POST', request!.path, { body: request!.body });
  expect(answer.json).toMatchObject({ status: 503, code: 'APPEND_UNKNOWN', appended: 0 });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  await api.close();
});

test.each(['restli patches', 'openapi patches'])('%s are refused, none is dropped', async (name) => {
  for (const request of sdkRequests(name)) {
    const { status, json } = await sending(request);
    expect([status, json.code]).toEqual([422, 'PATCH_DIALECT']);
    expect(json.message).toMatch(/^PATCH_DIALECT: /);
  }
});

test('aspects without a schema are taken where the configuration names them', async () => {
  const api = anApi(served.annal.runtime, { datahubAspects: ['roleProperties'] });
  const body = JSON.stringify([{ urn: urn('profiled'), roleProperties: { value: { rowCount: 3 } } }]);
  const path = '/api/gms/openapi/v3/entity/dataset?async=false';
  expect((await calling(api)('POST', path, { body })).status).toBe(200);
  expect((await call('POST', path, { body })).json).toMatchObject({ code: 'ASPECT_UNKNOWN' });
  await api.close();
});

test('a packed body is unpacked, up to its bound', async () => {
  const [{ path, body }] = sdkRequests('restli one') as [SdkRequest];
  const headers = { 'content-encoding': 'gzip' };
  expect((await call('POST', path, { body: gzipSync(body!), headers })).status).toBe(200);
  const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024 + 1, 0x20));
  expect((await call('POST', path, { body: bomb, headers })).json).toMatchObject({
    ...{ status: 413, code: 'BODY_TOO_LARGE' },
  });
  for (const [encoding, packed] of [
    ['gzip', Buffer.from('no gzip')],
    ['br', Buffer.from('{}')],
  ] as const) {
    const answer = await call('POST', path, { body: packed, headers: { 'content-encoding': encoding } });
    expect(answer.json).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' });
  }
});

test.each([
  ['another action', 'POST', '/api/gms/aspects?action=other', 400, 'REQUEST_INVALID'],
  ['no action', 'POST', '/api/gms/entities', 400, 'REQUEST_INVALID'],
  [
    'an older version of an aspect',
    'GET',
    '/api/gms/aspects/urn:li:tag:a?aspect=status&version=1',
    400,
    'REQUEST_INVALID',
  ],
  ['a search', 'GET', '/api/gms/openapi/v3/entity/dataset?query=*', 405, 'METHOD_NOT_ALLOWED'],
  ['what is not there', 'POST', '/api/gms/usageStats?action=batchIngest', 404, 'ROUTE_UNKNOWN'],
] as const)('%s is refused', async (_, method, path, status, code) => {
  const answer = await call(method, path, method === 'POST' ? { body: '{}' } : {});
  expect(answer.json).toMatchObject({ status, code });
});
