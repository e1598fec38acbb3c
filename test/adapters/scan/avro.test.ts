import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroReader } from '../../../src/adapters/scan/avro.ts';
import { avroColumns } from '../../../src/adapters/scan/avro-columns.ts';
import { AvroWriter } from '../../../src/formats/avro-bytes.ts';
import { encodeContainerHeader } from '../../../src/formats/container-header.ts';
import { isRefusal, sampleDefault, type Table } from '../../../src/ports/table-reader.ts';
import { memoryFile } from '../../given/memory-files.ts';

const sync = Buffer.alloc(16, 7);
const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'total', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }] },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    {
      name: 'items',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Item', fields: [{ name: 'sku', type: 'string' }] },
      },
    },
    { name: 'first', type: 'Item' },
    { name: 'parent', type: ['null', 'shop.Order'] },
    { name: 'tags', type: { type: 'map', values: 'string' } },
    { name: 'odd', type: ['long', 'double'] },
  ],
};

function container(schema: unknown, counts: readonly number[] = [], bytesEach = 100): Buffer {
  const meta = new Map([
    ['avro.codec', 'deflate'],
    ['avro.schema', typeof schema === 'string' ? schema : JSON.stringify(schema)],
  ]);
  const blocks = counts.map((count) => {
    const writer = new AvroWriter();
    const body = deflateRawSync(Buffer.alloc(bytesEach, count));
    writer.long(count);
    writer.long(body.length);
    writer.fixed(body);
    writer.fixed(sync);
    return Buffer.from(writer.copy());
  });
  return Buffer.concat([encodeContainerHeader({ meta, sync }), ...blocks]);
}
const describe = async (bytes: Uint8Array): Promise<Table | string> => {
  const answer = await avroReader.describe(memoryFile(bytes), sampleDefault);
  return isRefusal(answer) ? `${answer.refused}: ${answer.reason}` : answer;
};

test('columns stand in the header, rows in the heads of the blocks', async () => {
  const answer = (await describe(container(order, [3, 4]))) as Table;
  expect(answer).toMatchObject({ format: 'avro', stated: true, problems: [], profile: { rows: 7 } });
  expect(
    answer.columns.map(({ name, nativeType, nullable }) => `${name} ${nativeType}${nullable ? '?' : ''}`),
  ).toEqual([
    'id long',
    'total decimal(10,2)?',
    'at timestamp-micros',
    'items array',
    'items[].sku string',
    'first record',
    'first.sku string',
    'parent shop.Order?',
    'tags map',
    'odd union<long,double>',
  ]);
});

test('what blocks hold is not read, and many blocks are not counted', async () => {
  const file = memoryFile(container(order, Array<number>(200).fill(1), 4));
  expect(await avroReader.describe(file, sampleDefault)).toMatchObject({ profile: { columns: [] } });
  expect(Math.max(...file.reads.slice(1).map(({ length }) => length))).toBeLessThanOrEqual(20);
});

test('blocks that are torn are a problem of the table', async () => {
  const whole = container(order, [3, 4]);
  for (const bytes of [
    whole.subarray(0, -1),
    Buffer.concat([whole, Buffer.from([2, 0xfe, 0xff, 0xff, 0xff, 0x0f])]),
  ]) {
    const answer = (await describe(bytes)) as Table;
    expect(answer.problems).toEqual([{ code: 'ROWS_MALFORMED', count: 1 }]);
    expect(answer.profile).toEqual({ columns: [] });
  }
});

test('what a schema says beside its types ends no scan and comes as text that can be written', async () => {
  const decimal = {
    type: 'bytes',
    logicalType: 'decimal',
    precision: { toString: 1, valueOf: 1 },
    scale: [],
  };
  const fields = [
    { name: 'a', type: decimal },
    { name: '\ud800', type: 'int' },
  ];
  const answer = (await describe(container({ type: 'record', name: 'R', fields }))) as Table;
  expect(answer.columns.map(({ name, nativeType }) => `${name} ${nativeType}`)).toEqual([
    'a decimal(0,0)',
    '\ufffd int',
  ]);
});

test('a record that is named everywhere is not gone through everywhere', () => {
  const long = 'p'.repeat(500);
  const fields = (count: number, type: unknown) =>
    Array.from({ length: count }, (_, i) => ({ name: `f${i}`.padStart(6, '_'), type }));
  const wide = { type: 'record', name: 'Wide', fields: fields(7_000, 'int') };
  const inner = {
    type: 'record',
    name: 'Inner',
    fields: [{ name: 'first_', type: wide }, ...fields(1_900, 'Wide')],
  };
  const { problems } = avroColumns({ type: 'record', name: 'R', fields: [{ name: long, type: inner }] });
  const seen = problems.reduce((sum, { count }) => sum + count, 0);
  expect(seen).toBeLessThan(110_000);
});

test('rows beyond what numbers hold are torn', async () => {
  const [head, block] = [container(order), new AvroWriter()];
  block.long(2 ** 53 - 1);
  block.long(0);
  block.fixed(sync);
  const one = Buffer.from(block.copy());
  expect(await describe(Buffer.concat([head, one, one]))).toMatchObject({
    problems: [{ code: 'ROWS_MALFORMED', count: 1 }],
    profile: { columns: [] },
  });
});

test.for<[string, Uint8Array, RegExp]>([
  ['nothing', new Uint8Array(0), /^FILE_EMPTY/],
  ['another format', Buffer.from('id,name\n1,x'), /not an Avro object container/],
  ['half a header', container(order).subarray(0, 50), /MALFORMED: its header/],
  ['a schema that is no JSON', container('{'), /its schema is not JSON/],
  ['a schema of nothing known', container({ type: 'Other' }), /unknown type/],
  ['a schema deeper than any', container(`${'['.repeat(9_000)}"int"${']'.repeat(9_000)}`), /too deep/],
  ['a map of 2^50 entries', Buffer.from([79, 98, 106, 1, ...Array<number>(7).fill(0xfe), 1]), /MALFORMED/],
])('%s is refused', async ([, bytes, reason]) => expect(await describe(bytes)).toMatch(reason));

test('whatever a file holds, it is described or refused', async () => {
  const whole = container(order, [3, 4]);
  const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(flips, fc.nat(whole.length), async (changes, length) => {
      const bytes = Buffer.from(whole.subarray(0, length));
      for (const [at, to] of changes) if (at < bytes.length) bytes[at] = to;
      await describe(bytes);
    }),
    { numRuns: 500 },
  );
});
