import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projections } from '../../src/projections/registry.ts';
import { importsOf } from './imports.ts';
import { tidyRules } from './tidy-rules.ts';
import { paths, root, type TextFile, textFiles, typescript } from './tree.ts';

const faultsOf = (files: readonly TextFile[], name?: string): string[] =>
  tidyRules
    .filter((rule) => name === undefined || rule.name.startsWith(name))
    .flatMap((rule) =>
      files
        .filter(({ path }) => rule.holdsFor(path))
        .flatMap((file) => rule.faults(file).map((fault) => `${file.path}:${fault}`)),
    );

describe('the tree is tidy', () => {
  test.each(tidyRules.map(({ name }) => name))('%s', (name) => {
    expect(faultsOf(textFiles, name)).toEqual([]);
  });

  test('every file of the product is reached from a process or a plugin', () => {
    const entries = /\/main\.ts$|^src\/client\/|^plugins\//;
    const reached = new Set(
      typescript('src', 'plugins', 'samples', 'test/bench')
        .flatMap(importsOf)
        .map(({ target }) => target),
    );
    const unreached = typescript('src').filter(({ path }) => !entries.test(path) && !reached.has(path));
    expect(unreached.map(({ path }) => path)).toEqual([]);
  });
});

describe('what is added comes with its test', () => {
  const tests = typescript('test').filter(({ path }) => path.endsWith('.test.ts'));
  const folders = (path: string): string[] =>
    readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );

  test.each(projections.map(({ definition }) => definition.projection))('projection %s', (name) => {
    const own = tests.filter(({ path, text }) => path.startsWith('test/projections/') && text.includes(name));
    expect(own.length).toBeGreaterThan(0);
  });

  // The system clock is what every test stands on.
  test.each(folders('src/adapters').filter((name) => name !== 'system'))('adapter %s', (name) => {
    const own = tests.filter(({ path }) => new RegExp(`^test/(?:services/)?adapters/${name}/`).test(path));
    expect(own.length).toBeGreaterThan(0);
  });

  test.each(
    typescript('src/intake/translate').filter(({ text }) => /: Dialect\b/.test(text)),
  )('dialect $path', ({ path }) => {
    expect(paths.has(path.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts'))).toBe(true);
  });
});

describe('a planted fault is found', () => {
  const long = 'x'.repeat(200);
  const cases: readonly (readonly [rule: string, path: string, text: string])[] = [
    [
      'no file only passes on',
      'src/domain/all.ts',
      "export * from './urn.ts';\nexport { fold } from './entity-state.ts';\n",
    ],
    ['no file only passes on', 'src/domain/index.ts', 'export const one = 1;\n'],
    ['a file is named after', 'src/apps/utils.ts', ''],
    ['a file is named after', 'src/apps/api/helpers.ts', ''],
    ['every test runs', 'test/domain/urn.test.ts', "test.only('x', () => {});"],
    ['every test runs', 'test/domain/urn.test.ts', "describe.skip('x', () => {});"],
    ['every test runs', 'test/domain/urn.test.ts', "test.todo('x');"],
    ['types are not', 'src/domain/urn.ts', 'const x = y as any;'],
    ['types are not', 'test/domain/urn.test.ts', '// @ts-expect-error'],
    ['types are not', 'src/domain/urn.ts', 'const x = y as unknown as string;'],
    ['a switched-off lint', 'src/domain/urn.ts', '// biome-ignore lint/style/noNonNullAssertion: ok'],
    ['an error that is let go', 'src/apps/runtime.ts', 'try { x(); } catch {}'],
    ['an error that is let go', 'src/apps/runtime.ts', 'try { x(); } catch (error) {\n}\n'],
    ['an error that is let go', 'src/apps/runtime.ts', 'await x().catch(() => undefined);'],
    ['an error that is let go', 'src/apps/runtime.ts', 'await x()\n  .catch(() => {});'],
    ['nothing is left undone', 'src/domain/urn.ts', `// ${'TO'}${'DO'}: later`],
    ['nothing is left undone', 'deploy/compose.yaml', `# ${'FIX'}ME`],
    ['no path of a machine', 'docs/operations/recovery.md', 'cd /home/somebody/annal'],
    ['no host of a package', '.npmrc', `registry=https://registry.${'npmjs'}.org/`],
    ['the lockfile names', 'package-lock.json', '  "resolved": "https://packages.example/x.tgz",'],
    ['a file has at most', 'src/domain/urn.ts', '\n'.repeat(301)],
    ['a line has at most', 'src/domain/urn.ts', `const y = ${'x + '.repeat(30)};`],
    ['a line has at most', 'src/domain/urn.ts', `// ${long}`],
    ['pure rooms', 'src/projections/history.ts', 'const now = Date.now();'],
    ['pure rooms', 'src/domain/urn.ts', 'const id = randomUUID();'],
    ['pure rooms', 'src/formats/event.ts', 'const x = process.env.X;'],
    ['time comes from', 'src/streams/drain.ts', 'setTimeout(work, 100);'],
    ['the environment is', 'src/apps/config.ts', 'const x = process.env.ANNAL_DATA;'],
    ['nothing is printed', 'src/apps/runtime.ts', "console.log('x');"],
    ['a page has one title', 'docs/errors.md', '# One\n\n# Two\n'],
    ['a page has one title', 'docs/errors.md', '# One'],
    ['no space at the end', 'src/domain/urn.ts', 'const x = 1; \n'],
  ];
  test.each(cases)('%s: %s', (rule, path, text) => {
    expect(faultsOf([{ path, text }], rule)).toHaveLength(1);
  });

  test('what is allowed passes', () => {
    const allowed: readonly TextFile[] = [
      {
        path: 'src/domain/urn.ts',
        text: '// biome-ignore lint/style/noNonNullAssertion: the length was looked at before.\n',
      },
      {
        path: 'src/apps/runtime.ts',
        text: 'await x().catch(() => {}); // Ended early: everything is idle.\n',
      },
      { path: 'src/apps/runtime.ts', text: 'try { x(); } catch {\n  // Not there yet: asked again.\n}\n' },
      { path: 'src/domain/urn.ts', text: `const text = '${long}';\n` },
      { path: 'docs/errors.md', text: '# One\n\n```sh\n# not a title\n```\n' },
    ];
    expect(faultsOf(allowed)).toEqual([]);
  });
});
