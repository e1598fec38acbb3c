// Goal: what DataHub's SDK writes is taken as it is, what breaks a schema is refused at its place, and a
// schema that could not hold its promise never gets as far as the first event. Method: the files beside each
// schema, plus planted folders with one fault each.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import { loadAspectSchemas } from '../../src/intake/aspect-schemas.ts';
import { shippedSchemas } from '../../src/intake/schema-folder.ts';

type Json = Record<string, unknown>;
interface Invalid {
  readonly why: string;
  readonly pointer: string;
  readonly value: unknown;
}

const read = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8'));
const aspectsFolder = join(shippedSchemas, 'aspects');
const schemas = loadAspectSchemas([shippedSchemas]);
const shipped = readdirSync(aspectsFolder).flatMap((aspect) =>
  readdirSync(join(aspectsFolder, aspect))
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ aspect, name, schema: read<Json>(aspectsFolder, aspect, name) })),
);
const examplesOf = (aspect: string, name: string): unknown[] => read(aspectsFolder, aspect, 'examples', name);

const folders: string[] = [];
function planted(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'annal-schemas-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const schemaOf = (id: string, more: Json = {}): Json => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: `annal:aspect/${id}`,
  title: 'T',
  description: 'D',
  type: 'object',
  properties: { level: { type: 'integer' } },
  ...more,
});

describe('shipped schemas', () => {
  test('are found by name, the newest version counting', () => {
    expect(schemas.names()).toEqual([...new Set(shipped.map(({ aspect }) => aspect))].sort());
    expect(schemas.names().length).toBeLessThanOrEqual(40);
    expect(schemas.find('schemaMetadata')?.schema).toBe('schemaMetadata/1');
  });

  test.each(shipped)('$aspect/$name compiles in strict mode under its own id', ({ aspect, name, schema }) => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.$id).toBe(`annal:aspect/${aspect}/${name.replace('.json', '')}`);
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ['x-personal'] });
    expect(ajv.compile(schema)).toBeTypeOf('function');
  });

  test.each(shipped)('$aspect/$name takes each of its examples', ({ aspect, name }) => {
    const examples = examplesOf(aspect, name);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const value of examples) {
      expect(schemas.check(aspect, value)).toMatchObject({ ok: true, schema: `${aspect}/1` });
    }
  });

  test.each(shipped)('$aspect/$name refuses each invalid value at its pointer', ({ aspect, name }) => {
    const invalid = read<Invalid[]>(aspectsFolder, aspect, 'invalid', name);
    expect(invalid.length).toBeGreaterThanOrEqual(2);
    for (const { why, pointer, value } of invalid) {
      expect(schemas.check(aspect, value), why).toEqual({
        ok: false,
        code: 'ASPECT_INVALID',
        pointer,
        reason: expect.stringMatching(/./),
      });
    }
  });
});

/**
 * Every object of `value` that a schema describes as a record: the places where unknown fields are allowed.
 */
function* recordsOf(schema: Json, value: unknown, root: Json): Generator<{ record: Json; known: string[] }> {
  if (typeof schema.$ref === 'string') {
    const definitions = root.$defs as Record<string, Json>;
    yield* recordsOf(definitions[schema.$ref.replace('#/$defs/', '')]!, value, root);
  }
  for (const branch of (schema.anyOf ?? []) as Json[]) yield* recordsOf(branch, value, root);
  if (Array.isArray(value)) {
    for (const element of value) yield* recordsOf(schema.items as Json, element, root);
  } else if (typeof value === 'object' && value !== null) {
    const record = value as Json;
    const properties = (schema.properties ?? {}) as Record<string, Json>;
    if (schema.properties !== undefined) yield { record, known: Object.keys(properties) };
    for (const [name, member] of Object.entries(record)) {
      const wrapped = Object.entries((schema.patternProperties ?? {}) as Record<string, Json>);
      const inUnion = wrapped.find(([pattern]) => new RegExp(pattern).test(name))?.[1];
      const next = properties[name] ?? inUnion ?? schema.additionalProperties;
      if (typeof next === 'object') yield* recordsOf(next as Json, member, root);
    }
  }
}

