import { afterAll, expect, test } from 'vitest';
import { azureRegistry } from '../../../src/adapters/azure-registry/schema-registry.ts';
import { schemaRegistryContract } from '../../contracts/schema-registry.contract.ts';
import { fakeAzureRegistry, sentTo } from '../../given/azure-registry.ts';

const shared = await fakeAzureRegistry();
afterAll(() => shared[Symbol.asyncDispose]());
const { url } = shared.settings;

schemaRegistryContract(
  'Azure, as its documentation has it',
  async () => azureRegistry(shared.settings),
  async () => azureRegistry({ ...shared.settings, httpClient: sentTo(url, 'http://127.0.0.1:1') }),
);

const text = (...names: string[]): string =>
  JSON.stringify({
    ...{ type: 'record', name: 'Order' },
    fields: names.map((name) => ({ name, type: 'string', default: '' })),
  });

test('many versions are found in few steps, and a known one is not looked for again', async () => {
  await using fake = await fakeAzureRegistry();
  const writer = azureRegistry(fake.settings);
  const names: string[] = [];
  for (let n = 1; n <= 21; n += 1) {
    names.push(`f${n}`);
    await writer.register('grown', text(...names));
  }
  const reader = azureRegistry(fake.settings);
  fake.asked.length = 0;
  expect(await reader.latest('grown')).toMatchObject({ version: 21, schemaText: text(...names) });
  expect(fake.asked.length).toBeLessThanOrEqual(12);
  fake.asked.length = 0;
  expect(await reader.versions('grown')).toHaveLength(21);
  expect(fake.asked).toEqual(['GET /$schemaGroups/annal/schemas/grown/versions/22']);
  await writer.register('grown', text(...names, 'new'));
  expect((await reader.latest('grown'))?.version).toBe(22);
});

test('a schema is asked for once by its id, whoever asks; another answer for it changes nothing', async () => {
  await using fake = await fakeAzureRegistry();
  const registry = azureRegistry(fake.settings);
  const { id } = await registry.register('a', text('one'));
  const reader = azureRegistry(fake.settings);
  expect(await reader.lookup(String(id).toUpperCase())).toBe(text('one'));
  fake.lie(String(id), text('other'));
  fake.asked.length = 0;
  expect(await reader.lookup(id)).toBe(text('one'));
  expect(fake.asked).toEqual([]);
});

test('a group that is not there, a role that is missing, a token that is refused: the registry is not to be had, and why', async () => {
  await using fake = await fakeAzureRegistry();
  const unavailable = (reason: string) => ({
    code: 'REGISTRY_UNAVAILABLE',
    facts: { reason: expect.stringContaining(reason) },
  });
  const elsewhere = azureRegistry({ ...fake.settings, group: 'nobodys' });
  await expect(elsewhere.register('a', text('one'))).rejects.toMatchObject(
    unavailable('SchemaGroupNotFound'),
  );
  const tokens = async () => ({ value: 'of somebody else', endsAt: undefined });
  const stranger = azureRegistry({ ...fake.settings, tokens });
  await expect(stranger.latest('a')).rejects.toMatchObject(unavailable('Unauthorized'));
  const registry = azureRegistry(fake.settings);
  fake.storm.push(403);
  await expect(registry.latest('a')).rejects.toMatchObject(unavailable('Trouble'));
  await registry.register('a', text('one'));
  fake.storm.push(429, 503);
  await expect(azureRegistry(fake.settings).latest('a')).rejects.toMatchObject(unavailable('Trouble'));
  fake.storm.push(429);
  expect((await azureRegistry(fake.settings).latest('a'))?.version).toBe(1);
});

test('what the group refuses by a rule of its own is a refusal, not a registry that is away', async () => {
  await using fake = await fakeAzureRegistry();
  // Neither the text nor a first version is there; then the group says no.
  fake.storm.push(404, 404, 409);
  await expect(azureRegistry(fake.settings).register('a', text('one'))).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    facts: { subject: 'a', reason: expect.stringContaining('Trouble') },
  });
  expect(fake.asked.at(-1)).toBe('PUT /$schemaGroups/annal/schemas/a');
});
