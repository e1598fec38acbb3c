import { convertedMeaning, logicalMeaning, type ParquetMeaning } from './parquet-meaning.ts';
import { type ColumnStatistics, statisticsOf } from './parquet-statistics.ts';
import {
  BadThrift,
  eachField,
  eachItem,
  type ThriftCursor,
  thriftBinary,
  thriftCursor,
  thriftNumber,
  thriftText,
  thriftTypes,
} from './thrift-compact.ts';

export const physicalTypes = [
  'boolean',
  'int32',
  'int64',
  'int96',
  'float',
  'double',
  'byte_array',
  'fixed_len_byte_array',
] as const;
export type PhysicalType = (typeof physicalTypes)[number];

/** One node of a schema, in the order in which a file lists them: a parent before its children. */
export interface ParquetElement {
  readonly name: string;
  /** Undefined: a group. */
  readonly physical: PhysicalType | undefined;
  /** Bytes of a `fixed_len_byte_array`. */
  readonly length: number;
  readonly repetition: 'required' | 'optional' | 'repeated';
  readonly children: number;
  readonly meaning: ParquetMeaning | undefined;
}

/** What a footer says, row groups taken together. */
export interface ParquetFooter {
  /** The first is the root. */
  readonly elements: readonly ParquetElement[];
  readonly rows: number;
  readonly rowGroups: number;
  readonly createdBy: string;
  /** By leaf, in the order of the schema. */
  readonly statistics: readonly ColumnStatistics[];
}

/** A schema of more nodes is no table that people read. */
export const elementsMax = 100_000;
const valuesMax = 16 * 1024 * 1024;
const repetitions = ['required', 'optional', 'repeated'] as const;

/**
 * Reads a footer (`FileMetaData` in Thrift's compact protocol) in one walk. What is held grows with the columns, never with
 * the row groups. `dataEnd`: where the footer begins in its file; a column that reaches beyond it is a lie. Throws
 * `BadThrift`.
 */
export function readFooter(bytes: Buffer, dataEnd: number): ParquetFooter {
  const cursor = thriftCursor(bytes, valuesMax);
  const elements: ParquetElement[] = [];
  let [rows, grouped, rowGroups, createdBy] = [-1, 0, 0, ''];
  let statistics: ReturnType<typeof statisticsOf> | undefined;
  eachField(cursor, (id, type) => {
    if (id === 2 && type === thriftTypes.list) {
      return eachItem(cursor, thriftTypes.struct, () => {
        if (elements.length === elementsMax) throw new BadThrift(`more than ${elementsMax} columns`, true);
        elements.push(elementIn(cursor));
      });
    }
    if (id === 3 && type === thriftTypes.i64) rows = thriftNumber(cursor);
    else if (id === 4 && type === thriftTypes.list) {
      const leaves = elements.filter(({ physical }) => physical !== undefined);
      const gathered = statisticsOf(leaves);
      statistics = gathered;
      return eachItem(cursor, thriftTypes.struct, () => {
        grouped += rowGroupIn(cursor, gathered, dataEnd);
        rowGroups += 1;
      });
    } else if (id === 6 && type === thriftTypes.binary) createdBy = thriftText(cursor);
    else return false;
    return true;
  });
  if (elements.length === 0) throw new BadThrift('no schema');
  if (!Number.isSafeInteger(rows) || rows < 0) throw new BadThrift('no number of rows');
  if (grouped !== rows) throw new BadThrift(`${rows} rows in all, ${grouped} in its row groups`);
  return { elements, rows, rowGroups, createdBy, statistics: statistics?.told() ?? [] };
}

function elementIn(cursor: ThriftCursor): ParquetElement {
  let [name, length, children, scale, precision] = ['', 0, 0, 0, 0];
  let [physical, converted]: (number | undefined)[] = [];
  let [repetition, logical]: [number, ParquetMeaning | undefined] = [0, undefined];
  eachField(cursor, (id, type) => {
    if (id === 4 && type === thriftTypes.binary) name = thriftText(cursor);
    else if (id === 10 && type === thriftTypes.struct) logical = logicalMeaning(cursor);
    else if (type !== thriftTypes.i32) return false;
    else if (id === 1) physical = thriftNumber(cursor);
    else if (id === 2) length = thriftNumber(cursor);
    else if (id === 3) repetition = thriftNumber(cursor);
    else if (id === 5) children = thriftNumber(cursor);
    else if (id === 6) converted = thriftNumber(cursor);
    else if (id === 7) scale = thriftNumber(cursor);
    else if (id === 8) precision = thriftNumber(cursor);
    else return false;
    return true;
  });
  if (physical !== undefined && physicalTypes[physical] === undefined)
    throw new BadThrift(`a column of the unknown type ${physical}`);
  return {
    ...{ name, length, children },
    physical: physical === undefined ? undefined : physicalTypes[physical],
    repetition: repetitions[repetition] ?? 'optional',
    meaning: logical ?? convertedMeaning(converted, scale, precision),
  };
}

/** Takes one row group into `statistics` and answers its rows. */
function rowGroupIn(
  cursor: ThriftCursor,
  statistics: ReturnType<typeof statisticsOf>,
  dataEnd: number,
): number {
  let rows = 0;
  eachField(cursor, (id, type) => {
    if (id === 1 && type === thriftTypes.list)
      return eachItem(cursor, thriftTypes.struct, (leaf) => chunkIn(cursor, leaf, statistics, dataEnd));
    if (id !== 3 || type !== thriftTypes.i64) return false;
    rows = thriftNumber(cursor);
    return true;
  });
  if (rows < 0) throw new BadThrift('a row group of fewer rows than none');
  return rows;
}

function chunkIn(
  cursor: ThriftCursor,
  leaf: number,
  statistics: ReturnType<typeof statisticsOf>,
  dataEnd: number,
): void {
  const chunk = { values: 0, compressed: 0, page: 0, stats: new Map<number, Buffer | number>() };
  let elsewhere = false;
  eachField(cursor, (id, type) => {
    if (id === 1 && type === thriftTypes.binary) {
      elsewhere = thriftBinary(cursor).length > 0;
      return true;
    }
    if (id !== 3 || type !== thriftTypes.struct) return false;
    eachField(cursor, (field, of) => {
      if (field === 12 && of === thriftTypes.struct) chunk.stats = rawStatistics(cursor);
      else if (of !== thriftTypes.i64) return false;
      else if (field === 5) chunk.values = thriftNumber(cursor);
      else if (field === 7) chunk.compressed = thriftNumber(cursor);
      else if (field === 9) chunk.page = thriftNumber(cursor);
      else return false;
      return true;
    });
    return true;
  });
  const { values, compressed, page, stats } = chunk;
  if (!elsewhere && (page < 0 || compressed < 0 || page > dataEnd || compressed > dataEnd))
    throw new BadThrift('a column reaches beyond the end of the file');
  statistics.take(leaf, values, stats);
}

/** `Statistics`: 1 max, 2 min (deprecated), 3 nulls, 5 max, 6 min. */
function rawStatistics(cursor: ThriftCursor): Map<number, Buffer | number> {
  const found = new Map<number, Buffer | number>();
  eachField(cursor, (id, type) => {
    if (type === thriftTypes.binary && (id === 1 || id === 2 || id === 5 || id === 6))
      found.set(id, thriftBinary(cursor));
    else if (type === thriftTypes.i64 && id === 3) found.set(id, thriftNumber(cursor));
    else return false;
    return true;
  });
  return found;
}
