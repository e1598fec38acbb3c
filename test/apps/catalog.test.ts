import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { OpenAnnal } from '../../src/apps/open-annal.ts';
import { embedded } from '../given/annal.ts';
import { type Answered, anApi, calling } from '../given/api.ts';

const roles = { archiver: true, projector: true, intake: true, catalog: true };
const waiting = { timeout: 30_000, interval: 50 };
const loopback = { host: '127.0.0.1' };

/** A file as it was yesterday: nobody writes it now. */
async function put(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  const before = new Date(Date.now() - 86_400_000);
  await utimes(path, before, before);
}
const metricIn = ({ text }: Answered, name: string): number =>
  Number(new RegExp(`^${name}{source="lake"} (\\S+)$`, 'm').exec(text)![1]);

test('a place is kept scanned: by the clock, by what changes, after a restart with what it remembers', async () => {
  await using world = await embedded();
  const lake = join(world.config.dataDir, 'lake');
  const config = {
    ...world.config,
    catalog: { sources: [{ name: 'lake', place: lake }], everyMs: 3_600_000 },
  };
  const run = async (
    work: (call: ReturnType<typeof calling>, annal: OpenAnnal) => Promise<void>,
  ): Promise<void> => {
    await using annal = await world.open({ config, roles });
    const api = anApi(annal.runtime);
    try {
      await work(calling(api), annal);
    } finally {
      await api.close();
    }
  };
  const scanned = async (call: ReturnType<typeof calling>, scans: number) =>
    vi.waitFor(async () => {
      const { json } = await call('GET', '/v1/catalog');
      expect(json.items[0].last).not.toBeNull();
      expect([json.items[0].scans >= scans, json.items[0].state]).toEqual([true, 'waiting']);
      return json.items[0];
    }, waiting);

  await run(async (call) => {
    // Nothing is there: that is told, and nothing is made of it.
    await vi.waitFor(async () => {
      const { json } = await call('GET', '/v1/catalog');
      expect(json.items).toMatchObject([{ source: 'lake', last: null, fault: { code: 'FILE_UNREADABLE' } }]);
    }, waiting);
    expect(metricIn(await call('GET', '/metrics'), 'annal_catalog_failing')).toBe(1);
    expect((await call('GET', '/readyz')).json.degraded).toMatchObject([{ code: 'FILE_UNREADABLE' }]);
  });

  await put(join(lake, 'shop/orders.csv'), 'id,name\n1,x\n');
  await put(join(lake, 'shop/people.csv'), 'id,name\n1,x\n');
  await put(join(lake, 'shop/broken.parquet'), 'PAR1');
  await run(async (call) => {
    const first = await scanned(call, 1);
    expect(first.last).toMatchObject({ unread: 1, same: 0, refused: 0, entities: 4, deletionsHeld: null });
    await vi.waitFor(async () => {
      const { json } = await call('GET', '/v1/search?source=scan:lake');
      expect(json.total).toBe(4);
    }, waiting);
    const { json } = await call('GET', `/v1/entities/${encodeURIComponent(tableOf('shop.broken'))}`);
    expect(json.aspects.fileState.value).toMatchObject({
      state: 'unread',
      failures: [{ code: 'FILE_MALFORMED' }],
    });
    // The folder is watched.
    await put(join(lake, 'shop/late.csv'), 'id\n7\n');
    const second = await scanned(call, first.scans + 1);
    expect(second.last.entities).toBe(5);
    expect(metricIn(await call('GET', '/metrics'), 'annal_catalog_entities')).toBe(5);
    expect(metricIn(await call('GET', '/metrics'), 'annal_catalog_unread_files')).toBe(1);
  });

  await rm(join(lake, 'shop/late.csv'));
  await put(join(lake, 'shop/broken.parquet'), '');
  await run(async (call, annal) => {
    const { last } = await scanned(call, 1);
    expect(last).toMatchObject({ same: 2, looked: 1, deleted: 1 });
    await vi.waitFor(async () => {
      const { json } = await call('GET', `/v1/events?urn=${encodeURIComponent(tableOf('shop.late'))}`);
      expect(json.items.map(({ change }: { change: string }) => change)).toContain('DELETE');
    }, waiting);
    expect(annal.runtime.catalog!.sources()[0]!.place).toBe(lake);
  });
});

const tableOf = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:file,${name},PROD)`;

test('notices of storage: a subscription is validated, and what they name is scanned', async () => {
  await using world = await embedded();
  await using annal = await world.open();
  const touched: string[] = [];
  const places = ['azure:shop/lake', 'azure:shop', 'azure:web/lake', '/data/lake'];
  const catalog = {
    sources: () => [],
    touch: (isMeant: (place: string) => boolean) => {
      const meant = places.filter(isMeant);
      touched.push(...meant);
      return meant.length;
    },
    notices: () => [],
    stop: async () => undefined,
  };
  const runtime = Object.create(annal.runtime, { catalog: { value: catalog } });
  await using api = anApi(runtime, { bind: loopback });
  const call = calling(api);
  const post = (body: unknown, type: string) =>
    call('POST', '/v1/catalog/events', { body, headers: { 'content-type': type } });

  const handshake = await call('OPTIONS', '/v1/catalog/events', {
    headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
  });
  expect(handshake.status).toBe(200);
  expect(handshake.headers).toMatchObject({
    'webhook-allowed-origin': 'eventgrid.azure.net',
    'webhook-allowed-rate': '*',
  });
  expect((await call('OPTIONS', '/v1/catalog/events')).status).toBe(400);

  const validation = {
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    data: { validationCode: '512d38b6' },
  };
  expect((await post([validation], 'application/json')).json).toEqual({ validationResponse: '512d38b6' });

  const notice = (blob: string) => ({
    ...{ specversion: '1.0', type: 'Microsoft.Storage.BlobCreated', id: '1' },
    subject: `/blobServices/default/containers/shop/blobs/${blob}`,
  });
  expect((await post(notice('lake/a.csv'), 'application/cloudevents+json')).json).toMatchObject({
    notices: 1,
    touched: 2,
  });
  expect(touched).toEqual(['azure:shop/lake', 'azure:shop']);
  const batch = [notice('lakes/a.csv'), { subject: 7 }, null];
  expect((await post(batch, 'application/cloudevents-batch+json')).json).toMatchObject({ touched: 1 });
  expect((await post('{', 'application/cloudevents+json')).json.code).toBe('JSON_INVALID');
  expect((await post('x', 'text/plain')).json.code).toBe('MEDIA_TYPE_UNSUPPORTED');
});
