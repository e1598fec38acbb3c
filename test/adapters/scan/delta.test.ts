import { expect, test } from 'vitest';
import { deltaReader } from '../../../src/adapters/scan/delta.ts';
import { readCheckpoint } from '../../../src/adapters/scan/delta-checkpoint.ts';
import { noFiles, takeFile } from '../../../src/adapters/scan/delta-files.ts';
import { deltaColumns } from '../../../src/adapters/scan/delta-schema.ts';
import { isRefusal, type Table } from '../../../src/ports/table-reader.ts';
import { add, checkpoint, commit, metaData, protocol, remove, stats, version } from '../../given/delta.ts';
import { type MemoryEntry, memoryFile, memoryFiles } from '../../given/memory-files.ts';

type Log = Readonly<Record<string, MemoryEntry>>;

async function describe(log: Log): Promise<Table | string> {
  const entries = Object.entries(log).map(([name, entry]) => [`o/_delta_log/${name}`, entry] as const);
  const tree = memoryFiles(
    new Map<string, MemoryEntry>([...entries, ['o/part-1.parquet', { broken: 'never' }]]),
  );
  const answer = await deltaReader.describe(tree, 'o');
  return isRefusal(answer) ? `${answer.refused}: ${answer.reason}` : answer;
}
const first = commit(protocol, metaData, add('a', 100, stats(10, 1, 5)), add('b', 50, stats(5, -3, 2)));
const second = commit(remove('a'), add('c', 7, stats(2, 8, 9)));
const json = (number: number): string => `${version(number)}.json`;

test('columns, partitions, version and what its files are together, by the log alone', async () => {
  const table = (await describe({ [json(0)]: first, [json(1)]: second, _last_checkpoint: '{' })) as Table;
  expect(table).toMatchObject({ format: 'delta', stated: true, problems: [] });
  expect(
    table.columns.map(({ name, nativeType, partitioning }) =>
      `${name} ${nativeType} ${partitioning ?? ''}`.trim(),
    ),
  ).toEqual([
    'id long',
    'note string',
    'at timestamp',
    'by struct',
    'by.age integer',
    'items array<struct>',
    'items[].sku string',
    'day date true',
  ]);
  expect(Object.fromEntries(table.dialect)).toMatchObject({
    version: '1',
    partitionColumns: 'day',
    tableId: 'b4c7',
  });
  expect(table.profile).toEqual({
    ...{ files: 2, bytes: 57, rows: 7 },
    columns: [
      { name: 'id', nulls: 0, min: '-3', max: '9' },
      { name: 'note', nulls: 2 },
      { name: 'at', nulls: 0, min: '2024-01-01T00:00:00.000Z', max: '2024-01-02T00:00:00.000Z' },
      { name: 'by.age', nulls: 0, min: '-3', max: '9' },
    ],
  });
});

test.for([
  'SNAPPY',
  'ZSTD',
  'UNCOMPRESSED',
] as const)('a checkpoint (%s) stands for the commits before it', async (codec) => {
  const whole = checkpoint(
    [protocol, metaData, add('a', 100, stats(10, 1, 5)), add('b', 50, stats(5, -3, 2)), add('d', 1)],
    codec,
  );
  const log = {
    [`${version(0)}.checkpoint.parquet`]: whole,
    [json(1)]: commit(remove('d')),
    [json(2)]: second,
  };
  const table = (await describe(log)) as Table;
  expect(table.profile).toEqual(((await describe({ [json(0)]: first, [json(1)]: second })) as Table).profile);
  expect(table.dialect.get('version')).toBe('2');
});

test('a checkpoint in parts counts when all are there; the newest whole one does', async () => {
  const [one, two] = [checkpoint([protocol, metaData]), checkpoint([add('z', 3, stats(1, 0, 0))])];
  const part = (number: number, of: number, at: number): string =>
    `${version(at)}.checkpoint.${String(number).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`;
  const log = {
    [part(1, 2, 4)]: one,
    [part(2, 2, 4)]: two,
    [part(1, 2, 6)]: one,
    [json(5)]: commit(add('y', 4)),
  };
  const table = (await describe(log)) as Table;
  expect([table.dialect.get('version'), table.profile?.bytes, table.profile?.rows]).toEqual([
    '5',
    7,
    undefined,
  ]);
});

test('rows that a deletion vector hides are not counted', async () => {
  const hidden = { add: { ...add('a', 100, stats(10, 1, 5)).add, deletionVector: { cardinality: 4 } } };
  const log = {
    [json(0)]: commit(metaData, add('a', 100, stats(10, 1, 5))),
    [json(1)]: commit(remove('a'), hidden),
  };
  const table = (await describe(log)) as Table;
  expect(table.profile).toMatchObject({ files: 1, rows: 6 });
  expect(table.profile!.columns[0]).toEqual({ name: 'id', min: '1', max: '5' });
});

