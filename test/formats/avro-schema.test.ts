import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import { AvroWriter } from '../../src/formats/avro-bytes.ts';
import {
  type AvroSchema,
  type AvroValue,
  decodeAvro,
  parseAvroSchema,
} from '../../src/formats/avro-schema.ts';
import { eventSchemaText } from '../../src/formats/event.ts';
import { vectors } from './vectors.ts';

const avroInvalid = expect.objectContaining({ code: 'AVRO_INVALID' });
const decode = (json: unknown, bytes: readonly number[], limits = {}) =>
  decodeAvro(parseAvroSchema(json), Uint8Array.from(bytes), limits);
const longs = (...values: readonly number[]): number[] => {
  const writer = new AvroWriter();
  for (const value of values) writer.long(value);
  return [...writer.written()];
};

/** A proposal as a metadata platform sends it: nested namespaces, unions of named records, fixed, bytes, maps. */
const proposal = {
  type: 'record',
  name: 'MetadataChangeProposal',
  namespace: 'com.example.pegasus.mxe',
  doc: 'Left out',
  fields: [
    {
      name: 'auditHeader',
      type: [
        'null',
        {
          type: 'record',
          name: 'AuditHeader',
          namespace: 'com.example.avro',
          fields: [
            { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
            { name: 'messageId', type: { type: 'fixed', name: 'UUID', size: 16 } },
            { name: 'fabric', type: { type: 'string', 'avro.java.string': 'String' }, default: '' },
          ],
        },
      ],
      default: null,
    },
    { name: 'urn', type: ['null', 'string'], default: null },
    { name: 'change', type: { type: 'enum', name: 'ChangeType', symbols: ['UPSERT', 'CREATE', 'DELETE'] } },
    {
      name: 'aspect',
      type: [
        'null',
        {
          type: 'record',
          name: 'GenericAspect',
          fields: [
            { name: 'value', type: 'bytes' },
            { name: 'contentType', type: 'string' },
          ],
        },
      ],
    },
    { name: 'keyAspect', type: ['null', 'GenericAspect', 'com.example.avro.UUID', 'ChangeType'] },
    { name: 'headers', type: ['null', { type: 'map', values: ['string', 'long'] }] },
    { name: 'scores', type: { type: 'array', items: ['float', 'double', 'boolean', 'int'] } },
    { name: 'previous', type: ['null', 'MetadataChangeProposal'] },
  ],
};

/** What avsc made of a value, in our terms. Unions are wrapped there: one key, the branch. */
function inOurTerms(schema: AvroSchema, value: unknown): AvroValue {
  if (value === null) return null;
  switch (schema.kind) {
    case 'union': {
      const [[branch, inner]] = Object.entries(value as object) as [[string, unknown]];
      const found = schema.branches.find((one) => ('name' in one ? one.name : one.kind) === branch)!;
      return inOurTerms(found, inner);
    }
    case 'array':
      return (value as unknown[]).map((item) => inOurTerms(schema.items, item));
    case 'map':
      return new Map(
        Object.entries(value as object).map(([key, item]) => [key, inOurTerms(schema.values, item)]),
      );
    case 'record':
      return new Map(
        schema.fields.map(({ name, schema: field }) => [
          name,
          inOurTerms(field, (value as Record<string, unknown>)[name]),
        ]),
      );
    case 'bytes':
    case 'fixed':
      return Buffer.from(value as Buffer);
    default:
      return value as AvroValue;
  }
}

describe('decoding', () => {
  test('a proposal is what another Avro library reads', () => {
    const type = avsc.Type.forSchema(structuredClone(proposal) as avsc.Schema, { wrapUnions: true });
    const schema = parseAvroSchema(proposal);
    for (let i = 0; i < 300; i++) {
      const bytes = type.toBuffer(type.random());
      expect(decodeAvro(schema, bytes)).toEqual(inOurTerms(schema, type.fromBuffer(bytes)));
    }
  });

  test.for(vectors.events)('golden event by its schema: $name', ({ event, avro }) => {
    const value = decodeAvro(parseAvroSchema(JSON.parse(eventSchemaText)), Buffer.from(avro, 'hex'));
    if (!(value instanceof Map)) throw new Error('an event is a record');
    expect(value.get('urn')).toBe(event.urn);
    expect(value.get('occurredAt')).toBe(event.occurredAt);
    expect(value.get('value')).toEqual(event.value === null ? null : Buffer.from(event.value));
    const foreign = value.get('source')?.get('foreign');
    expect(foreign).toEqual(event.source ? new Map(Object.entries(event.source.foreign)) : undefined);
  });

  test('__proto__ is a key and a field like any other', () => {
    const map = { type: 'map', values: 'string' };
    const bytes = [2, 18, ...Buffer.from('__proto__'), 2, 0x78, 0];
    expect(decode(map, bytes)).toEqual(new Map([['__proto__', 'x']]));
    const record = { type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'int' }] };
    expect(decode(record, [2])).toEqual(new Map([['__proto__', 1]]));
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('blocks of any cut, with or without their size', () => {
    const array = { type: 'array', items: 'int' };
    expect(decode(array, [2, 2, 4, 4, 6, 0])).toEqual([1, 2, 3]);
    expect(decode(array, longs(-2, 2, 1, 2, 1, 3, 0))).toEqual([1, 2, 3]);
    expect(() => decode(array, longs(-2, 3, 1, 2, 1, 3, 0))).toThrow(avroInvalid);
    expect(() => decode(array, longs(-2, 200, 1, 2, 0))).toThrow(avroInvalid);
    expect(() => decode(array, longs(-2, -1, 1, 2, 0))).toThrow(avroInvalid);
  });

  test.for<[string, unknown, number[]]>([
    ['a branch that is not there', ['null', 'int'], [4]],
    ['a negative branch', ['null', 'int'], [1]],
    ['a symbol that is not there', { type: 'enum', name: 'E', symbols: ['A'] }, [2]],
    ['bytes left over', 'int', [2, 0]],
    ['no bytes at all', 'string', []],
    ['a string that is not UTF-8', 'string', [2, 0xff]],
    ['a boolean that is neither', 'boolean', [2]],
    ['a float cut short', 'float', [0, 0, 0]],
    ['a fixed cut short', { type: 'fixed', name: 'F', size: 3 }, [0, 0]],
    ['a map key given twice', { type: 'map', values: 'int' }, [4, 2, 0x61, 0, 2, 0x61, 0, 0]],
    ['an array without end', { type: 'array', items: 'int' }, [2, 2]],
  ])('refused: %s', ([, schema, bytes]) => {
    expect(() => decode(schema, bytes)).toThrow(avroInvalid);
  });
});

describe('bounds', () => {
  test('a few bytes cannot ask for many values', () => {
    const before = process.memoryUsage().heapUsed;
    const nothing = { type: 'record', name: 'Empty', fields: [] };
    for (const items of ['null', nothing, { type: 'fixed', name: 'None', size: 0 }]) {
      const bomb = longs(20_000_000, 0);
      expect(bomb.length).toBe(5);
      expect(() => decode({ type: 'array', items }, bomb)).toThrow(avroInvalid);
      expect(() => decode({ type: 'array', items }, [...Array(30).fill(longs(90_000)).flat(), 0])).toThrow(
        avroInvalid,
      );
    }
    expect(() => decode({ type: 'map', values: 'null' }, longs(20_000_000, 0))).toThrow(avroInvalid);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('values are counted over all levels', () => {
    const grid = { type: 'array', items: { type: 'array', items: 'null' } };
    const row = longs(100, 0);
    const rows = (count: number) => [...longs(count), ...Array(count).fill(row).flat(), 0];
    expect(decode(grid, rows(900))).toHaveLength(900);
    expect(() => decode(grid, rows(1_000))).toThrow(avroInvalid);
    expect(() => decode(grid, rows(9), { itemsMax: 900 })).toThrow(avroInvalid);
  });

  test('a recursive value is bounded in depth, also one that takes no bytes', () => {
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] };
    const of = (length: number) => [...Array(length).fill(2), 0];
    expect(decode(list, of(31))).toBeInstanceOf(Map);
    expect(() => decode(list, of(32))).toThrow(avroInvalid);
    expect(() => decode(list, of(1_000_000))).toThrow(avroInvalid);
    const endless = { type: 'record', name: 'Endless', fields: [{ name: 'self', type: 'Endless' }] };
    expect(() => decode(endless, [])).toThrow(avroInvalid);
  });

  test('any bytes are a value or AVRO_INVALID, and never much larger than they are', () => {
    const schemas = [proposal, { type: 'array', items: proposal }, JSON.parse(eventSchemaText)].map(
      parseAvroSchema,
    );
    const counted = (value: AvroValue): number => {
      if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + counted(item), 1);
      if (value instanceof Map) return [...value.values()].reduce((sum, item) => sum + counted(item), 1);
      return 1;
    };
    const small = fc.uint8Array({ max: 8, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas),
        fc.oneof(small, fc.uint8Array({ maxLength: 200 })),
        (schema, bytes) => {
          try {
            expect(counted(decodeAvro(schema, bytes, { itemsMax: 1_000 }))).toBeLessThanOrEqual(1_000);
          } catch (error) {
            if (!isFault(error, 'AVRO_INVALID')) throw error;
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('schemas', () => {
  const fixed = (name: string, more = {}) => ({ type: 'fixed', name, size: 1, ...more });
  const record = (namespace: string | undefined, ...types: unknown[]) => ({
    type: 'record',
    name: 'R',
    ...(namespace === undefined ? {} : { namespace }),
    fields: types.map((type, i) => ({ name: `f${i}`, type })),
  });

  test.for<[string, unknown]>([
    ['the namespace around', record('a', fixed('F'), 'F', 'a.F')],
    ['none around', record(undefined, fixed('F'), 'F')],
    ['its own', record('a', fixed('F', { namespace: 'b' }), 'b.F')],
    ['a full name, whatever its namespace says', record('a', fixed('b.c.F', { namespace: 'd' }), 'b.c.F')],
    ['an empty one', record('a', fixed('F', { namespace: '' }), { ...record('', 'F'), name: 'S' })],
    ['that of a full name, inside', { ...record(undefined, fixed('F'), 'F', 'x.y.F'), name: 'x.y.R' }],
  ])('a name is found in %s', ([, schema]) => {
    expect(parseAvroSchema(schema).kind).toBe('record');
  });

  test.for<[string, unknown]>([
    ['a name that is not there', record('a', fixed('F', { namespace: 'b' }), 'F')],
    ['a name before it is defined', ['F', fixed('F')]],
    ['a name twice', [fixed('F'), { ...fixed('F'), type: 'enum', symbols: [] }]],
    [
      'a field twice',
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'f', type: 'int' },
          { name: 'f', type: 'int' },
        ],
      },
    ],
    ['a symbol twice', { type: 'enum', name: 'E', symbols: ['A', 'A'] }],
    ['symbols that are no names', { type: 'enum', name: 'E', symbols: [1] }],
    ['a primitive by another meaning', fixed('int')],
    ['a union in a union', ['null', ['int']]],
    ['an empty union', []],
    ['a branch twice', ['int', 'int']],
    [
      'a branch twice by kind',
      [
        { type: 'array', items: 'int' },
        { type: 'array', items: 'long' },
      ],
    ],
    ['no type', {}],
    ['no name', { type: 'fixed', size: 1 }],
    ['no size', { type: 'fixed', name: 'F' }],
    ['a huge size', { type: 'fixed', name: 'F', size: 2 ** 40 }],
    ['no fields', { type: 'record', name: 'R' }],
    ['a number', 7],
    ['nothing', null],
    ['too wide', Array.from({ length: 20_000 }, (_, i) => fixed(`F${i}`))],
  ])('refused: %s', ([, schema]) => {
    expect(() => parseAvroSchema(schema)).toThrow(avroInvalid);
  });

  test('nesting is bounded', () => {
    let schema: unknown = 'int';
    for (let i = 0; i < 100_000; i++) schema = { type: 'array', items: schema };
    expect(() => parseAvroSchema(schema)).toThrow(avroInvalid);
  });
});
