import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { confluentRegistry } from '../../../src/adapters/confluent-registry/schema-registry.ts';
import { frameConfluent } from '../../../src/formats/framing.ts';
import { schemaRegistryContract } from '../../contracts/schema-registry.contract.ts';
import { type Calling, type ServedAnnal, servedAnnal } from '../../given/api.ts';

interface Client {
  register(schema: object, options: object): Promise<{ readonly id: number }>;
  getLatestSchemaId(subject: string): Promise<number>;
  getRegistryId(subject: string, version: number): Promise<number>;
  getRegistryIdBySchema(subject: string, schema: object): Promise<number>;
  encode(id: number, payload: object): Promise<Buffer>;
  decode(bytes: Buffer): Promise<unknown>;
}
const require = createRequire(import.meta.url);
const library = require('@kafkajs/confluent-schema-registry') as {
  readonly SchemaRegistry: new (settings: object) => Client;
};

let served: ServedAnnal;
let call: Calling;
let url: string;
beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  await served.api.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(served.api.server.address() as AddressInfo).port}`;
});
afterAll(() => served[Symbol.asyncDispose]());

const order = (...fields: object[]) => ({
  ...{ type: 'record', name: 'Order', namespace: 'shop' },
  fields: [{ name: 'id', type: 'string' }, ...fields],
});
const note = { name: 'note', type: ['null', 'string'], default: null };
const total = { name: 'total', type: 'long' };
const aClient = (): Client => new library.SchemaRegistry({ host: url, retry: { retries: 0 } });

schemaRegistryContract(
  'Annal served over Confluent’s API',
  async () => confluentRegistry({ url }),
  async () => confluentRegistry({ url: 'http://127.0.0.1:1' }),
);

test('a serialiser registers, encodes, and another one decodes by the id in the record', async () => {
  const subject = 'shop.orders-value';
  const writer = aClient();
  const { id } = await writer.register(order(), { subject });
  const bytes = await writer.encode(id, { id: 'a' });
  expect(bytes.subarray(0, 5)).toEqual(frameConfluent(id, Buffer.alloc(0)));
  expect(await aClient().decode(bytes)).toMatchObject({ id: 'a' });
  const { id: second } = await writer.register(order(note), { subject });
  expect(await aClient().getLatestSchemaId(subject)).toBe(second);
  expect(await aClient().getRegistryId(subject, 1)).toBe(id);
  expect(await aClient().getRegistryIdBySchema(subject, order())).toBe(id);
  expect(await aClient().decode(bytes)).toMatchObject({ id: 'a' });
  await expect(writer.register(order(total), { subject })).rejects.toMatchObject({ status: 409 });
  await expect(aClient().getLatestSchemaId('shop.nobody-value')).rejects.toMatchObject({ status: 404 });
});

test('compatibility is told by version, with the fields; errors have the numbers of that API', async () => {
  const name = '/subjects/shop.checked-value';
  const type = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const send = (path: string, schema: unknown, more: object = {}) =>
    call('POST', path, { body: JSON.stringify({ schema: JSON.stringify(schema), ...more }), headers: type });
  expect((await send(`${name}/versions`, order())).json).toMatchObject({ version: 1 });
  await send(`${name}/versions`, order({ ...total, default: 0 }));
  const compatible = async (version: string, schema: unknown) =>
    (await send(`/compatibility${name}/versions${version}`, schema)).json;
  expect(await compatible('/latest', order(note))).toEqual({ is_compatible: true, messages: [] });
  const messages = ['version 1: /total: added without a default'];
  for (const version of ['/1', '/latest', ''])
    expect(await compatible(version, order(total)), version).toEqual({ is_compatible: false, messages });
  expect((await compatible('/2', order(total))).is_compatible).toBe(true);
  expect((await call('GET', '/config')).json).toEqual({ compatibilityLevel: 'BACKWARD' });
  expect((await call('GET', '/schemas/types')).json).toEqual(['AVRO']);
  const numbers = [
    await call('GET', '/subjects/none/versions'),
    await call('GET', `${name}/versions/9`),
    await call('GET', '/schemas/ids/999999'),
    await send(name, order(note)),
    await send(`${name}/versions`, { type: 'nobody' }),
    await send(`${name}/versions`, order(total)),
    await send(`${name}/versions`, order(), { schemaType: 'PROTOBUF' }),
    await call('POST', `${name}/versions`, { body: '{', headers: type }),
  ];
  expect(numbers.map(({ status, json }) => [status, json.error_code])).toEqual([
    ...[
      [404, 40401],
      [404, 40402],
      [404, 40403],
      [404, 40403],
    ],
    ...[
      [422, 42201],
      [409, 409],
      [422, 42201],
      [400, 40001],
    ],
  ]);
  expect(numbers[5]!.json.message).toContain('/total added without a default (version 1)');
});
