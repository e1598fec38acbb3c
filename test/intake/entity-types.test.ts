import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadAspectSchemas } from '../../src/intake/aspect-schemas.ts';
import { loadEntityTypes } from '../../src/intake/entity-types.ts';
import { shippedSchemas } from '../../src/intake/schema-folder.ts';

const types = loadEntityTypes([shippedSchemas]);
const folder = mkdtempSync(join(tmpdir(), 'annal-types-'));
afterAll(() => rmSync(folder, { recursive: true }));

const plant = (table: unknown): void =>
  writeFileSync(join(folder, 'entity-types.json'), typeof table === 'string' ? table : JSON.stringify(table));

test('persons, groups, secrets and tokens are personal, data is not', () => {
  for (const name of ['corpuser', 'corpGroup', 'dataHubSecret', 'dataHubAccessToken', 'inviteToken']) {
    expect(types.isPersonal(name), name).toBe(true);
    expect(types.isPersonal(name.toUpperCase()), name).toBe(true);
  }
  for (const name of [
    'dataset',
    'container',
    'dataProduct',
    'dataJob',
    'dataPlatform',
    'dataContract',
    'domain',
  ]) {
    expect(types.find(name), name).toMatchObject({ personal: false });
    expect(types.isPersonal(name), name).toBe(false);
  }
});

test.each(['__proto__', 'constructor', '', 'nobody'])('type %j is not known', (name) => {
  expect(types.isPersonal(name)).toBe(false);
  expect(types.find(name)).toBeUndefined();
});

test('the aspects named are shipped, and each shipped aspect is named', () => {
  const named = new Set(types.names().flatMap((name) => types.find(name)?.aspects ?? []));
  expect([...named].sort()).toEqual(loadAspectSchemas([shippedSchemas]).names());
});

test('an own folder adds types', () => {
  plant({ 'acme-machine': { displayName: 'Machine', aspects: ['status'], personal: false } });
  const both = loadEntityTypes([shippedSchemas, folder]);
  expect(both.names()).toEqual([...types.names(), 'acme-machine'].sort());
});

test.each<[string, unknown, RegExp]>([
  [
    'makes a personal type an open one',
    { CorpUser: { displayName: 'P', aspects: [], personal: false } },
    /corpuser/,
  ],
  ['leaves personal out', { machine: { displayName: 'M', aspects: [] } }, /machine.*personal/],
  ['has a name with a colon', { 'a:b': { displayName: 'M', aspects: [], personal: false } }, /property name/],
  [
    'has a key __proto__',
    '{"__proto__": {"displayName": "M", "aspects": [], "personal": false}}',
    /__proto__/,
  ],
  ['is no JSON', '{', /JSON/],
])('a table that %s is refused at start', (_, table, reason) => {
  plant(table);
  const load = (): unknown => loadEntityTypes([shippedSchemas, folder]);
  expect(load).toThrow(/^SCHEMA_FILE_INVALID: .*entity-types\.json/);
  expect(load).toThrow(reason);
});
