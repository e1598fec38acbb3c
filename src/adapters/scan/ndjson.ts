import type { SampleBounds, Table, TableReader, TableRefusal } from '../../ports/table-reader.ts';
import { jsonShape } from './json-fields.ts';
import { endOfValue, skipSpace } from './json-text.ts';
import { readText, type TextSample } from './text-sample.ts';

export const jsonDepthMax = 64;

/** Whole lines of the sample, blank ones left out; a last line without its end counts only if the file ends there. */
function* linesOf({ text, whole }: TextSample): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    if (end === -1 && !whole) return;
    const line = text.slice(start, end === -1 ? text.length : end).trim();
    if (line !== '') yield line;
    start = end === -1 ? text.length : end + 1;
  }
}

/** The value of one line, or undefined where the line is not one JSON value within the depth bound. */
function parseLine(line: string): { readonly value: unknown } | undefined {
  const found = endOfValue(line, 0, jsonDepthMax);
  if ('tooDeep' in found || ('end' in found && skipSpace(line, found.end) < line.length)) return undefined;
  try {
    return { value: JSON.parse(line) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // Counted by the caller.
    throw error;
  }
}

/** Describes lines of JSON. Lines that are not JSON are counted and passed over; refuses a file without any that is. */
export function describeLines(sample: TextSample, { rowsMax }: SampleBounds): Table | TableRefusal {
  const shape = jsonShape();
  let [lines, malformed, cut] = [0, 0, !sample.whole];
  for (const line of linesOf(sample)) {
    if (lines === rowsMax) {
      cut = true;
      break;
    }
    lines += 1;
    const parsed = parseLine(line);
    if (parsed === undefined) malformed += 1;
    else shape.addRow(parsed.value);
  }
  if (lines === 0) return { refused: 'FILE_TOO_COMPLEX', reason: 'the first row is longer than the sample' };
  if (malformed === lines) return { refused: 'FILE_MALFORMED', reason: `none of ${lines} lines is JSON` };
  const columns = shape.columns();
  if (columns.length === 0) return { refused: 'FILE_EMPTY', reason: 'no row has a usable field' };
  const problems = shape.problems();
  if (malformed > 0) problems.push({ code: 'ROWS_MALFORMED', count: malformed });
  const rows = shape.rows();
  const profile = cut || malformed > 0 ? {} : { profile: { rows, columns: [] } };
  return { format: 'ndjson', columns, rows, whole: !cut, dialect: new Map(), problems, ...profile };
}

/** One JSON value a line, strict UTF-8. */
export const ndjsonReader: TableReader = {
  format: 'ndjson',
  extensions: ['ndjson', 'jsonl'],
  async describe(file, sample) {
    const read = await readText(file, sample);
    return 'refused' in read ? read : describeLines(read, sample);
  },
};
