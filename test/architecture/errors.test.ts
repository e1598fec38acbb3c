import { expect, test } from 'vitest';
import { errorsPage } from '../../docs/errors-page.ts';
import { faults } from '../../src/domain/fault.ts';
import { read, typescript } from './tree.ts';

test('docs/errors.md says what the table of codes says', () => {
  expect(read('docs/errors.md')).toBe(errorsPage());
});

test('the page has every code, what happened and what to do', () => {
  const page = read('docs/errors.md');
  for (const [code, { remedy, about, doThis }] of Object.entries(faults)) {
    const section = page.split(`\n### ${code}\n`)[1]?.split('\n### ')[0] ?? '';
    expect(section, code).toContain(`\`${remedy}\`: ${about}.`);
    expect(section, code).toContain(doThis);
  }
  expect(page.match(/^### .*$/gm)).toEqual(Object.keys(faults).map((code) => `### ${code}`));
});

test('codes are in the order of the alphabet, so that two of them never meet in one change', () => {
  expect(Object.keys(faults)).toEqual(Object.keys(faults).sort());
});

test('every code is used, and none is made up beside the table', () => {
  const product = typescript('src').filter(({ path }) => path !== 'src/domain/fault.ts');
  const used = new Set(product.flatMap(({ text }) => text.match(/\b[A-Z]+(?:_[A-Z]+)*\b/g) ?? []));
  expect(Object.keys(faults).filter((code) => !used.has(code))).toEqual([]);
  const thrown = product.flatMap(({ text }) =>
    [...text.matchAll(/new Fault\(\s*'([A-Z_]+)'/g)].map(([, code]) => code),
  );
  expect(thrown.filter((code) => !Object.hasOwn(faults, code!))).toEqual([]);
  expect(thrown.length).toBeGreaterThan(50);
});

test('a sentence says what happened, another what to do', () => {
  for (const [code, { about, doThis }] of Object.entries(faults)) {
    expect(about, code).toMatch(/^[a-z`0-9].*[^.]$/);
    expect(doThis, code).toMatch(/[.:?)\]}]$/);
  }
});
