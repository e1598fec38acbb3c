import { eachField, type ThriftCursor, thriftNumber } from './thrift-compact.ts';

export type TimeUnit = 'millis' | 'micros' | 'nanos';

/** What the bytes of a column stand for, by whichever of the two generations of annotations a file has. */
export type ParquetMeaning =
  | { readonly kind: 'decimal'; readonly scale: number; readonly precision: number }
  | { readonly kind: 'time' | 'timestamp'; readonly unit: TimeUnit; readonly utc: boolean }
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: (typeof plainKinds)[keyof typeof plainKinds] | 'map-entry' | 'interval' };

const plainKinds = {
  1: 'string',
  2: 'map',
  3: 'list',
  4: 'enum',
  6: 'date',
  11: 'null',
  12: 'json',
  13: 'bson',
  14: 'uuid',
  15: 'float16',
  16: 'variant',
  17: 'geometry',
  18: 'geography',
} as const;

const unitKinds: Readonly<Record<number, TimeUnit>> = { 1: 'millis', 2: 'micros', 3: 'nanos' };

/** `LogicalType` of parquet-format 2.12: a union, so one field. Undefined for one that came later. */
export function logicalMeaning(cursor: ThriftCursor): ParquetMeaning | undefined {
  let meaning: ParquetMeaning | undefined;
  eachField(cursor, (id) => {
    if (id === 5) meaning = { kind: 'decimal', ...decimalIn(cursor) };
    else if (id === 7 || id === 8) meaning = { kind: id === 7 ? 'time' : 'timestamp', ...timeIn(cursor) };
    else if (id === 10) meaning = { kind: 'integer', ...integerIn(cursor) };
    else {
      const kind = plainKinds[id as keyof typeof plainKinds];
      if (kind !== undefined) meaning = { kind };
      return false;
    }
    return true;
  });
  return meaning;
}

function decimalIn(cursor: ThriftCursor): { scale: number; precision: number } {
  const found = { scale: 0, precision: 0 };
  eachField(cursor, (id) => {
    if (id === 1) found.scale = thriftNumber(cursor);
    else if (id === 2) found.precision = thriftNumber(cursor);
    else return false;
    return true;
  });
  return found;
}

function timeIn(cursor: ThriftCursor): { unit: TimeUnit; utc: boolean } {
  const found: { unit: TimeUnit; utc: boolean } = { unit: 'millis', utc: false };
  eachField(cursor, (id, type) => {
    if (id === 1) found.utc = type === 1;
    if (id !== 2) return false;
    eachField(cursor, (unit) => {
      found.unit = unitKinds[unit] ?? found.unit;
      return false;
    });
    return true;
  });
  return found;
}

function integerIn(cursor: ThriftCursor): { bits: number; signed: boolean } {
  const found = { bits: 64, signed: true };
  eachField(cursor, (id, type) => {
    if (id === 2) found.signed = type === 1;
    if (id !== 1) return false;
    found.bits = cursor.bytes[cursor.at] ?? found.bits;
    return false;
  });
  return found;
}

/** `ConvertedType`, of files written before there were logical types. Their times are in UTC. */
export function convertedMeaning(
  converted: number | undefined,
  scale: number,
  precision: number,
): ParquetMeaning | undefined {
  if (converted === undefined) return undefined;
  if (converted === 5) return { kind: 'decimal', scale, precision };
  if (converted === 7 || converted === 8)
    return { kind: 'time', unit: converted === 7 ? 'millis' : 'micros', utc: true };
  if (converted === 9 || converted === 10)
    return { kind: 'timestamp', unit: converted === 9 ? 'millis' : 'micros', utc: true };
  if (converted >= 11 && converted <= 18)
    return { kind: 'integer', bits: 8 << ((converted - 11) % 4), signed: converted >= 15 };
  const kind = (['string', 'map', 'map-entry', 'list', 'enum', undefined, 'date'] as const)[converted];
  if (kind !== undefined) return { kind };
  return converted === 19
    ? { kind: 'json' }
    : converted === 20
      ? { kind: 'bson' }
      : converted === 21
        ? { kind: 'interval' }
        : undefined;
}
