import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonReader } from '../../../src/adapters/scan/json.ts';
import { ndjsonReader } from '../../../src/adapters/scan/ndjson.ts';
import { tableReaders } from '../../../src/adapters/scan/registry.ts';
import {
  sampleDefault,
  type Table,
  type TableReader,
  type TableRefusal,
  tableLimits,
} from '../../../src/ports/table-reader.ts';
import { memoryFile } from '../../given/memory-files.ts';

const answer = (
  reader: TableReader,
  content: string,
  sample = sampleDefault,
): Promise<Table | TableRefusal> => reader.describe(memoryFile(content), sample);

async function describe(reader: TableReader, content: string, sample = sampleDefault): Promise<Table> {
  const found = await answer(reader, content, sample);
  if ('refused' in found) throw new Error(`refused: ${found.refused} ${found.reason}`);
  return found;
}

const lines = (rows: readonly unknown[]): string => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
const shape = ({ columns }: Table): string[] =>
  columns.map(
    ({ name, nativeType, type, nullable }) => `${name} ${type} ${nativeType}${nullable ? '?' : ''}`,
  );

const tickets = [
  {
    id: 1,
    at: '2024-01-01T10:00:00Z',
    by: { name: 'ann', vip: true },
    tags: ['a'],
    steps: [{ no: 1, note: null }],
  },
  {
    id: 2,
    at: '2024-01-02',
    by: { name: 'bob' },
    tags: [],
    steps: [{ no: 2.5, note: 'x' }, { no: 3 }],
    extra: null,
  },
];
const ticketShape = [
  'id long number',
  'at timestamp string',
  'by struct object',
  'by.name string string',
  'by.vip boolean boolean?',
  'tags array array<string>',
  'steps array array<object>',
  'steps[].no double number',
  'steps[].note string string?',
  'extra null null?',
];

test.for<[string, TableReader, string, string]>([
  ['a list', jsonReader, JSON.stringify(tickets, null, 2), 'json'],
  ['a list behind a mark', jsonReader, `\uFEFF${JSON.stringify(tickets)}`, 'json'],
  ['lines', ndjsonReader, lines(tickets), 'ndjson'],
  [
    'lines with CRLF, blank lines and a mark',
    ndjsonReader,
    `\uFEFF\r\n${lines(tickets).replaceAll('\n', '\r\n\r\n')}`,
    'ndjson',
  ],
  ['lines under the extension json', jsonReader, lines(tickets), 'ndjson'],
])('describes nested rows: %s', async ([, reader, content, format]) => {
  const table = await describe(reader, content);
  expect(shape(table)).toEqual(ticketShape);
  expect(table).toMatchObject({ format, rows: 2, whole: true, problems: [] });
});

test('one object is one row; rows that are no objects are a column called value', async () => {
  expect(shape(await describe(jsonReader, '{"a": {"b": [[{"c": 1}]]}}'))).toEqual([
    'a struct object',
    'a.b array array<array<object>>',
    'a.b[][].c long number',
  ]);
  expect(shape(await describe(jsonReader, '[1, 2.5, null]'))).toEqual(['value double number?']);
  expect(shape(await describe(ndjsonReader, '[1]\n"x"\n'))).toEqual(['value string array<number>|string']);
});

test('names are names', async () => {
  const table = await describe(
    jsonReader,
    '[{"__proto__": {"x": 1}, "constructor": 2, "": 3, "a.b": 4, "a": {"b": "s"}}]',
  );
  expect(shape(table)).toEqual([
    '__proto__ struct object',
    '__proto__.x long number',
    'constructor long number',
    '"" long number',
    'a.b string number|string',
    'a struct object',
  ]);
  expect(Object.prototype).not.toHaveProperty('x');
});

test('big numbers are no longs', async () => {
  expect(shape(await describe(jsonReader, '[{"a": 9007199254740993, "b": 1e19, "c": 1e400}]'))).toEqual([
    'a long number',
    'b double number',
    'c double number',
  ]);
});

