import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import { anApi, type Calling, calling, type ServedAnnal, servedAnnal } from '../../given/api.ts';

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown };
const record = (...fields: Field[]): string => JSON.stringify({ type: 'record', name: 'Order', fields });
const id: Field = { name: 'id', type: 'string' };
const total: Field = { name: 'total', type: 'long' };
const note: Field = { name: 'note', type: ['null', 'string'], default: null };

let served: ServedAnnal;
let call: Calling;
beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
});
afterAll(() => served[Symbol.asyncDispose]());

let names = 0;
function newName(namespace = 'shop'): string {
  names += 1;
  return `${namespace}.topic ${names}/a-value`;
}
const at = (name: string, part = ''): string => `/v1/schemas/${encodeURIComponent(name)}${part}`;
const push = (name: string, schema: unknown) => call('POST', at(name, '/versions'), { body: { schema } });

test('register, list, get by name, version and id; the same again is the same version', async () => {
  const name = newName();
  expect((await call('GET', at(name))).json).toMatchObject({ status: 404, code: 'SCHEMA_NOT_FOUND' });
  const first = await push(name, record(id));
  expect(first).toMatchObject({ status: 201, json: { name, version: 1, type: 'AVRO', new: true } });
  const again = await push(name, JSON.parse(record(id)));
  expect(again).toMatchObject({ status: 200, json: { version: 1, id: first.json.id, new: false } });
  const second = await push(name, record(id, note));
  expect(second).toMatchObject({ status: 201, json: { version: 2, schema: record(id, note) } });
  const { items, registry } = (await call('GET', '/v1/schemas')).json;
  expect(items).toContainEqual({
    ...{ name, namespace: 'shop', versions: [1, 2] },
    latest: { version: 2, id: second.json.id, deprecated: null },
  });
  expect(registry.kind).toBe('confluent');
  expect((await call('GET', at(name))).json).toMatchObject({ versions: [1, 2], latest: { version: 2 } });
  expect((await call('GET', at(name, '/versions/1'))).json.schema).toBe(record(id));
  expect((await call('GET', at(name, '/versions/latest'))).json.version).toBe(2);
  expect((await call('GET', at(name, '/versions/3'))).json.code).toBe('SCHEMA_NOT_FOUND');
  const byId = (await call('GET', `/v1/schemas/ids/${first.json.id}`)).json;
  expect(byId.items).toMatchObject([{ name, version: 1, schema: record(id) }]);
  for (const nobodys of ['999999999', '0', '9999999999', '7f000000-0000-4000-8000-000000000000'])
    expect((await call('GET', `/v1/schemas/ids/${nobodys}`)).json.code).toBe('SCHEMA_NOT_FOUND');
  expect((await call('GET', '/v1/schemas/ids/x')).status).toBe(400);
});

test('pages: each name once, in order', async () => {
  for (let i = 0; i < 5; i += 1) await push(newName('paged'), '"string"');
  const all = (await call('GET', '/v1/schemas')).json.items.map(({ name }: { name: string }) => name);
  const paged: string[] = [];
  for (let after = ''; ; ) {
    const { items, next } = (await call('GET', `/v1/schemas?limit=2${after}`)).json;
    paged.push(...items.map(({ name }: { name: string }) => name));
    if (next === undefined) break;
    after = `&after=${encodeURIComponent(next)}`;
  }
  expect(paged).toEqual(all);
});

test('a check names the fields that differ, and registers nothing; a push of the same is refused with them', async () => {
  const name = newName();
  const check = async (schema: string) => (await call('POST', at(name, '/check'), { body: { schema } })).json;
  expect(await check(record(id))).toMatchObject({ compatible: true, versions: [], same: null });
  await push(name, record(id));
  await push(name, record(id, { ...total, default: 0 }));
  expect(await check(record(id, note))).toMatchObject({ compatible: true, versions: [1, 2], same: null });
  expect(await check(record(id))).toMatchObject({ compatible: true, same: 1 });
  const breaking = [
    { version: 2, at: '/id', what: 'string became int' },
    { version: 1, at: '/id', what: 'string became int' },
    { version: 1, at: '/total', what: 'added without a default' },
  ];
  const bad = record({ ...id, type: 'int' }, total);
  expect(await check(bad)).toMatchObject({ compatible: false, breaking });
  const refused = await push(name, bad);
  expect(refused).toMatchObject({ status: 422, json: { code: 'SCHEMA_INCOMPATIBLE', breaking } });
  expect(refused.json.detail).toContain('/total added without a default (version 1)');
  expect((await call('GET', at(name))).json.versions).toEqual([1, 2]);
  for (const wrong of ['{', '"nobody"', '{"type":"record","name":"A"}'])
    for (const part of ['/check', '/versions'])
      expect((await call('POST', at(name, part), { body: { schema: wrong } })).json.code).toBe(
        'SCHEMA_INCOMPATIBLE',
      );
});

