import { zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';

export const deltaSchema = JSON.stringify({
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: false, metadata: {} },
    { name: 'note', type: 'string', nullable: true, metadata: {} },
    { name: 'at', type: 'timestamp', nullable: true, metadata: {} },
    {
      name: 'by',
      type: { type: 'struct', fields: [{ name: 'age', type: 'integer', nullable: true, metadata: {} }] },
      nullable: true,
      metadata: {},
    },
    {
      name: 'items',
      type: {
        type: 'array',
        elementType: {
          type: 'struct',
          fields: [{ name: 'sku', type: 'string', nullable: true, metadata: {} }],
        },
        containsNull: true,
      },
      nullable: true,
      metadata: {},
    },
    { name: 'day', type: 'date', nullable: true, metadata: {} },
  ],
});

export const metaData = {
  metaData: {
    ...{ id: 'b4c7', name: 'orders', schemaString: deltaSchema, partitionColumns: ['day'] },
    configuration: {},
    createdTime: 1_735_689_600_000,
  },
};
export const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } };

export const stats = (rows: number, from: number, to: number): string =>
  JSON.stringify({
    numRecords: rows,
    minValues: { id: from, note: 'a', at: '2024-01-01T00:00:00.000Z', by: { age: from } },
    maxValues: { id: to, note: 'z', at: '2024-01-02T00:00:00.000Z', by: { age: to } },
    nullCount: { id: 0, note: 1, at: 0, by: { age: 0 } },
  });

export const add = (path: string, size: number, told: string | undefined = undefined) => ({
  add: {
    path,
    partitionValues: { day: '2024-01-01' },
    size,
    modificationTime: 1,
    dataChange: true,
    stats: told,
  },
});
export const remove = (path: string) => ({ remove: { path, dataChange: true } });

/** A commit's text. */
export const commit = (...actions: readonly object[]): string =>
  actions.map((action) => `${JSON.stringify(action)}\n`).join('');

export const version = (number: number): string => String(number).padStart(20, '0');

type Row = { readonly metaData?: object; readonly protocol?: object; readonly add?: object };

/** A checkpoint of Parquet as engines write them: a row an action, structs, maps and lists within. */
export function checkpoint(
  rows: readonly Row[],
  codec: 'SNAPPY' | 'ZSTD' | 'UNCOMPRESSED' = 'SNAPPY',
): Uint8Array {
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const;
  const long = { type: 'INT64', repetition_type: 'OPTIONAL' } as const;
  const group = (name: string, num_children: number) =>
    ({ name, num_children, repetition_type: 'OPTIONAL' }) as const;
  const values = rows.map(({ add: added, ...row }) => ({
    ...row,
    add: added === undefined ? null : { stats: null, ...withSize(added) },
  }));
  return new Uint8Array(
    parquetWriteBuffer({
      ...{ codec, compressors: { ZSTD: (input: Uint8Array) => zstdCompressSync(input) } },
      schema: [
        { name: 'root', num_children: 3 },
        group('metaData', 4),
        { name: 'id', ...text },
        { name: 'name', ...text },
        { name: 'schemaString', ...text },
        { ...group('partitionColumns', 1), converted_type: 'LIST' },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        { name: 'element', ...text },
        group('protocol', 2),
        { name: 'minReaderVersion', type: 'INT32', repetition_type: 'OPTIONAL' },
        { name: 'minWriterVersion', type: 'INT32', repetition_type: 'OPTIONAL' },
        group('add', 4),
        { name: 'path', ...text },
        { ...group('partitionValues', 1), converted_type: 'MAP' },
        { name: 'key_value', num_children: 2, repetition_type: 'REPEATED' },
        { name: 'key', ...text, repetition_type: 'REQUIRED' },
        { name: 'value', ...text },
        { name: 'size', ...long },
        { name: 'stats', ...text },
      ],
      columnData: (['metaData', 'protocol', 'add'] as const).map((name) => ({
        name,
        data: values.map((row) => row[name] ?? null),
      })),
      rowGroupSize: 2,
    }),
  );
}

const withSize = (added: object): object =>
  'size' in added ? { ...added, size: BigInt(Number(added.size)) } : added;