test.for<[string, Log, RegExp]>([
  ['an empty log', { note: '' }, /^FILE_EMPTY/],
  ['a lost commit', { [json(0)]: first, [json(2)]: second }, /MALFORMED: its log lacks commit 1/],
  ['a lost beginning', { [json(3)]: second }, /lacks commit 2/],
  ['a line that is no JSON', { [json(0)]: `${first}{"add":` }, /no JSON object/],
  ['another encoding', { [json(0)]: Buffer.from('\ufeff{}', 'utf16le') }, /no JSON object/],
  ['no schema', { [json(0)]: commit(protocol) }, /names no schema/],
  [
    'a schema that is none',
    { [json(0)]: commit({ metaData: { schemaString: '"long"' } }) },
    /none of a table/,
  ],
  ['a number as a schema', { [json(0)]: commit({ metaData: 7 }) }, /names no schema/],
  ['too many commits', { [json(5_000)]: first }, /TOO_COMPLEX: more than 1000 commits/],
  [
    'a checkpoint cut off',
    { [`${version(3)}.checkpoint.parquet`]: checkpoint([metaData]).subarray(0, -9) },
    /its checkpoint/,
  ],
])('%s is refused', async ([, log, reason]) => expect(await describe(log)).toMatch(reason));

test('a lying action is nobody s fault but its own', async () => {
  const lies = commit(
    metaData,
    { add: null },
    { add: { path: 3 } },
    { refused: 'FILE_EMPTY' },
    { add: { path: 'x', size: -1, stats: '{"numRecords":"many","nullCount":[1]}' } },
  );
  expect(((await describe({ [json(0)]: lies })) as Table).profile).toMatchObject({ files: 1, bytes: 0 });
});

/** What JSON can hold and no conversion to a text or number survives. */
const odd = { toString: 1, valueOf: 1 };
const deep = `{"type":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
const schemaOf = (type: string): object => ({
  metaData: { schemaString: `{"type":"struct","fields":[{"name":"a","type":${type}}]}` },
});

test.for<[string, string, object]>([
  ['a type', JSON.stringify({ type: odd }), { columns: [{ nativeType: 'unknown' }] }],
  ['a type in many lists', deep, { columns: [{ nativeType: 'unknown' }] }],
  [
    'half a character',
    `"${'t'.repeat(63)}\u{1f600}"`,
    { columns: [{ nativeType: `${'t'.repeat(63)}\ufffd` }] },
  ],
])('%s that is none ends no scan', async ([, type, expected]) =>
  expect(await describe({ [json(0)]: commit(schemaOf(type)) })).toMatchObject(expected));

test.for<[string, object]>([
  ['a protocol', { protocol: { minReaderVersion: odd } }],
  [
    'a deletion vector',
    { add: { path: 'x', size: 1, stats: '{"numRecords":3}', deletionVector: { cardinality: odd } } },
  ],
])('%s that is none ends no scan, and tells nothing', async ([, action]) => {
  const table = (await describe({ [json(0)]: commit(metaData, action) })) as Table;
  expect(table.dialect.has('minReaderVersion')).toBe(false);
  expect(table.profile!.rows ?? 0).toBe(0);
});

test('a version that numbers cannot hold is refused, and not looked for without end', async () => {
  const number = '1'.padEnd(20, '0');
  const log = { [`${number}.checkpoint.parquet`]: checkpoint([metaData]), [`${number}.json`]: first };
  expect(await describe(log)).toMatch(/MALFORMED: its log names version 10000000000000000000/);
});

test('names and bounds of statistics that no engine writes are not kept', () => {
  const files = noFiles();
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`c${i}`, 1]));
  const long = 'x'.repeat(10_000);
  const stats = { numRecords: 2, nullCount: { [long]: many, note: 0 }, minValues: { note: long, id: 1 } };
  takeFile(files, {
    bytes: 1,
    removed: 0,
    stats: JSON.stringify({ ...stats, maxValues: { note: long, id: 2 } }),
  });
  expect([...files.columns.keys()]).toEqual(['note', 'id']);
  expect(files.columns.get('note')).toMatchObject({ min: undefined, max: undefined });
});

test('a mapped name beyond bounds is looked up nowhere', () => {
  const inner = (name: string): object => ({ name, type: 'long' });
  const metadata = { 'delta.columnMapping.physicalName': 'x'.repeat(10_000) };
  const type = { type: 'struct', fields: [inner('a'), inner('b')] };
  const found = deltaColumns({ type: 'struct', fields: [{ name: 's', type, metadata }] }, []);
  expect(found!.columns.map(({ name, physical, many }) => `${name} ${physical} ${many}`)).toEqual([
    's  true',
    's.a a true',
    's.b b true',
  ]);
});

test('pages that lie end with their thread', async () => {
  const sound = checkpoint(
    [metaData, ...Array.from({ length: 50 }, (_, i) => add(`p${i}`, 1))],
    'UNCOMPRESSED',
  );
  for (let at = 10; at < 200; at += 19) {
    const lying = Uint8Array.from(sound);
    lying.fill(0xff, at, at + 4);
    const answer = await readCheckpoint([memoryFile(lying)], new Set(), { heapMiBMax: 32, waitMaxMs: 2_000 });
    expect(typeof answer).toBe('object');
  }
});