test('unknown fields in any record never cause a refusal', () => {
  let records = 0;
  const cases = shipped.flatMap(({ aspect, name, schema }) =>
    examplesOf(aspect, name).map((value) => ({ aspect, schema, value })),
  );
  const unknown = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, maxKeys: 3 });
  for (const { aspect, schema, value } of cases) {
    fc.assert(
      fc.property(unknown, (fields) => {
        const copy = structuredClone(value);
        for (const { record, known } of recordsOf(schema, copy, schema)) {
          for (const [name, field] of Object.entries(fields)) if (!known.includes(name)) record[name] = field;
          records++;
        }
        expect(schemas.check(aspect, copy)).toMatchObject({ ok: true });
      }),
      { numRuns: 20 },
    );
  }
  expect(records / 20).toBeGreaterThan(cases.length * 2);
});

describe('names and values that look like something else', () => {
  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '',
    'datasetproperties',
    'status/1',
  ])('aspect %j is unknown', (aspect) => {
    expect(schemas.check(aspect, {})).toEqual({ ok: false, code: 'ASPECT_UNKNOWN' });
    expect(schemas.find(aspect)).toBeUndefined();
  });

  test('what a value inherits is not one of its fields', () => {
    const folder = planted({
      'aspects/plan/1.json': schemaOf('plan/1', {
        properties: { constructor: { type: 'string' }, toString: { type: 'string' } },
        required: ['constructor'],
      }),
    });
    const own = loadAspectSchemas([folder]);
    expect(own.check('plan', {})).toMatchObject({ ok: false, pointer: '/constructor' });
    expect(own.check('plan', { constructor: 'x' })).toMatchObject({ ok: true });
    expect(schemas.check('status', JSON.parse('{"__proto__": {"removed": "yes"}}'))).toMatchObject({
      ok: true,
    });
    const lines = JSON.parse('{"customProperties": {"__proto__": 7}}');
    expect(schemas.check('datasetProperties', lines)).toMatchObject({
      pointer: '/customProperties/__proto__',
    });
  });

  test('a pointer is escaped, and names the place above a key that is too long', () => {
    const check = (key: string): unknown =>
      schemas.check('datasetProperties', { customProperties: { [key]: 1 } });
    expect(check('a/b~c')).toMatchObject({ pointer: '/customProperties/a~1b~0c' });
    expect(check('k'.repeat(5_000))).toMatchObject({ pointer: '/customProperties' });
  });
});

describe('personal fields', () => {
  const usage = { timestampMillis: 0, userCounts: [{ user: 'urn:li:corpuser:p-1', count: 1 }] };

  test('where the entity is the person every value is, elsewhere what has a marked field', () => {
    expect(schemas.check('corpUserInfo', { active: true })).toMatchObject({ ok: true, personal: true });
    const group = { admins: [], members: [], groups: [] };
    expect(schemas.check('corpGroupInfo', group)).toMatchObject({ ok: true, personal: true });
    expect(schemas.check('datasetUsageStatistics', usage)).toMatchObject({ ok: true, personal: false });
    const named = {
      ...usage,
      userCounts: [...usage.userCounts, { ...usage.userCounts[0], userEmail: 'a@b.example' }],
    };
    expect(schemas.check('datasetUsageStatistics', named)).toMatchObject({ ok: true, personal: true });
    expect(schemas.check('status', {})).toMatchObject({ ok: true, personal: false });
  });

  test('the marks can be asked for without a value', () => {
    expect(schemas.find('corpUserInfo')?.personal).toMatchObject({ subject: 'urn' });
    expect(schemas.find('corpUserInfo')?.personal?.pointers).toContain('/email');
    expect(schemas.find('ownership')?.personal).toBeUndefined();
  });
});

