import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { azureBlobArchive } from '../../../src/adapters/azure-blob/archive-store.ts';
import { Fault } from '../../../src/domain/fault.ts';
import type { ArchiveStore } from '../../../src/ports/archive.ts';
import { type Azurite, connectionString, startAzurite } from './azurite.ts';
import { type LossyProxy, type Seen, startProxy } from './proxy.ts';

// What an account answers that is busy, or that does not allow what is asked: nothing happened, and it says so.

let azurite: Azurite;
let proxy: LossyProxy;
let store: ArchiveStore;
const prefix = `t-${randomBytes(6).toString('hex')}`;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await azurite?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  proxy = await startProxy(azurite.port);
  store = azureBlobArchive({ connectionString: connectionString(proxy.port), prefix });
  await store.truth.create('there', Buffer.from('as it was'));
  await store.state.read('warm');
  proxy.seen.length = 0;
  return () => proxy[Symbol.asyncDispose]();
});

const isGet = ({ method }: Seen) => method === 'GET';
const isPut = ({ method }: Seen) => method === 'PUT';
const busy = { status: 503, code: 'ServerBusy', headers: { 'retry-after': '7' } };

const fault = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Fault)) throw new Error('no fault', { cause: error });
  return error;
};

test('a service that is busy for a moment is read from all the same', async () => {
  proxy.answering(isGet, busy, 2);
  expect((await store.truth.read('there'))?.toString()).toBe('as it was');
  expect(proxy.seen.filter(isGet)).toHaveLength(3);
});

test.each([
  ['ServerBusy', busy, 7_000],
  ['too many requests', { status: 429, code: 'TooManyRequests', headers: { 'retry-after': '9999' } }, 60_000],
  ['an answer that says no time', { status: 503, code: 'ServerBusy' }, undefined],
])('a write to a busy one is sent once, and told with the time it asks for: %s', async (_, refusal, retryAfterMs) => {
  proxy.answering(isPut, refusal, 9);
  for (const write of [
    () => store.truth.create(`new-${randomBytes(4).toString('hex')}`, Buffer.from('x')),
    () => store.state.write(`new-${randomBytes(4).toString('hex')}`, Buffer.from('x'), null),
  ]) {
    proxy.seen.length = 0;
    expect(await fault(write())).toMatchObject({
      ...{ code: 'STORE_UNAVAILABLE', remedy: 'retry' },
      facts: { status: refusal.status, retryAfterMs },
    });
    expect(proxy.seen.filter(isPut)).toHaveLength(1);
  }
});

test.each([
  ['a role that was taken away', 'AuthorizationPermissionMismatch'],
  ['a network that is not let in', 'AuthorizationFailure'],
])('%s is told by the service’s word, sent once, and changes nothing', async (_, code) => {
  proxy.answering(() => true, { status: 403, code }, 9);
  const calls = [
    () => store.truth.create('there', Buffer.from('other')),
    () => store.truth.read('there'),
    () => store.state.write('other', Buffer.from('x'), null),
  ];
  for (const [n, call] of calls.entries()) {
    const told = await fault(call());
    expect(told).toMatchObject({ code: 'STORE_UNAVAILABLE', facts: { status: 403, code } });
    expect(told.message).toContain(code);
    expect(proxy.seen).toHaveLength(n + 1);
  }
  proxy.answering(() => true, { status: 403, code }, 0);
  expect((await store.truth.read('there'))?.toString()).toBe('as it was');
  expect(await store.state.read('other')).toBeUndefined();
});

test('what a retention lock refuses is there: its bytes are what counts', async () => {
  proxy.answering(isPut, { status: 409, code: 'BlobImmutableDueToPolicy' });
  expect(await store.truth.create('there', Buffer.from('other'))).toBe('exists');
  expect((await store.truth.read('there'))?.toString()).toBe('as it was');
});
