import { expect, test } from 'vitest';
import { csvReader } from '../../../src/adapters/scan/csv.ts';
import { inferDialect } from '../../../src/adapters/scan/csv-dialect.ts';
import { sampleDefault, type Table, type TableRefusal } from '../../../src/ports/table-reader.ts';
import { memoryFile } from '../../given/memory-files.ts';

const answer = (content: string | Uint8Array, sample = sampleDefault): Promise<Table | TableRefusal> =>
  csvReader.describe(memoryFile(content), sample);

async function describe(content: string | Uint8Array, sample = sampleDefault): Promise<Table> {
  const found = await answer(content, sample);
  if ('refused' in found) throw new Error(`refused: ${found.refused} ${found.reason}`);
  return found;
}

const shape = (table: Table): string[] =>
  table.columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '?' : ''}`);

test.for([
  [',', 'comma'],
  [';', 'semicolon'],
  ['\t', 'tab'],
  ['|', 'bar'],
])('finds the delimiter %j', async ([delimiter, spoken]) => {
  const rows = [
    ['id', 'note', 'paid'],
    ['1', '"a, b; c | d"', '1.5'],
    ['2', '"two\nlines ""quoted"""', ''],
  ];
  const table = await describe(rows.map((row) => row.join(delimiter)).join('\r\n'));
  expect(shape(table)).toEqual(['id long', 'note string', 'paid double?']);
  expect(table.dialect.get('delimiter')).toBe(spoken);
  expect(table).toMatchObject({ format: 'csv', rows: 2, whole: true, problems: [] });
});

test('a decimal comma does not beat the semicolon, nor a comma in one title the tab', async () => {
  expect(shape(await describe('day;rate\n2024-01-01;1,5\n2024-01-02;2,5\n'))).toEqual([
    'day date',
    'rate string',
  ]);
  expect(shape(await describe('id\ttitle\n1\tHello, world\n2\tBye\n'))).toEqual(['id long', 'title string']);
});

test.for<[string, string]>([
  ['behind an escaped quote', 'a;b, c\n"say \\"x, y\\"";1\n"no \\"p, q\\"";2\n'],
  ['in a path that ends in a backslash', 'a;b, c\n"C:\\";"x, y"\n"D:\\";"z, w"\n'],
  ['behind an inch mark', 'a;b, c\n5";x\n6";y, z\n'],
])('a comma %s does not count', async ([, content]) => {
  expect((await describe(content)).columns.map(({ name }) => name)).toEqual(['a', 'b, c']);
});

test('takes the delimiter a spreadsheet states', async () => {
  expect(shape(await describe('sep=;\r\na;b\r\n1;x\r\n'))).toEqual(['a long', 'b string']);
});

test('single quotes and backslashes are understood where they are used', async () => {
  expect(shape(await describe("a,b\n1,'x,y'\n2,'z'\n"))).toEqual(['a long', 'b string']);
  expect(inferDialect('a,b\n1,"say \\"x, y\\""\n').escape).toBe('\\');
  expect(shape(await describe('a,b\n1,"say \\"x, y\\""\n'))).toEqual(['a long', 'b string']);
});

test('an apostrophe and an inch mark are text', async () => {
  const table = await describe("id,name\n1,O'Brien\n2,5\" disk\n3,it's\n");
  expect(shape(table)).toEqual(['id long', 'name string']);
  expect(table.rows).toBe(3);
});

test('knows a header from data', async () => {
  const headerless = await describe('1,ann,2024-01-01\n2,bob,2024-01-02\n');
  expect(shape(headerless)).toEqual(['column_1 long', 'column_2 string', 'column_3 date']);
  expect([headerless.rows, headerless.dialect.get('header')]).toEqual([2, 'false']);
  expect(shape(await describe('id,,b,\n1,x,2,\n'))).toEqual([
    'id long',
    'column_2 string',
    'b long',
    'column_4 null?',
  ]);
});

test('a header alone is a table without rows', async () => {
  const table = await describe('order_id,amount\n');
  expect([table.rows, shape(table)]).toEqual([0, ['order_id null?', 'amount null?']]);
});

test.for<[string, string[]]>([
  ['long', ['0', '-7', '9223372036854775807']],
  ['double', ['1', '2.5', '1e3', '-0.1E-5']],
  ['boolean', ['true', 'FALSE']],
  ['date', ['2024-02-29', '1999-12-31']],
  ['timestamp', ['2024-02-29', '2024-02-29T23:59:59.123Z', '2024-01-01 08:00+02:00']],
  ['string', ['2023-02-29']],
  ['string', ['2024-01-01T25:00:00Z']],
  ['string', ['00123', '04109']],
  ['string', ['9223372036854775808']],
  ['string', ['12', '2024-01-01']],
  ['string', ['true', '1']],
  ['string', ['+491701234567']],
  ['null', ['', 'NULL', '\\N']],
])('a column is %s for %j', async ([type, cells]) => {
  const [column] = (await describe(`head,x\n${cells.map((cell) => `${cell},x`).join('\n')}\n`)).columns;
  expect([column!.type, column!.nullable]).toEqual([type, type === 'null']);
});

test('names that are repeated, empty, padded or dangerous stay apart', async () => {
  const table = await describe('a, a ,,__proto__,constructor,a_2\nx,x,x,1,2,x\n');
  expect(table.columns.map(({ name }) => name)).toEqual([
    'a',
    'a_2',
    'column_3',
    '__proto__',
    'constructor',
    'a_2_2',
  ]);
  expect(table.problems).toEqual([{ code: 'COLUMN_NAMES_REPEATED', count: 2 }]);
});

test('uneven rows are counted, not fatal', async () => {
  const table = await describe('a,b,c\n1,2,3\n4,5\n6,7,8,9\n');
  expect(shape(table)).toEqual(['a long', 'b long', 'c long?']);
  expect(table.problems).toEqual([{ code: 'ROWS_UNEVEN', count: 2 }]);
});

test('a quote that never ends spoils the rows behind it only', async () => {
  const table = await describe('a,b\n1,2\n3,"open\n5,6\n');
  expect([table.rows, table.whole]).toEqual([1, false]);
  expect(table.problems).toEqual([{ code: 'ROWS_MALFORMED', count: 1 }]);
  expect(await answer('"open\n1,2\n')).toMatchObject({ refused: 'FILE_MALFORMED' });
});

test('columns and names beyond the bounds are left out and said', async () => {
  const wide = await describe(`${Array.from({ length: 2_500 }, (_, i) => `c${i}`).join(',')}\n`);
  expect(wide.columns.length).toBe(2_000);
  expect(wide.problems).toEqual([{ code: 'COLUMNS_TOO_MANY', count: 500 }]);
  const long = await describe(`${'x'.repeat(513)},ok\n1,2\n`);
  expect([shape(long), long.problems]).toEqual([['ok long'], [{ code: 'COLUMN_NAMES_TOO_LONG', count: 1 }]]);
});

test('looks at so many rows and bytes and no further', async () => {
  const content = `id,name\n${Array.from({ length: 5_000 }, (_, i) => `${i},"n,${i}"`).join('\n')}\n`;
  const byRows = await describe(content, { bytesMax: 1_000_000, rowsMax: 100 });
  expect([byRows.rows, byRows.whole]).toEqual([99, false]);
  const file = memoryFile(content);
  for (let bytesMax = 60; bytesMax < 90; bytesMax += 1) {
    const table = await csvReader.describe(file, { bytesMax, rowsMax: 1_000 });
    expect(table).toMatchObject({
      whole: false,
      problems: [],
      columns: [{ type: 'long' }, { type: 'string' }],
    });
  }
  expect(Math.max(...file.reads.map(({ offset, length }) => offset + length))).toBeLessThan(90);
  expect((await describe('a,b\n1,2\n', { bytesMax: 8, rowsMax: 2 })).whole).toBe(true);
  expect(await answer(`${'x'.repeat(200)},y\n`, { bytesMax: 100, rowsMax: 10 })).toMatchObject({
    refused: 'FILE_TOO_COMPLEX',
  });
});

test('a sample cut within a character, a line or quotes is still the table', async () => {
  const content = `näme,größe\n${'"zwölf\nZeilen",1\n'.repeat(40)}`;
  const bytes = Buffer.from(content);
  for (let bytesMax = 15; bytesMax < 200; bytesMax += 1) {
    const table = await describe(bytes, { bytesMax, rowsMax: 1_000 });
    expect(table.columns.map(({ name }) => name)).toEqual(['näme', 'größe']);
    expect(table.problems).toEqual([]);
  }
});

test.for<[string, Uint8Array, string, string]>([
  ['nothing', Buffer.alloc(0), 'FILE_EMPTY', '0 bytes'],
  ['white space', Buffer.from(' \r\n\n'), 'FILE_EMPTY', '4 bytes'],
  ['a byte order mark alone', Buffer.from('\uFEFF'), 'FILE_EMPTY', '3 bytes'],
  ['UTF-16', Buffer.from('\uFEFFa,b\n1,2\n', 'utf16le'), 'FILE_NOT_TEXT', 'UTF-16'],
  ['Latin-1', Buffer.from('name\nM\xfcller\n', 'latin1'), 'FILE_NOT_TEXT', 'byte 6'],
  ['a character cut off at the end', Buffer.from('name\nM\u00fc').subarray(0, 7), 'FILE_NOT_TEXT', 'byte 6'],
  ['a Parquet file', Buffer.from([...Buffer.from('PAR1'), 0x15, 0, 0x15, 0xff]), 'FILE_NOT_TEXT', 'byte 7'],
  ['NUL bytes', Buffer.from('a,b\n\0,1\n'), 'FILE_NOT_TEXT', 'NUL byte at 4'],
])('refuses %s', async ([, content, refused, reason]) => {
  const found = await answer(content);
  expect(found).toMatchObject({ refused });
  expect('reason' in found && found.reason).toContain(reason);
});

test('accepts a byte order mark', async () => {
  expect(shape(await describe('\uFEFFid,name\n1,x\n'))).toEqual(['id long', 'name string']);
  expect(shape(await describe('\uFEFF"id","name"\n1,x\n'))).toEqual(['id long', 'name string']);
});