describe('own folders', () => {
  test('add aspects, and newer versions of any', () => {
    const folder = planted({
      'aspects/acme.tier/1.json': schemaOf('acme.tier/1'),
      'aspects/acme.tier/10.json': schemaOf('acme.tier/10', { required: ['level'] }),
      'aspects/acme.tier/9.json': schemaOf('acme.tier/9'),
      'aspects/acme.tier/examples/1.json': [],
      'README.md': 'ours',
    });
    const both = loadAspectSchemas([shippedSchemas, folder]);
    expect(both.names()).toHaveLength(schemas.names().length + 1);
    expect(both.check('acme.tier', { level: 1 })).toMatchObject({ ok: true, schema: 'acme.tier/10' });
    expect(both.check('acme.tier', {})).toMatchObject({ code: 'ASPECT_INVALID', pointer: '/level' });
  });

  const plan = (more: Json): Record<string, unknown> => ({ 'aspects/plan/1.json': schemaOf('plan/1', more) });
  const marked = (subject: string, ...pointers: string[]): Record<string, unknown> =>
    plan({ 'x-personal': { subject, pointers } });
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ['no JSON', { 'aspects/plan/1.json': '{"type": ' }, 'plan/1.json', /JSON/],
    ['no object', { 'aspects/plan/1.json': true }, 'plan/1.json', /is a JSON object/],
    ['a type nobody knows', plan({ type: 'objct' }), 'plan/1.json', /type/],
    ['a keyword nobody knows', plan({ requierd: ['level'] }), 'plan/1.json', /requierd/],
    ['a required field that is not declared', plan({ required: ['levle'] }), 'plan/1.json', /levle/],
    [
      'a reference to nothing',
      plan({ properties: { a: { $ref: '#/$defs/a' } } }),
      'plan/1.json',
      /\$defs\/a/,
    ],
    [
      'a pattern that is none',
      plan({ properties: { a: { type: 'string', pattern: '(' } } }),
      'plan/1.json',
      /\(/,
    ],
    ['another $id', { 'aspects/plan/1.json': schemaOf('plan/2') }, 'plan/1.json', /\$id must be/],
    ['no title', plan({ title: 1 }), 'plan/1.json', /title/],
    [
      'a key __proto__',
      { 'aspects/plan/1.json': '{"properties": {"__proto__": {}}}' },
      'plan/1.json',
      /__proto__/,
    ],
    ['a version that is none', { 'aspects/plan/v1.json': schemaOf('plan/1') }, 'plan/v1.json', /version/],
    ['no schema in the folder', { 'aspects/plan/examples/1.json': [] }, 'aspects/plan', /no schema/],
    ['a schema outside its folder', { 'aspects/plan.json': schemaOf('plan/1') }, 'plan.json', /<version>/],
    ['a name that is none', { 'aspects/__proto__/1.json': schemaOf('__proto__/1') }, '__proto__', /the name/],
    ['nothing', { 'readme.md': '' }, '', /entity-types.json/],
    [
      'a taken version',
      { 'aspects/status/1.json': schemaOf('status/1') },
      'status/1.json',
      /already defined/,
    ],
    ['a mark of no property', marked('urn', '/levle'), 'plan/1.json', /\/levle leads to no property/],
    ['a subject of no property', marked('/person', '/level'), 'plan/1.json', /\/person leads to no property/],
    ['a mark that is no pointer', marked('urn', 'level'), 'plan/1.json', /x-personal: \/pointers\/0/],
    ['no pointers', marked('urn'), 'plan/1.json', /x-personal: \/pointers/],
    ['a mark inside', plan({ properties: { a: { 'x-personal': {} } } }), 'plan/1.json', /at the top/],
  ])('with %s are refused at start, by file and reason', (_, files, name, reason) => {
    const folder = planted(files);
    const load = (): unknown => loadAspectSchemas([shippedSchemas, folder]);
    let seen: unknown;
    try {
      load();
    } catch (error) {
      seen = error;
    }
    if (!isFault(seen, 'SCHEMA_FILE_INVALID')) throw seen ?? new Error('nothing was refused');
    const [line, ...others] = seen.facts.files as string[];
    expect(others).toEqual([]);
    expect(line).toContain(join(folder, ...(name === '' ? [] : ['aspects'])));
    expect(line).toContain(name);
    expect(line).toMatch(reason);
  });

  test('name all broken files in one fault', () => {
    const folder = planted({
      'aspects/a/1.json': '{',
      'aspects/b/1.json': schemaOf('c/1'),
      'aspects/d.json': {},
    });
    expect(() => loadAspectSchemas([folder, join(folder, 'nowhere')])).toThrow(
      /nowhere.*aspects\/d\.json.*a\/1\.json.*b\/1\.json/s,
    );
  });
});

test('the schema that schemas/README.md shows is one', () => {
  const blocks = [
    ...readFileSync(join(shippedSchemas, 'README.md'), 'utf8').matchAll(/```json\n([\s\S]*?)```/g),
  ].map(([, json]) => json!);
  const own = blocks.find((json) => json.includes('annal:aspect/acme.costs/1'))!;
  const loaded = loadAspectSchemas([planted({ 'aspects/acme.costs/1.json': own })]);
  expect(loaded.check('acme.costs', { amount: 3.5, currency: 'EUR' })).toMatchObject({ ok: true });
});
