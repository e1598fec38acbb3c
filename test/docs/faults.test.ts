import { describe, expect, test } from 'vitest';
import { read, textFiles } from '../architecture/tree.ts';

interface Shown {
  readonly file: string;
  readonly title: string;
}

interface Row {
  readonly number: number;
  readonly cells: readonly string[];
  readonly shownBy: readonly Shown[];
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Rows of the table: a number, the fault, what becomes of it, tests as `file`: “title”, “title”. */
const rowsOf = (page: string): readonly Row[] =>
  page
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [, number, ...cells] = line
        .split(' | ')
        .join('|')
        .split('|')
        .map((cell) => cell.trim());
      const shownBy = [...line.matchAll(/`(test\/[^`]+)`: ((?:“[^”]+”(?:, )?)+)/g)].flatMap(
        ([, file, titles]) =>
          [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => ({ file: file!, title: title! })),
      );
      return { number: Number(number), cells: cells.slice(0, 2), shownBy };
    });

/** Titles of tests in a file, as they are written there. */
const titlesIn = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/(?:\btest(?:\.\w+)*|\))\s*\(\s*(['"`])((?:\\.|(?!\1).)+)\1/g)].map(([, , title]) =>
      title!.replace(/\\(['"`])/g, '$1'),
    ),
  );

/** What a page names that is not there. */
function lost(rows: readonly Row[], textOf: (file: string) => string | undefined): string[] {
  return rows.flatMap(({ number, shownBy }) =>
    shownBy.flatMap(({ file, title }) => {
      const text = textOf(file);
      if (text === undefined) return [`${number}: ${file} is not there`];
      return titlesIn(text).has(title) ? [] : [`${number}: ${file} has no test “${title}”`];
    }),
  );
}

describe('the table of faults', () => {
  const rows = rowsOf(read('docs/architecture/faults.md'));
  const files = new Map(textFiles.map(({ path, text }) => [path, text]));

  test('has each fault once, in order, with what becomes of it', () => {
    expect(rows.map(({ number }) => number)).toEqual([...range(1, 18), ...range(25, 42)]);
    for (const { number, cells } of rows)
      for (const cell of cells) expect(cell.length, `${number}`).toBeGreaterThan(6);
  });

  test('names a test for each, and each test is there under its title', () => {
    for (const { number, shownBy } of rows) expect(shownBy.length, `${number}`).toBeGreaterThan(0);
    expect(lost(rows, (file) => files.get(file))).toEqual([]);
  });

  test('a file and a title that are not there are found', () => {
    const page = '| 1 | a fault | borne | `test/a.test.ts`: “one”, “two”<br>`test/b.test.ts`: “three” |';
    const text = "test('one', () => {});\ntest.each([1])('of %s', () => {});\n// test two\n";
    expect(lost(rowsOf(page), (file) => (file === 'test/a.test.ts' ? text : undefined))).toEqual([
      '1: test/a.test.ts has no test “two”',
      '1: test/b.test.ts is not there',
    ]);
    expect([...titlesIn(text)]).toEqual(['one', 'of %s']);
  });
});