test('deprecated versions say so, by whom and why, and stay readable', async () => {
  const name = newName();
  const deprecate = (body: object) => call('POST', at(name, '/deprecate'), { body });
  expect((await deprecate({ reason: 'x' })).json.code).toBe('SCHEMA_NOT_FOUND');
  await push(name, record(id));
  await push(name, record(id, note));
  expect((await deprecate({ version: 3, reason: 'x' })).json.code).toBe('SCHEMA_NOT_FOUND');
  const marked = (await deprecate({ version: 1, reason: 'lacks the note' })).json;
  expect(marked.deprecated).toMatchObject({ by: 'local:owner', reason: 'lacks the note' });
  const markOf = async (version: number) =>
    (await call('GET', at(name, `/versions/${version}`))).json.deprecated;
  expect(await markOf(2)).toBeNull();
  await deprecate({ reason: 'all of it' });
  expect([(await markOf(1)).reason, (await markOf(2)).reason]).toEqual(['lacks the note', 'all of it']);
  expect((await push(name, record(id))).json).toMatchObject({ new: false, deprecated: marked.deprecated });
  await deprecate({ reason: null });
  await deprecate({ version: 1, reason: null });
  expect([await markOf(1), await markOf(2)]).toEqual([null, null]);
});

test('one policy: names by namespace, the log’s own for all who read, changed by who operates', async () => {
  const grants = {
    shop: [{ actions: ['read', 'publish'], namespace: 'shop' }],
    reader: [{ actions: ['read'], namespace: '*' }],
    elsewhere: [{ actions: ['read', 'publish'], namespace: 'elsewhere' }],
    producer: [{ actions: ['publish'], namespace: 'shop' }],
    owner: [{ actions: ['read', 'publish', 'operate'], namespace: '*' }],
  };
  const tokens = parseTokens(
    JSON.stringify(
      Object.entries(grants).map(([name, granted]) => ({
        ...{ name, sha256: hash('sha256', `${name}-secret`), grants: granted },
      })),
    ),
    'tokens.json',
  );
  const api = anApi(served.annal.runtime, { tokens });
  const as =
    (who: string): Calling =>
    (method, path, options) =>
      calling(api)(method, path, { ...options, headers: { authorization: `Bearer ${who}-secret` } });
  const name = newName();
  const made = await push(name, record(id));
  const plain = 'plain-value';
  await push(plain, '"string"');
  const body = { schema: record(id) };
  const own = 'annal.inbox-value';
  await push(own, record(id));

  for (const who of ['shop', 'reader', 'owner']) {
    expect((await as(who)('GET', at(name))).status, who).toBe(200);
    expect((await as(who)('GET', `/v1/schemas/ids/${made.json.id}`)).status, who).toBe(200);
  }
  // Who only publishes needs the schema of the inbox, and sees no other.
  const shown = async (path: string) => (await as('producer')('GET', path)).status;
  const latest = (subject: string): string => `/subjects/${encodeURIComponent(subject)}/versions/latest`;
  expect([await shown(at(own)), await shown(latest(own))]).toEqual([200, 200]);
  expect([await shown(at(name)), await shown(latest(name))]).toEqual([404, 404]);
  expect(await shown('/v1/search?q=a')).toBe(403);
  const denied = await as('elsewhere')('GET', at(name));
  const missing = await as('elsewhere')('GET', at(`${name}x`));
  expect([denied.status, denied.json.code]).toEqual([missing.status, missing.json.code]);
  expect(denied.json.detail.replace(name, '')).toBe(missing.json.detail.replace(`${name}x`, ''));
  expect((await as('elsewhere')('GET', `/v1/schemas/ids/${made.json.id}`)).status).toBe(404);
  expect((await as('elsewhere')('GET', `/schemas/ids/${made.json.id}`)).status).toBe(404);
  expect((await as('elsewhere')('POST', at(name, '/check'), { body })).status).toBe(404);
  for (const [path, many] of [
    ['/v1/schemas', (json: { items: { name: string }[] }) => json.items.map((item) => item.name)],
    ['/subjects', (json: string[]) => json],
  ] as const)
    expect(many((await as('elsewhere')('GET', path)).json), path).toEqual([own]);

  for (const [who, where, status] of [
    ['reader', name, 403],
    ['elsewhere', name, 403],
    ['shop', plain, 403],
    ['shop', own, 403],
    ['shop', name, 200],
    ['owner', own, 200],
  ] as const)
    expect((await as(who)('POST', at(where, '/versions'), { body })).status, `${who} ${where}`).toBe(status);
  expect((await as('reader')('POST', at(name, '/deprecate'), { body: { reason: 'x' } })).status).toBe(403);
  // A serialiser registers what it is given: what is there is told to whoever may publish and see it.
  const serialiser = await as('elsewhere')('POST', `/subjects/${own}/versions`, { body });
  expect(serialiser.status).toBe(200);
  const other = { schema: record(id, note) };
  expect((await as('elsewhere')('POST', `/subjects/${own}/versions`, { body: other })).json.error_code).toBe(
    40301,
  );
  const basic = Buffer.from('anybody:shop-secret').toString('base64');
  const login = { headers: { authorization: `Basic ${basic}` } };
  expect((await calling(api)('GET', `/subjects/${encodeURIComponent(name)}/versions`, login)).status).toBe(
    200,
  );
  expect((await calling(api)('GET', '/v1/schemas', login)).status).toBe(401);
  expect((await calling(api)('GET', '/subjects')).json).toMatchObject({ error_code: 40101 });
  await api.close();
});
