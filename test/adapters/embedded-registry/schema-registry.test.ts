import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { embeddedRegistry } from '../../../src/adapters/embedded-registry/schema-registry.ts';
import { schemaRegistryContract } from '../../contracts/schema-registry.contract.ts';

const root = await mkdtemp(join(tmpdir(), 'annal-registry-'));
afterAll(() => rm(root, { recursive: true }));

schemaRegistryContract(
  'folder',
  async () => embeddedRegistry({ dir: join(root, 'shared') }),
  async () => {
    await writeFile(join(root, 'a-file'), '');
    return embeddedRegistry({ dir: join(root, 'a-file', 'below') });
  },
);

test('ids count from 1 in every folder, one file each, and nothing else is left', async () => {
  const dir = join(root, 'fresh', 'schemas');
  const registry = embeddedRegistry({ dir });
  for (const type of ['string', 'int', 'string']) await registry.register(type, `{"type":"${type}"}`);
  expect(await registry.latest('int')).toEqual({
    ref: { kind: 'confluent', id: 2 },
    ...{ subject: 'int', version: 1 },
    schemaText: '{"type":"int"}',
  });
  expect((await readdir(dir)).sort()).toEqual(['1.json', '2.json']);
});

test('a registration that was damaged is named, not passed over', async () => {
  const dir = join(root, 'damaged');
  await embeddedRegistry({ dir }).register('a', '"string"');
  await writeFile(join(dir, '1.json'), '{"id":1');
  await expect(embeddedRegistry({ dir }).latest('a')).rejects.toThrow(/REGISTRY_UNAVAILABLE/);
});

test('schemas are taken within bounds of all and of each subject, which are compared and held whole', async () => {
  const dir = join(root, 'bounded');
  const registry = embeddedRegistry({ dir, charsMax: 250, subjectCharsMax: 150 });
  const schema = (doc: string) => `{"type":"string","doc":"${doc.padEnd(70, '.')}"}`;
  await registry.register('a', schema('1'));
  await expect(registry.register('a', schema('2'))).rejects.toMatchObject({ code: 'REGISTRY_FULL' });
  await registry.register('a', schema('1'));
  await registry.register('b', schema('2'));
  await expect(registry.register('c', schema('3'))).rejects.toMatchObject({ code: 'REGISTRY_FULL' });
  expect(await registry.subjects()).toEqual(['a', 'b']);
});
