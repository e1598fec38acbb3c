import { CsvError, parse } from 'csv-parse/sync';
import { type Column, type ColumnType, widen } from '../../domain/column.ts';
import type { Table, TableProblem, TableReader, TableRefusal } from '../../ports/table-reader.ts';
import { tableLimits } from '../../ports/table-reader.ts';
import { type CsvDialect, inferDialect } from './csv-dialect.ts';
import { readText } from './text-sample.ts';
import { typeOfText } from './text-type.ts';

const delimiterNames: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'bar',
};

interface Records {
  readonly records: readonly (readonly string[])[];
  /** The records stop before the end of the text. */
  readonly cut: boolean;
  /** Why the parser gave up, if it did. */
  readonly fault?: string;
}

function parseRecords(text: string, dialect: CsvDialect, rowsMax: number, whole: boolean): Records {
  // The last line of a partial sample may be half a record.
  const lineEnd = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
  const body = whole ? text : text.slice(0, lineEnd + 1);
  const records: string[][] = [];
  const { skip, ...marks } = dialect;
  const options = { ...marks, to: rowsMax + 1, relax_quotes: true, relax_column_count: true };
  const keep = (record: string[]): null => {
    records.push(record);
    return null;
  };
  try {
    parse(body.slice(skip), { ...options, skip_empty_lines: true, on_record: keep });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // A sample may end inside quotes; what came before is sound.
    return whole ? { records, cut: true, fault: error.code } : { records, cut: true };
  }
  return { records: records.slice(0, rowsMax), cut: !whole || records.length > rowsMax };
}

/**
 * A first record is the header unless one of its cells reads as a number, date or truth value. Columns of text alone
 * cannot tell: then it is taken as the header.
 */
function isHeader(first: readonly string[]): boolean {
  const types = first.map(typeOfText);
  return types.includes('string') && types.every((type) => type === 'string' || type === 'null');
}

function columnTypes(rows: readonly (readonly string[])[], width: number): Column[] {
  const types = new Array<ColumnType>(width).fill('null');
  const nullable = new Array<boolean>(width).fill(false);
  for (const row of rows)
    for (let i = 0; i < width; i += 1) {
      const type = typeOfText(row[i] ?? '');
      if (type === 'null') nullable[i] = true;
      else types[i] = widen(types[i]!, type);
    }
  return types.map((type, i) => ({
    name: `column_${i + 1}`,
    type,
    nativeType: type,
    nullable: nullable[i]! || rows.length === 0,
  }));
}

interface Named {
  readonly columns: readonly Column[];
  readonly problems: readonly TableProblem[];
}

/** Gives columns their header's names: trimmed; an empty one keeps `column_<n>`, a repeated one gets `_<n>` behind it. */
function nameColumns(columns: readonly Column[], header: readonly string[]): Named {
  const taken = new Set<string>();
  let [repeated, tooLong] = [0, 0];
  const named: Column[] = [];
  for (const [i, column] of columns.entries()) {
    const wanted = (header[i] ?? '').trim().toWellFormed() || column.name;
    let name = wanted;
    for (let n = 2; taken.has(name); n += 1) name = `${wanted}_${n}`;
    if (name !== wanted) repeated += 1;
    taken.add(name);
    if (Buffer.byteLength(name) > tableLimits.nameBytesMax) tooLong += 1;
    else named.push({ ...column, name });
  }
  const problems: TableProblem[] = [];
  if (repeated > 0) problems.push({ code: 'COLUMN_NAMES_REPEATED', count: repeated });
  if (tooLong > 0) problems.push({ code: 'COLUMN_NAMES_TOO_LONG', count: tooLong });
  return { columns: named, problems };
}

function describeRecords({ records, cut, fault }: Records, dialect: CsvDialect): Table | TableRefusal {
  const [first, ...rest] = records;
  if (first === undefined)
    return fault === undefined
      ? { refused: 'FILE_TOO_COMPLEX', reason: 'the first row is longer than the sample' }
      : { refused: 'FILE_MALFORMED', reason: fault };
  const widest = Math.min(first.length, tableLimits.columnsMax);
  const header = isHeader(first);
  const rows = header ? rest : records;
  const { columns, problems: names } = nameColumns(columnTypes(rows, widest), header ? first : []);
  if (columns.length === 0) return { refused: 'FILE_TOO_COMPLEX', reason: 'no column has a usable name' };
  const problems = [...names];
  const uneven = rows.filter((row) => row.length !== first.length).length;
  if (uneven > 0) problems.push({ code: 'ROWS_UNEVEN', count: uneven });
  if (fault !== undefined) problems.push({ code: 'ROWS_MALFORMED', count: 1 });
  if (first.length > widest) problems.push({ code: 'COLUMNS_TOO_MANY', count: first.length - widest });
  const spoken = delimiterNames[dialect.delimiter] ?? dialect.delimiter;
  return {
    format: 'csv',
    columns,
    rows: rows.length,
    whole: !cut,
    dialect: new Map([
      ['delimiter', spoken],
      ['header', String(header)],
    ]),
    problems,
    ...(cut ? {} : { profile: { rows: rows.length, columns: [] } }),
  };
}

/** Delimited text: comma, semicolon, tab or bar, with or without a header, strict UTF-8. */
export const csvReader: TableReader = {
  format: 'csv',
  extensions: ['csv', 'tsv', 'psv'],
  async describe(file, sample) {
    const read = await readText(file, sample);
    if ('refused' in read) return read;
    const dialect = inferDialect(read.text);
    return describeRecords(parseRecords(read.text, dialect, sample.rowsMax, read.whole), dialect);
  },
};
