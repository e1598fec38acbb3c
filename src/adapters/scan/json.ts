import type { Table, TableReader, TableRefusal } from '../../ports/table-reader.ts';
import { jsonShape } from './json-fields.ts';
import { endOfValue, skipSpace } from './json-text.ts';
import { describeLines, jsonDepthMax } from './ndjson.ts';
import { readText, type TextSample } from './text-sample.ts';

const malformed = (reason: string): TableRefusal => ({ refused: 'FILE_MALFORMED', reason });
const tooDeep: TableRefusal = { refused: 'FILE_TOO_COMPLEX', reason: `nested deeper than ${jsonDepthMax}` };
const tooLong: TableRefusal = {
  refused: 'FILE_TOO_COMPLEX',
  reason: 'the first row is longer than the sample',
};

interface Rows {
  readonly rows: readonly unknown[];
  /** The document goes on behind the rows. */
  readonly cut: boolean;
}

function parsed(text: string, start: number, end: number): { readonly value: unknown } | TableRefusal {
  try {
    return { value: JSON.parse(text.slice(start, end)) };
  } catch (error) {
    if (error instanceof SyntaxError) return malformed(`not JSON in the value at character ${start}`);
    throw error;
  }
}

/** The elements of the list that `text` starts with at `start`, at most `rowsMax`. */
function listRows({ text, whole }: TextSample, start: number, rowsMax: number): Rows | TableRefusal {
  const rows: unknown[] = [];
  const stopped = (at: number): Rows | TableRefusal =>
    whole
      ? malformed(`the list does not end, character ${at}`)
      : rows.length === 0
        ? tooLong
        : { rows, cut: true };
  let at = skipSpace(text, start + 1);
  for (let first = true; ; first = false) {
    if (at >= text.length) return stopped(at);
    if (text[at] === ']' && first) break;
    if (rows.length === rowsMax) return { rows, cut: true };
    const found = endOfValue(text, at, jsonDepthMax - 1);
    if ('tooDeep' in found) return tooDeep;
    if ('unfinished' in found) return stopped(at);
    const element = parsed(text, at, found.end);
    if ('refused' in element) return element;
    rows.push(element.value);
    at = skipSpace(text, found.end);
    if (at >= text.length) return stopped(at);
    if (text[at] === ']') break;
    if (text[at] !== ',') return malformed(`no comma between elements, character ${at}`);
    at = skipSpace(text, at + 1);
  }
  const rest = skipSpace(text, at + 1);
  return rest < text.length ? malformed(`text behind the list, character ${rest}`) : { rows, cut: !whole };
}

function describeList(sample: TextSample, start: number, rowsMax: number): Table | TableRefusal {
  const found = listRows(sample, start, rowsMax);
  if ('refused' in found) return found;
  return describeRows(found);
}

function describeRows({ rows, cut }: Rows): Table | TableRefusal {
  const shape = jsonShape();
  for (const row of rows) shape.addRow(row);
  const columns = shape.columns();
  if (columns.length === 0) return { refused: 'FILE_EMPTY', reason: 'no row has a usable field' };
  const problems = shape.problems();
  const profile = cut ? {} : { profile: { rows: rows.length, columns: [] } };
  return {
    format: 'json',
    columns,
    rows: rows.length,
    whole: !cut,
    dialect: new Map(),
    problems,
    ...profile,
  };
}

/** A document that is one object is a table of one row; several, one a line, are lines of JSON whatever the extension. */
function describeObject(sample: TextSample, start: number, rowsMax: number): Table | TableRefusal {
  const { text, whole } = sample;
  const found = endOfValue(text, start, jsonDepthMax);
  if ('tooDeep' in found) return tooDeep;
  if ('unfinished' in found) return whole ? malformed('the object does not end') : tooLong;
  const rest = skipSpace(text, found.end);
  if (rest < text.length) {
    if (text.slice(found.end, rest).includes('\n')) return describeLines(sample, { rowsMax, bytesMax: 0 });
    return malformed(`text behind the object, character ${rest}`);
  }
  const row = parsed(text, start, found.end);
  return 'refused' in row ? row : describeRows({ rows: [row.value], cut: !whole });
}

/** A JSON document: a list is one row an element, an object is one row. Strict UTF-8. */
export const jsonReader: TableReader = {
  format: 'json',
  extensions: ['json'],
  async describe(file, sample) {
    const read = await readText(file, sample);
    if ('refused' in read) return read;
    const start = skipSpace(read.text, 0);
    if (read.text[start] === '[') return describeList(read, start, sample.rowsMax);
    if (read.text[start] === '{') return describeObject(read, start, sample.rowsMax);
    return malformed('neither a list nor an object');
  },
};
