import { expect, test } from 'vitest';
import { moduleFile, moduleGraph } from '../../src/apps/module-graph.ts';
import { importsOf } from '../architecture/imports.ts';
import { root, typescript } from '../architecture/tree.ts';

const text = `import a, { type B, c } from './a.ts';
import type { D } from './types.ts';
import * as e from "../e.js";
import {
  f,
  g,
} from 'node:crypto';
import './effect.ts';
export * from './all.ts';
export { h } from './h.ts';
export type { I } from './i.ts';
const read = new URL('./data.avsc', import.meta.url);
const from = 'no import';
`;

test('what a module loads and reads is told by its text; types are gone when it runs', () => {
  expect(moduleFile('/x/y/m.ts', text)).toMatchObject({
    imports: ['/x/y/a.ts', '/x/e.js', '/x/y/effect.ts', '/x/y/all.ts', '/x/y/h.ts'],
    libraries: ['node:crypto'],
    assets: ['/x/y/data.avsc'],
    loads: false,
  });
  expect(moduleFile('/m.mjs', "const a = await import('./a.mjs');").loads).toBe(true);
});

test('of each file of ours it tells what a compiler does', () => {
  for (const file of typescript('src/domain', 'src/formats', 'src/ports', 'src/projections')) {
    const expected = importsOf(file).flatMap(({ target, typeOnly }) =>
      typeOnly || target === undefined ? [] : [target],
    );
    expect(moduleFile(`/${file.path}`, file.text).imports, file.path).toEqual(
      expected.map((path) => `/${path}`),
    );
  }
});

test('a graph has each file once', () => {
  const paths = moduleGraph([`${root}src/projections/entities.ts`]).map(({ path }) => path);
  expect(paths).toContain(`${root}src/domain/entity-state.ts`);
  expect(new Set(paths).size).toBe(paths.length);
});
