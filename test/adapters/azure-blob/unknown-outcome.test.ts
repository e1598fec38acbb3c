import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { azureBlobArchive } from '../../../src/adapters/azure-blob/archive-store.ts';
import { Fault } from '../../../src/domain/fault.ts';
import type { ArchiveStore } from '../../../src/ports/archive.ts';
import { type Azurite, connectionString, startAzurite } from './azurite.ts';
import { type LossyProxy, type Seen, startProxy } from './proxy.ts';

// What the network does to conditional writes: an answer that is lost must never be taken for another
// writer's work.

let azurite: Azurite;
let proxy: LossyProxy;
let store: ArchiveStore;
let direct: ArchiveStore;
const prefix = `t-${randomBytes(6).toString('hex')}`;
beforeAll(async () => {
  azurite = await startAzurite();
  direct = azureBlobArchive({ connectionString: azurite.connectionString, prefix });
});
afterAll(async () => {
  await azurite?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  proxy = await startProxy(azurite.port);
  store = azureBlobArchive({ connectionString: connectionString(proxy.port), prefix });
  await store.truth.read('warm');
  await store.state.read('warm');
  proxy.seen.length = 0;
  return () => proxy[Symbol.asyncDispose]();
});

const bytes = (text: string) => Buffer.from(text);
const newBlob = () => `blob-${randomBytes(6).toString('hex')}`;
const isPut = ({ method, url }: Seen) => method === 'PUT' && !url.includes('comp=');
const isCommit = ({ method, url }: Seen) => method === 'PUT' && url.includes('comp=blocklist');
async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => (error instanceof Fault ? error.code : error),
  );

