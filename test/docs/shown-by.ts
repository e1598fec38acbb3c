/** A test that shows what a row says: its file, and its title as it is written there. */
export interface Shown {
  readonly file: string;
  readonly title: string;
}

export interface Row {
  readonly number: number;
  readonly cells: readonly string[];
  readonly shownBy: readonly Shown[];
}

/** Rows of the table: a number, the fault, what becomes of it, tests as `file`: “title”, “title”. */
export const rowsOf = (page: string): readonly Row[] =>
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
      return { number: Number(number), cells, shownBy };
    });

/** Titles of tests in a file, as they are written there. */
export const titlesIn = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/(?:\btest(?:\.\w+)*|\))\s*\(\s*(['"`])((?:\\.|(?!\1).)+)\1/g)].map(([, , title]) =>
      title!.replace(/\\(['"`])/g, '$1'),
    ),
  );

/** What a page names that is not there. */
export function lost(rows: readonly Row[], textOf: (file: string) => string | undefined): string[] {
  return rows.flatMap(({ number, shownBy }) =>
    shownBy.flatMap(({ file, title }) => {
      const text = textOf(file);
      if (text === undefined) return [`${number}: ${file} is not there`];
      return titlesIn(text).has(title) ? [] : [`${number}: ${file} has no test “${title}”`];
    }),
  );
}
