/** How delimited text is written. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: '"' | "'";
  /** What makes a quote inside quotes plain: the quote doubled, or a backslash. */
  readonly escape: '"' | "'" | '\\';
  /** Characters before the first record (a spreadsheet's `sep=;` line). */
  readonly skip: number;
}

const delimiters = [',', ';', '\t', '|'] as const;
const recordsMax = 50;
const charactersMax = 64 * 1024;
const spreadsheetHint = /^sep=([^\r\n])\r?\n/i;

/** Delimiters per record, one row a record and one column a candidate; those inside quotes do not count. */
function countDelimiters(text: string, quote: string, escaping: string): number[][] {
  const counts: number[][] = [];
  let [row, quoted, fieldStart, empty] = [delimiters.map(() => 0), false, true, true];
  const end = Math.min(text.length, charactersMax);
  for (let i = 0; i < end && counts.length < recordsMax; i += 1) {
    const char = text[i]!;
    if (quoted) {
      if (char === '\\' && escaping === char) i += 1;
      else if (char === quote) quoted = false;
    } else if (char === quote && fieldStart) {
      [quoted, empty] = [true, false];
    } else if (char === '\n' || char === '\r') {
      if (!empty) counts.push(row);
      [row, fieldStart, empty] = [delimiters.map(() => 0), true, true];
    } else {
      const candidate = delimiters.indexOf(char as (typeof delimiters)[number]);
      if (candidate !== -1) row[candidate]! += 1;
      [fieldStart, empty] = [candidate !== -1, false];
    }
  }
  // A record cut off by the bounds would count too few.
  if (!empty && (end === text.length || counts.length === 0)) counts.push(row);
  return counts;
}

/** How evenly a candidate splits the records: the share with the first record's count, 0 if it splits nothing. */
function evenness(counts: readonly number[][], candidate: number): number {
  const first = counts[0]?.[candidate] ?? 0;
  if (first === 0) return 0;
  return counts.filter((row) => row[candidate] === first).length / counts.length;
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/**
 * Infers the dialect from the first 50 records (64 Ki characters): the delimiter that splits them most evenly, of
 * equals the one that splits them most, then in the order comma, semicolon, tab, bar. Text that none splits is one
 * column. Single quotes are quotes only where no field starts with a double one.
 */
export function inferDialect(text: string): CsvDialect {
  const hint = spreadsheetHint.exec(text);
  const skip = hint?.[0].length ?? 0;
  const sample = text.slice(skip, skip + charactersMax);
  const doubled = count(sample, /(?:^|[,;\t|\n\r])"/g);
  const single = count(sample, /(?:^|[,;\t|\n\r])'[^'\n\r]*'(?=$|[,;\t|\n\r])/g);
  const quote = doubled === 0 && single > 0 ? "'" : '"';
  // A backslash before a closing quote is the end of a path; a doubled quote behind a delimiter is an empty field.
  const slashed = new RegExp(`\\\\${quote}(?=[^,;\\t|\\n\\r])`).test(sample);
  const paired = new RegExp(`[^\\\\,;\\t|\\n\\r]${quote}${quote}`).test(sample);
  const escaping = slashed && !paired ? '\\' : quote;
  if (hint?.[1] !== undefined) return { delimiter: hint[1], quote, escape: escaping, skip };
  const counts = countDelimiters(sample, quote, escaping);
  const best = delimiters
    .map((delimiter, candidate) => ({
      delimiter,
      even: evenness(counts, candidate),
      splits: counts[0]?.[candidate] ?? 0,
    }))
    .reduce((a, b) => (b.even > a.even || (b.even === a.even && b.splits > a.splits) ? b : a));
  return { delimiter: best.delimiter, quote, escape: escaping, skip };
}