test.for<[string, string, string]>([
  ['cut off', '[{"a": 1}, {"a": ', 'FILE_MALFORMED'],
  ['cut off behind an element', '[{"a": 1}', 'FILE_MALFORMED'],
  ['text behind the list', '[{"a": 1}] x', 'FILE_MALFORMED'],
  ['two objects on a line', '{"a": 1} {"a": 2}', 'FILE_MALFORMED'],
  ['an object cut off', '{"a": {', 'FILE_MALFORMED'],
  ['a trailing comma', '[{"a": 1},]', 'FILE_MALFORMED'],
  ['no comma', '[{"a": 1} {"a": 2}]', 'FILE_MALFORMED'],
  ['brackets of two kinds', '[{"a": 1]}', 'FILE_MALFORMED'],
  ['single quotes', "{'a': 1}", 'FILE_MALFORMED'],
  ['a web page', '<html></html>', 'FILE_MALFORMED'],
  ['a bare number', '12', 'FILE_MALFORMED'],
  ['an empty list', '[]', 'FILE_EMPTY'],
  ['an empty object', '{}', 'FILE_EMPTY'],
  ['nothing', '', 'FILE_EMPTY'],
  ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`, 'FILE_TOO_COMPLEX'],
  ['a million levels', '{"a":'.repeat(1_000_000), 'FILE_TOO_COMPLEX'],
])('refuses a document: %s', async ([, content, refused]) => {
  expect(await answer(jsonReader, content, { bytesMax: 10_000_000, rowsMax: 1_000 })).toMatchObject({
    refused,
  });
});

test('lines that are not JSON are counted and passed over', async () => {
  const table = await describe(
    ndjsonReader,
    `{"a":1}\noops\n{"a":2} {"a":3}\n${'['.repeat(70)}${']'.repeat(70)}\n{"a":`,
  );
  expect([table.rows, table.problems]).toEqual([1, [{ code: 'ROWS_MALFORMED', count: 4 }]]);
  expect(await answer(ndjsonReader, 'a,b\n1,2\n')).toMatchObject({ refused: 'FILE_MALFORMED' });
});

test.for([
  jsonReader,
  ndjsonReader,
])('$format: a sample ends anywhere and is still the table', async (reader) => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ näme: `[${i}"]},{`, n: i, in: [{ x: i }] }));
  const content = reader === jsonReader ? JSON.stringify(rows) : lines(rows);
  const file = memoryFile(content);
  for (let bytesMax = 80; bytesMax < 300; bytesMax += 1) {
    const table = await reader.describe(file, { bytesMax, rowsMax: 1_000 });
    expect(table).toMatchObject({ whole: false, problems: [] });
    expect('columns' in table && table.columns.map(({ name }) => name)).toEqual([
      'näme',
      'n',
      'in',
      'in[].x',
    ]);
  }
  const few = await describe(reader, content, { bytesMax: 1_000_000, rowsMax: 7 });
  expect([few.rows, few.whole]).toEqual([7, false]);
  expect(await describe(reader, content, { bytesMax: 1_000_000, rowsMax: 60 })).toMatchObject({
    rows: 60,
    whole: true,
  });
  expect(await answer(reader, content, { bytesMax: 20, rowsMax: 9 })).toMatchObject({
    refused: 'FILE_TOO_COMPLEX',
  });
  expect(Math.max(...file.reads.map(({ offset, length }) => offset + length))).toBeLessThan(300);
});

test('width, depth and length of names are bounded and said', async () => {
  const wide = Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [`c${i}`, i]));
  const deep = Array.from({ length: 40 }).reduce<unknown>((inner) => ({ d: inner }), 1);
  const table = await describe(jsonReader, JSON.stringify([{ deep, ['x'.repeat(513)]: 1, ...wide }]));
  expect(table.columns.length).toBe(tableLimits.columnsMax);
  expect(table.columns[15]!.name).toBe(`deep${'.d'.repeat(15)}`);
  expect(table.columns[16]!.name).toBe('c0');
  expect(table.problems).toEqual([
    { code: 'COLUMNS_TOO_MANY', count: 2_100 - (2_000 - 16) },
    { code: 'COLUMN_NAMES_TOO_LONG', count: 1 },
    { code: 'FIELDS_TOO_DEEP', count: 1 },
  ]);
});

test('whatever the bytes: an answer, unique names, the same again', async () => {
  const text = fc.oneof(
    fc.json(),
    fc.array(fc.json(), { maxLength: 5 }).map((rows) => rows.join('\n')),
    fc.array(fc.json(), { maxLength: 5 }).map((rows) => `[${rows.join(',')}]`),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...'{}[]",:;\t|\'\\\n\r a1'), { maxLength: 60 }).map((chars) => chars.join('')),
  );
  const content = fc.oneof(
    text.map((words) => Buffer.from(words)),
    fc.uint8Array({ maxLength: 100 }),
  );
  const sample = fc.record({
    bytesMax: fc.integer({ min: 1, max: 250 }),
    rowsMax: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(content, sample, fc.constantFrom(...tableReaders), async (bytes, bounds, reader) => {
      const found = await reader.describe(memoryFile(bytes), bounds);
      expect(await reader.describe(memoryFile(bytes), bounds)).toEqual(found);
      if ('refused' in found) return;
      const names = found.columns.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.every((name) => name !== '' && name.isWellFormed())).toBe(true);
      expect(found.rows).toBeLessThanOrEqual(bounds.rowsMax);
    }),
    { numRuns: 2_000 },
  );
});