test('a truth blob is one Put Blob under a condition, with its content type', async () => {
  const blob = newBlob();
  await store.truth.create(blob, randomBytes(5_000_000));
  await store.truth.create(`${blob}.json`, bytes('{}'));
  expect(
    proxy.seen.map(({ method, url }) => `${method} ${new URL(url, 'http://x').pathname.split('/').at(-1)}`),
  ).toEqual([`PUT ${blob}`, `PUT ${blob}.json`]);
  expect(proxy.seen.map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*']);
  expect(proxy.seen.map(({ headers }) => headers['x-ms-blob-content-type'])).toEqual([
    'application/octet-stream',
    'application/json',
  ]);
});

test('a create whose answer is lost is unknown, is sent once, and can be read back', async () => {
  const blob = newBlob();
  proxy.losing(isPut);
  expect(await code(store.truth.create(blob, bytes('mine')))).toBe('STORE_UNAVAILABLE');
  expect(proxy.seen.filter(isPut)).toHaveLength(1);
  expect((await store.truth.read(blob))?.toString()).toBe('mine');
});

test('a write whose answer is lost is unknown, not changed', async () => {
  const blob = newBlob();
  const etag = await store.state.write(blob, bytes('one'), null);
  proxy.losing(isPut);
  expect(await code(store.state.write(blob, bytes('two'), etag))).toBe('STORE_UNAVAILABLE');
  const now = (await store.state.read(blob))!;
  expect(now.bytes.toString()).toBe('two');
  expect(await store.state.write(blob, bytes('three'), now.etag)).not.toBe('changed');
});

test('an append whose answer is lost is unknown, and the next one builds on what happened', async () => {
  const blob = newBlob();
  let etag = await store.state.write(blob, bytes('head'), null);
  etag = await store.state.append(blob, bytes('+1'), etag);
  proxy.losing(isCommit);
  expect(await code(store.state.append(blob, bytes('+2'), etag))).toBe('STORE_UNAVAILABLE');
  expect(await store.state.append(blob, bytes('+no'), etag)).toBe('changed');
  const now = (await store.state.read(blob))!;
  expect(now.bytes.toString()).toBe('head+1+2');
  await store.state.append(blob, bytes('+3'), now.etag);
  expect((await direct.state.read(blob))?.bytes.toString()).toBe('head+1+2+3');
});

test('another writer between staging and committing wins, and no block of ours stays', async () => {
  const blob = newBlob();
  const etag = await store.state.write(blob, bytes('head'), null);
  proxy.before(isCommit, async () => {
    expect(await direct.state.append(blob, bytes('+theirs'), etag)).not.toBe('changed');
  });
  expect(await store.state.append(blob, bytes('+mine'), etag)).toBe('changed');
  const now = (await store.state.read(blob))!;
  expect(now.bytes.toString()).toBe('head+theirs');
  await store.state.append(blob, bytes('+mine'), now.etag);
  expect((await direct.state.read(blob))?.bytes.toString()).toBe('head+theirs+mine');
});

test('after the first append only the block and the list are sent', async () => {
  const blob = newBlob();
  let etag = await store.state.write(blob, randomBytes(100_000), null);
  etag = await store.state.append(blob, bytes('+1'), etag);
  proxy.seen.length = 0;
  for (let i = 2; i < 5; i++) etag = await store.state.append(blob, bytes(`+${i}`), etag);
  expect(proxy.seen.map(({ method, url }) => `${method} ${/comp=(\w+)/.exec(url)?.[1]}`)).toEqual(
    [2, 3, 4].flatMap(() => ['PUT block', 'PUT blocklist']),
  );
  expect((await direct.state.read(blob))?.bytes.subarray(100_000).toString()).toBe('+1+2+3+4');
});

test('a blob that changes while its ranges are read comes back as one content', async () => {
  const blob = newBlob();
  const contents = [Buffer.alloc(20_000_000, 'a'), Buffer.alloc(19_000_000, 'b')];
  await direct.state.replace(blob, contents[0]!);
  const isLater = ({ method, headers }: Seen) => method === 'GET' && headers['if-match'] !== undefined;
  proxy.before(isLater, () => direct.state.replace(blob, contents[1]!));
  const read = (await store.state.read(blob))!;
  expect(proxy.seen.filter(isLater).length).toBeGreaterThan(0);
  expect(read.bytes.equals(contents[1]!)).toBe(true);
});

test('a list gives what happens to it as unavailable', async () => {
  proxy.losing(({ url }) => url.includes('comp=list'), 9);
  expect(await code(firstOf(store.truth.list('')))).toBe('STORE_UNAVAILABLE');
});

test('a store that is away is unavailable to every call, and its secrets are not told', async () => {
  await using gone = await startProxy(1);
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  const away = azureBlobArchive({ connectionString: connectionString(port), prefix });
  const { truth, state } = away;
  const calls = [
    truth.create('a', bytes('')),
    truth.read('a'),
    firstOf(truth.list('')),
    state.read('a'),
    state.write('a', bytes(''), null),
    state.append('a', bytes(''), 'x'),
    state.replace('a', bytes('')),
    state.remove('a'),
    firstOf(state.list('')),
  ];
  for (const call of calls) {
    const fault = await call.catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'STORE_UNAVAILABLE', remedy: 'retry' });
    expect(JSON.stringify(fault) + String(fault)).not.toMatch(/AccountKey|Eby8/);
  }
  const signed = azureBlobArchive({
    accountUrl: 'https://u:p@acc.blob.core.windows.net/?sig=secret',
    prefix,
  });
  expect(signed.place).toBe(`https://acc.blob.core.windows.net/${prefix}-*`);
  expect(store.place).toBe(`http://127.0.0.1:${proxy.port}/devstoreaccount1/${prefix}-*`);
});

test('a container that was removed is no empty archive', async () => {
  const gone = azureBlobArchive({ connectionString: azurite.connectionString, prefix: `${prefix}-g` });
  await gone.truth.create('a', bytes('a'));
  const { BlobServiceClient } = await import('@azure/storage-blob');
  await BlobServiceClient.fromConnectionString(azurite.connectionString).deleteContainer(
    `${prefix}-g-archive`,
  );
  expect(await code(gone.truth.read('a'))).toBe('STORE_UNAVAILABLE');
});

test('a list that begins later asks the service to begin there; one that does not know that is passed over', async () => {
  const folder = newBlob();
  for (const name of ['1', '2', '3']) await store.truth.create(`${folder}/${name}`, bytes(name));
  proxy.seen.length = 0;
  const names: string[] = [];
  for await (const { name } of store.truth.list(`${folder}/`, `${folder}/2`)) names.push(name);
  expect(names).toEqual([`${folder}/3`]);
  expect(proxy.seen.map(({ url }) => new URL(url, 'http://x').searchParams.get('startFrom'))).toEqual([
    `${folder}/2`,
  ]);
});
