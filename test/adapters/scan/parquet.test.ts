import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { parquetReader } from '../../../src/adapters/scan/parquet.ts';
import { columnsOf } from '../../../src/adapters/scan/parquet-columns.ts';
import type { ParquetElement } from '../../../src/adapters/scan/parquet-footer.ts';
import { isRefusal, sampleDefault, type Table } from '../../../src/ports/table-reader.ts';
import { memoryFile } from '../../given/memory-files.ts';

const orders = (): Buffer =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: [7n, 2n, 9n, 4n], type: 'INT64' },
        { name: 'paid', data: [true, false, null, true], type: 'BOOLEAN' },
        { name: 'total', data: [1.5, -2.25, 10, 0], type: 'DOUBLE' },
        {
          name: 'at',
          data: ['2024-01-01T00:00:00Z', '2024-05-01T12:30:00.5Z', null, null].map((at) =>
            at === null ? null : new Date(at),
          ),
          type: 'TIMESTAMP',
        },
        { name: 'email', data: ['a@example.org', 'z@example.org', 'm', 'n'], type: 'STRING' },
      ],
      rowGroupSize: 2,
    }),
  );
const described = async (bytes: Uint8Array): Promise<Table> => {
  const answer = await parquetReader.describe(memoryFile(bytes), sampleDefault);
  if (isRefusal(answer)) throw new Error(`${answer.refused}: ${answer.reason}`);
  return answer;
};
const refused = async (bytes: Uint8Array): Promise<string> => {
  const answer = await parquetReader.describe(memoryFile(bytes), sampleDefault);
  return isRefusal(answer) ? `${answer.refused}: ${answer.reason}` : 'described';
};

const footerOf = (bytes: Buffer): Buffer =>
  bytes.subarray(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8), bytes.length - 8);
/** A file that is its footer. */
const fileOf = (footer: Uint8Array, claimed = footer.length): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(claimed);
  return Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]);
};

test('schema, rows, nulls and bounds stand in the footer; nothing else is read', async () => {
  const large = Buffer.concat([orders().subarray(0, 4), Buffer.alloc(1_000_000), orders().subarray(4)]);
  const file = memoryFile(large);
  const table = await parquetReader.describe(file, sampleDefault);
  expect(file.reads.map(({ offset, length }) => offset + length)).toEqual([large.length]);
  expect(file.reads[0]!.length).toBeLessThanOrEqual(64 * 1024);
  expect(table).toMatchObject({ format: 'parquet', stated: true, whole: true, problems: [] });
  expect(await described(orders())).toMatchObject({
    columns: [
      { name: 'id', type: 'long', nativeType: 'int64' },
      { name: 'paid', type: 'boolean', nativeType: 'boolean' },
      { name: 'total', type: 'double', nativeType: 'double' },
      { name: 'at', type: 'timestamp', nativeType: 'timestamp(millis,utc)' },
      { name: 'email', type: 'string', nativeType: 'string' },
    ],
    profile: {
      rows: 4,
      columns: [
        { name: 'id', nulls: 0, min: '2', max: '9' },
        { name: 'paid', nulls: 1, min: 'false', max: 'true' },
        { name: 'total', nulls: 0, min: '-2.25', max: '10' },
        { name: 'at', nulls: 2, min: '2024-01-01T00:00:00Z', max: '2024-05-01T12:30:00.5Z' },
        { name: 'email', nulls: 0 },
      ],
    },
  });
});

test('what people wrote is not repeated: no bounds of text', async () => {
  const { profile } = await described(orders());
  expect(profile!.columns.find(({ name }) => name === 'email')).toEqual({ name: 'email', nulls: 0 });
});

test('a footer longer than the first read takes one more', async () => {
  const data = [1];
  const columnData = Array.from({ length: 2_100 }, (_, i) => ({ name: `column_${i}`, data }));
  const bytes = Buffer.from(parquetWriteBuffer({ columnData }));
  const file = memoryFile(bytes);
  const table = await parquetReader.describe(file, sampleDefault);
  expect(file.reads).toHaveLength(2);
  expect(table).toMatchObject({ problems: [{ code: 'COLUMNS_TOO_MANY', count: 100 }] });
  expect((table as Table).columns).toHaveLength(2_000);
});

test('nested columns have the paths that JSON has', async () => {
  const leaf = (name: string, repetition_type: 'REQUIRED' | 'OPTIONAL' | 'REPEATED' = 'OPTIONAL') =>
    ({ name, type: 'INT32', repetition_type }) as const;
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: 3 },
      { name: 'by', repetition_type: 'OPTIONAL', num_children: 1 },
      leaf('team'),
      { name: 'items', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', num_children: 1 },
      leaf('sku', 'REQUIRED'),
      { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'MAP' },
      { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
      { ...leaf('key', 'REQUIRED'), type: 'BYTE_ARRAY', converted_type: 'UTF8' },
      leaf('value'),
    ],
    columnData: [
      { name: 'by', data: [{ team: 1 }] },
      { name: 'items', data: [[{ sku: 1 }, { sku: 2 }]] },
      { name: 'tags', data: [{ a: 1 }] },
    ],
  });
  const { columns, profile } = await described(Buffer.from(bytes));
  expect(columns.map(({ name, nativeType }) => `${name} ${nativeType}`)).toEqual([
    'by struct',
    'by.team int32',
    'items list<struct>',
    'items[].sku int32',
    'tags map',
  ]);
  expect(profile!.columns.map(({ name }) => name)).toEqual(['by.team']);
});

