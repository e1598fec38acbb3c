import { describe, expect, test } from 'vitest';
import { exitCodeOf, exitCodes } from '../../src/apps/cli/exit-codes.ts';
import { read, textFiles } from '../architecture/tree.ts';
import { lost, rowsOf, titlesIn } from './shown-by.ts';

const files = new Map(textFiles.map(({ path, text }) => [path, text]));

describe.each([
  ['faults', 42],
  ['proof', 21],
] as const)('the table of %s', (page, count) => {
  const rows = rowsOf(read(`docs/architecture/${page}.md`));

  test('has each row once, in order, with what becomes of it', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
    for (const { number, cells } of rows)
      for (const cell of cells.slice(0, 2)) expect(cell.length, `${number}`).toBeGreaterThan(6);
  });

  test('names a test for each, and each test is there under its title', () => {
    for (const { number, shownBy } of rows) expect(shownBy.length, `${number}`).toBeGreaterThan(0);
    expect(lost(rows, (file) => files.get(file))).toEqual([]);
  });
});

test('what a proof finds ends with the code that the page says', () => {
  for (const { number, cells } of rowsOf(read('docs/architecture/proof.md'))) {
    const [, told, exit] = cells;
    const code = /^`([A-Z_]+)`/.exec(told!)?.[1];
    expect(Number(exit), `${number}`).toBe(code === undefined ? exitCodes.differs : exitCodeOf(code));
  }
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
