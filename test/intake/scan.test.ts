import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { localFiles } from '../../src/adapters/scan/local-files.ts';
import { tableReaders } from '../../src/adapters/scan/registry.ts';
import { defaultNamespaceRules, namespaceOf } from '../../src/domain/namespace.ts';
import { urnFault, urnParts } from '../../src/domain/urn.ts';
import { loadAspectSchemas } from '../../src/intake/aspect-schemas.ts';
import { inOrder } from '../../src/intake/in-order.ts';
import { scanFolder } from '../../src/intake/scan.ts';
import { gatherScan, type ScanFound } from '../../src/intake/scan-found.ts';
import { containerUrn, datasetUrn, isPartName, nameOf, scanSourceId } from '../../src/intake/scan-names.ts';
import { shippedSchemas } from '../../src/intake/schema-folder.ts';
import type { TableReader } from '../../src/ports/table-reader.ts';
import { type MemoryEntry, memoryFiles } from '../given/memory-files.ts';

type Entries = Readonly<Record<string, MemoryEntry>>;

const scan = (entries: Entries | Map<string, MemoryEntry>, readers: readonly TableReader[] = tableReaders) =>
  gatherScan(scanFolder(memoryFiles(entries), { source: 'lake', readers }));
const table = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:file,${name},PROD)`;
const tables = ({ entities }: ScanFound): Record<string, string> =>
  Object.fromEntries(
    entities.filter(({ urn }) => urn.includes(':dataset:')).map(({ urn, path }) => [path, urnParts(urn)[1]!]),
  );
const fieldsOf = (found: ScanFound, name: string): string[] => {
  const schema = found.entities.find(({ urn }) => urn === table(name))!.aspects.get('schemaMetadata');
  return (schema!.fields as { fieldPath: string; nullable: boolean }[]).map(
    ({ fieldPath, nullable }) => fieldPath + (nullable ? '?' : ''),
  );
};
const ids = 'id,name\n1,x\n';

test('folders are containers, in front of what lies in them; files are datasets', async () => {
  const found = await scan({
    'shop/raw/orders.csv': ids,
    'shop/people.json': '[{"id": 1}]',
    'top.csv': ids,
    'docs/a.txt': 'x',
  });
  expect(found.entities.map(({ path }) => path)).toEqual([
    'top.csv',
    'shop/',
    'shop/people.json',
    'shop/raw/',
    'shop/raw/orders.csv',
  ]);
  const [top, shop, people, raw, orders] = found.entities;
  expect(top!.aspects.has('container')).toBe(false);
  expect(shop!.aspects.has('container')).toBe(false);
  expect(people!.aspects.get('container')).toEqual({ container: shop!.urn });
  expect(raw!.aspects.get('container')).toEqual({ container: shop!.urn });
  expect(orders!.aspects.get('container')).toEqual({ container: raw!.urn });
  expect(orders!.urn).toBe(table('shop.raw.orders'));
  expect(
    [shop, people, raw, orders].map((entity) => namespaceOf(entity!.urn, defaultNamespaceRules)),
  ).toEqual(Array(4).fill('shop'));
  expect(found.skipped).toEqual([{ kind: 'skipped', path: 'docs/a.txt', why: 'format' }]);
});

test('a folder of part files with the same columns is one dataset', async () => {
  const found = await scan({
    'shop/orders/2024-01.csv': 'id,paid,at\n1,1,2024-01-01\n',
    'shop/orders/2024-02.csv': 'id,at,paid\n2,2024-02-01T00:00:00Z,1.5\n',
    'shop/orders/2024-03.csv': 'id,paid,at\n',
    'shop/orders/_SUCCESS': '',
    'shop/orders/.hidden.csv': 'other\n1\n',
  });
  expect(tables(found)).toEqual({ 'shop/orders/': 'shop.orders' });
  expect(found.entities.map(({ path }) => path)).toEqual(['shop/', 'shop/orders/']);
  expect(found.entities[1]!.aspects.get('datasetProperties')).toMatchObject({
    name: 'orders',
    qualifiedName: 'shop.orders',
    customProperties: { files: '3', rowsSampled: '2', readWhole: 'true', format: 'csv' },
  });
  const { fields } = found.entities[1]!.aspects.get('schemaMetadata') as { fields: { type: unknown }[] };
  expect(
    fields.map(({ type }) =>
      Object.keys((type as { type: object }).type)[0]!
        .split('.')
        .at(-1),
    ),
  ).toEqual(['NumberType', 'NumberType', 'TimeType']);
  // A part without rows says nothing about its columns.
  expect(fieldsOf(found, 'shop.orders')).toEqual(['id', 'paid', 'at']);
});

test.for<[string, Entries, string[]]>([
  [
    'other columns',
    { 'a/orders/1.csv': ids, 'a/orders/2.csv': 'id,other\n1,x\n' },
    ['a.orders.1', 'a.orders.2'],
  ],
  [
    'a column more',
    { 'a/orders/1.csv': ids, 'a/orders/2.csv': 'id,name,x\n1,x,1\n' },
    ['a.orders.1', 'a.orders.2'],
  ],
  [
    'another format',
    { 'a/orders/1.csv': ids, 'a/orders/2.json': '[{"id":1}]' },
    ['a.orders.1', 'a.orders.2'],
  ],
  ['a name of its own', { 'a/orders/1.csv': ids, 'a/orders/open.csv': ids }, ['a.orders.1', 'a.orders.open']],
  ['a folder beside', { 'a/orders/1.csv': ids, 'a/orders/old/1.csv': ids }, ['a.orders.1', 'a.orders.old']],
  ['nothing else than words', { 'a/eu.csv': ids, 'a/us.csv': ids }, ['a.eu', 'a.us']],
])('it is not, with %s', async ([, entries, names]) => {
  expect(Object.values(tables(await scan(entries)))).toEqual(names);
});

test('JSON parts may lack fields that others have', async () => {
  const found = await scan({
    'a/t/part-1.json': '[{"id":1,"at":"x","closed":true}]',
    'a/t/part-2.json': '[{"id":2,"at":"y","note":"z","by":{"name":"n"}}]',
  });
  expect(tables(found)).toEqual({ 'a/t/': 'a.t' });
  expect(fieldsOf(found, 'a.t')).toEqual(['id', 'at', 'closed?', 'note?', 'by?', 'by.name?']);
  const more = { 'a/t/part-1.json': '[{"id":1}]', 'a/t/part-2.json': '[{"id":2,"x":1,"y":2,"z":3}]' };
  expect(tables(await scan(more))).toEqual({ 'a/t/': 'a.t' });
  const strangers = {
    'a/t/part-1.json': '[{"id":1,"x":2,"y":2}]',
    'a/t/part-2.json': '[{"id":2,"u":1,"v":2}]',
  };
  expect(Object.keys(tables(await scan(strangers)))).toEqual(['a/t/part-1.json', 'a/t/part-2.json']);
});

test.for<[string, string, boolean]>([
  ['2024-01', 'orders', true],
  ['20240101T0930', 'orders', true],
  ['part-00003-1f2e3d4c-aaaa-4bbb-8ccc-1234567890ab-c000', 'orders', true],
  ['orders_2', 'orders', true],
  ['daily-orders_2', 'daily orders', true],
  ['q1', 'orders', true],
  ['report-2023', 'finance', false],
  ['part', 'orders', false],
  ['orders', 'orders', false],
  ['decade', 'orders', false],
  ['eu-1', 'orders', false],
  ['', 'orders', false],
])('%s in %s numbers a part: %s', ([stem, folder, is]) => expect(isPartName(stem, folder)).toBe(is));

test('folders of partitions are one dataset, their keys its last columns', async () => {
  const found = await scan({
    'w/obs/year=2024/month=01/part-0.csv': ids,
    'w/obs/year=2024/month=02/anything.csv': ids,
    'w/obs/year=2025/month=01/part-0.csv': ids,
    'w/obs/year=2025/month=01/link.csv': 'link:',
  });
  expect(tables(found)).toEqual({ 'w/obs/': 'w.obs' });
  expect(fieldsOf(found, 'w.obs')).toEqual(['id', 'name', 'year', 'month']);
  expect(found.skipped).toMatchObject([{ path: 'w/obs/year=2025/month=01/link.csv', why: 'link' }]);
  for (const torn of [
    'w/obs/note.csv',
    'w/obs/x/1.csv',
    'w/obs/year=2023/1.csv',
    'w/obs/year=2026/1.csv',
    'w/obs/day=1/month=1/1.csv',
  ])
    expect(
      tables(await scan({ 'w/obs/year=2024/month=01/part-0.csv': ids, [torn]: ids })),
      torn,
    ).not.toHaveProperty('w/obs/');
});

test('the scanned folder itself may be the table', async () => {
  expect(tables(await scan({ '2024-01.csv': ids, '2024-02.csv': ids }))).toEqual({ '/': 'lake' });
});

test('what cannot be described is said, keeps its URN, and the rest goes on', async () => {
  const found = await scan({
    'a/bad.json': '{',
    'a/empty.csv': '',
    'a/good.csv': ids,
    'a/gone.csv': { broken: 'ENOENT' },
    'a/locked/': { broken: 'EACCES' },
    'a/parts/1.csv': Buffer.from([0xff]),
    'a/parts/2.csv': ids,
    'a/ruin/1.csv': { broken: 'EIO' },
  });
  expect(found.refused.map(({ path, code, urn }) => [path, code, urn])).toEqual([
    ['a/bad.json', 'FILE_MALFORMED', table('a.bad')],
    ['a/empty.csv', 'FILE_EMPTY', table('a.empty')],
    ['a/gone.csv', 'FILE_UNREADABLE', table('a.gone')],
    ['a/locked/', 'FILE_UNREADABLE', undefined],
    ['a/parts/1.csv', 'FILE_NOT_TEXT', undefined],
    ['a/ruin/1.csv', 'FILE_UNREADABLE', table('a.ruin')],
  ]);
  expect(tables(found)).toEqual({ 'a/good.csv': 'a.good', 'a/parts/': 'a.parts' });
});

test('a partition that cannot be listed is said; the table is what the others tell', async () => {
  const found = await scan({ 'w/o/d=1/1.csv': ids, 'w/o/d=2/': { broken: 'EACCES' }, 'w/o/d=3/1.csv': ids });
  expect(tables(found)).toEqual({ 'w/o/': 'w.o' });
  expect(found.refused).toMatchObject([{ path: 'w/o/d=2/', code: 'FILE_UNREADABLE' }]);
});

test('a fault of a reader is not taken for a fault of a file', async () => {
  const broken: TableReader = {
    format: 'x',
    extensions: ['csv'],
    describe: () => Promise.reject(new TypeError('ours')),
  };
  await expect(scan({ 'a/a.csv': ids, 'a/b.csv': ids }, [broken])).rejects.toThrow('ours');
});

test('names that would share a URN stay apart', async () => {
  const found = await scan({
    'a/o.csv': ids,
    'a/o.json': '[{"id":1}]',
    'a/o.json.csv': ids,
    'a/o/2024.csv': ids,
    'a/x.y.csv': ids,
    'a/x/y.csv': ids,
    'a/\u00e9.csv': ids,
    'a/e\u0301.csv': ids,
  });
  expect(tables(found)).toEqual({
    'a/e\u0301.csv': 'a.\u00e9',
    'a/o.csv': 'a.o',
    'a/o.json': 'a.o%2Ejson~',
    'a/o.json.csv': 'a.o%2Ejson',
    'a/o/': 'a.o%2F',
    'a/x.y.csv': 'a.x%2Ey',
    'a/x/y.csv': 'a.x.y',
  });
  expect(found.refused).toMatchObject([{ path: 'a/\u00e9.csv', code: 'FILE_UNREADABLE' }]);
});

test('whatever the names: valid URNs, one for each path', () => {
  const segment = fc
    .oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }),
      fc
        .array(fc.constantFrom(...'().,%~ aAé_=', '\u0301', '\u0338', '\u202e', '\0'), {
          minLength: 1,
          maxLength: 200,
        })
        .map((chars) => chars.join('')),
    )
    .map((text) => text.replaceAll('/', '_').toWellFormed().normalize('NFC'));
  const path = fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/'));
  fc.assert(
    fc.property(path, path, (a, b) => {
      for (const urn of [datasetUrn(nameOf(a)), containerUrn(a)]) expect(urnFault(urn), urn).toBeUndefined();
      expect(urnParts(datasetUrn(nameOf(a)))).toHaveLength(3);
      expect(datasetUrn(nameOf(a)) === datasetUrn(nameOf(b))).toBe(a === b);
      expect(containerUrn(a) === containerUrn(b)).toBe(a === b);
    }),
    { numRuns: 500 },
  );
  expect(urnFault(datasetUrn(nameOf('..')))).toBeUndefined();
  expect(datasetUrn(nameOf('x/'.repeat(300)))).not.toBe(datasetUrn(nameOf(`${'x/'.repeat(300)}y`)));
});

test('a source is named after its folder, or as told', () => {
  expect(scanSourceId('/data/lake/')).toBe('lake');
  expect(scanSourceId('/', ' ')).toBe('root');
  expect(scanSourceId('/data', 'my\u0000lake')).toBe('my%00lake');
  expect(Buffer.byteLength(scanSourceId(`/${'ü'.repeat(120)}`))).toBeLessThanOrEqual(128);
});

test('a wide table with long names still fits into an event', async () => {
  const row = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`${'\u0001'.repeat(480)}${i}`, 1]));
  const found = await gatherScan(
    scanFolder(memoryFiles({ 'a/wide.json': JSON.stringify([row]) }), {
      source: 'lake',
      readers: tableReaders,
      sample: { bytesMax: 64 * 1024 * 1024, rowsMax: 10 },
    }),
  );
  const [, wide] = found.entities;
  expect(Buffer.byteLength(JSON.stringify(wide!.aspects.get('schemaMetadata')))).toBeLessThan(768 * 1024);
  expect(wide!.problems).toMatchObject([{ code: 'COLUMNS_TOO_MANY' }]);
});

test('the order of a listing and how many files are open do not show', async () => {
  const entries = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`p${i % 7}/t${'abcdefgh'[i % 8]}-${i}.csv`, ids]),
  );
  const tree = memoryFiles(entries);
  const forward = { ...tree, list: async (folder: string) => [...(await tree.list(folder))].reverse() };
  const one = await gatherScan(
    scanFolder(tree, { source: 'lake', readers: tableReaders, filesAtOnceMax: 1 }),
  );
  expect(
    await gatherScan(scanFolder(forward, { source: 'lake', readers: tableReaders, filesAtOnceMax: 16 })),
  ).toEqual(one);
  expect(one.entities.length).toBe(67);
});

test('never more files open than allowed, and none ahead of room', async () => {
  let [running, most, taken, given] = [0, 0, 0, 0];
  const items = function* () {
    for (; taken < 50; taken += 1) yield taken;
  };
  const work = async (n: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return n;
  };
  for await (const n of inOrder(items(), 4, work)) {
    expect(n).toBe(given);
    given += 1;
    expect(taken - given).toBeLessThan(4);
  }
  expect([given, most]).toEqual([50, 4]);
});

test('every aspect of the sample lake fits its schema', async () => {
  const schemas = loadAspectSchemas([shippedSchemas]);
  const tree = await localFiles(join(import.meta.dirname, '../../samples/datalake'));
  const found = await gatherScan(scanFolder(tree, { source: 'datalake', readers: tableReaders }));
  expect(found.refused).toEqual([]);
  expect(Object.values(tables(found)).sort()).toEqual(
    [
      'billing.invoices billing.payments billing.tax_rates finance.monthly_report finance.targets',
      'shop.archive.orders-2023 shop.customers shop.order_items shop.orders shop.products shop.returns',
      'support.agents support.satisfaction support.tickets weather.observations weather.stations',
    ].flatMap((names) => names.split(' ')),
  );
  expect(fieldsOf(found, 'shop.orders')).toContain('customer_id');
  expect(fieldsOf(found, 'shop.archive.orders-2023')).toContain('cust_id');
  for (const { urn, aspects } of found.entities) {
    expect(urnFault(urn)).toBeUndefined();
    for (const [aspect, value] of aspects)
      expect(schemas.check(aspect, JSON.parse(JSON.stringify(value))), `${urn} ${aspect}`).toMatchObject({
        ok: true,
      });
  }
});