test.for([
  ['DECIMAL', 5],
  ['TIMESTAMP_MILLIS', 9],
] as const)('a fraction that is called a %s has no bounds', async ([, converted]) => {
  const footer = Buffer.from(
    footerOf(
      Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'zz', data: [1.5, 2.5], type: 'DOUBLE' }] })),
    ),
  );
  // Behind its name the column ends; a field 6 of an i32 before that is what it is called.
  const end = footer.indexOf('zz') + 2;
  const lying = Buffer.concat([
    footer.subarray(0, end),
    Buffer.from([0x25, converted * 2]),
    footer.subarray(end),
  ]);
  const { columns, profile } = await described(Buffer.concat([Buffer.alloc(1_000), fileOf(lying)]));
  expect(columns[0]!.nativeType).toMatch(/^(decimal|timestamp)/);
  expect(profile!.columns).toEqual([{ name: 'zz', nulls: 0 }]);
});

test('below a list of a name beyond bounds nothing is looked at', () => {
  const element = { length: 0, repetition: 'required', children: 0, meaning: undefined } as const;
  const [long, fields] = ['x'.repeat(2 ** 20), 10_000];
  const leaves = Array.from({ length: fields }, (_, i) => ({
    ...({ ...element, name: `c${i}`, physical: 'int32' } as const),
  }));
  const group = { ...element, physical: undefined };
  const elements: ParquetElement[] = [
    { ...group, name: 'root', children: 1 },
    { ...group, name: long, repetition: 'repeated', children: fields },
    ...leaves,
  ];
  const { columns, problems } = columnsOf({ elements, rows: 0, rowGroups: 0, createdBy: '', statistics: [] });
  expect(columns).toEqual([]);
  expect(problems).toEqual([{ code: 'COLUMN_NAMES_TOO_LONG', count: 1 }]);
});

test('cut off anywhere, it is refused', async () => {
  const whole = orders();
  for (let length = 0; length < whole.length; length += 1)
    expect(await refused(whole.subarray(0, length)), `${length} bytes`).toMatch(/^FILE_(EMPTY|MALFORMED): /);
});

test('whatever a footer holds, it is described or refused', async () => {
  const footer = footerOf(orders());
  const flips = fc.array(fc.tuple(fc.nat(footer.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(flips, fc.nat(20), async (changes, cut) => {
      const bytes = Buffer.from(footer.subarray(0, footer.length - cut));
      for (const [at, to] of changes) if (at < bytes.length) bytes[at] = to;
      await parquetReader.describe(memoryFile(fileOf(bytes)), sampleDefault);
    }),
    { numRuns: 1_000 },
  );
});

/** Thrift's compact protocol, as far as a lie needs it. */
const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
const list = (field: number, of: number, count: number): number[] => [
  ...[(field << 4) | 9, 0xf0 | of],
  ...varint(count),
];
const group = (children: number): number[] => [0x48, 1, 0x67, 0x15, ...varint(children * 2), 0];

test.for<[string, Uint8Array, RegExp]>([
  ['a footer of 2 GB', fileOf(Buffer.alloc(4), 2 ** 31 - 1), /MALFORMED: its footer claims 2147483647 bytes/],
  ['a list of 2^32 columns', fileOf(Buffer.from(list(2, 12, 2 ** 32 - 1))), /longer than what is there/],
  [
    'a million columns',
    fileOf(Buffer.concat([Buffer.from(list(2, 12, 1_000_000)), Buffer.alloc(1_000_100)])),
    /TOO_COMPLEX: .*more than 100000 columns/,
  ],
  ['structs in structs', fileOf(Buffer.alloc(100_000, 0x7c)), /TOO_COMPLEX: .*nested deeper/],
  [
    'lists in lists',
    fileOf(Buffer.concat([Buffer.from([0x79]), Buffer.alloc(100_000, 0x19)])),
    /nested deeper/,
  ],
  ['a number without end', fileOf(Buffer.concat([Buffer.from([0x36]), Buffer.alloc(99, 0xff)])), /64 bits/],
  [
    'a text longer than the file',
    fileOf(Buffer.from([0x68, ...varint(2 ** 31)])),
    /a text is longer than what is there/,
  ],
  ['a name of no bytes', fileOf(Buffer.from([0])), /no schema/],
  [
    'a group of 2^30 columns',
    fileOf(Buffer.from([...list(2, 12, 1), ...group(2 ** 30), 0])),
    /number of rows/,
  ],
  ['another format', Buffer.from('id,name\n1,x\n'), /MALFORMED: it does not end/],
  ['an encrypted footer', Buffer.from('PARE00000000PARE'), /encrypted/],
])('%s is refused within bounds', async ([, bytes, reason]) => {
  const before = process.memoryUsage().heapUsed;
  expect(await refused(bytes)).toMatch(reason);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
});

test('a footer that lies about its rows, or of columns beyond the file, is refused', async () => {
  const footer = footerOf(orders());
  // Field 3 stands behind the schema, 4 rows as zigzag.
  const at = footer.indexOf(Buffer.from([0x16, 8, 0x19]));
  const lying = Buffer.from(footer);
  lying[at + 1] = 10;
  const whole = orders();
  const head = whole.subarray(0, whole.length - footer.length - 8);
  expect(await refused(Buffer.concat([head, fileOf(lying).subarray(4)]))).toMatch(
    /5 rows in all, 4 in its row/,
  );
  expect(await refused(fileOf(footer))).toMatch(/beyond the end of the file/);
});
