import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodesAbout } from '../../src/apps/cli/exit-codes.ts';
import type { Setting } from '../../src/apps/setting-texts.ts';
import { settings } from '../../src/apps/settings.ts';
import { projections } from '../../src/projections/registry.ts';
import { read, root, type TextFile, textFiles } from '../architecture/tree.ts';

const pages = textFiles.filter(({ path }) => path.endsWith('.md'));

/** Prose and its code spans, without blocks of code. */
const withoutBlocks = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```/gm, '');

const exists = (path: string): boolean => existsSync(join(root, path));

/** Relative targets of links, without what is below a page. */
const linksOf = ({ path, text }: TextFile): string[] =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:|^#/.test(target))
    .map((target) => join(dirname(path), target.replace(/#.*$/, '')));

/** Files and folders of this repository that are named in code spans. */
const namedIn = ({ text }: TextFile): string[] =>
  [...withoutBlocks(text).matchAll(/`((?:src|test|docs|schemas|samples|deploy|bin)\/[\w./-]*)`/g)].map(
    ([, path]) => path!,
  );

describe('pages', () => {
  test('every link leads somewhere', () => {
    const lost = pages.flatMap((page) =>
      linksOf(page)
        .filter((target) => !exists(target))
        .map((target) => `${page.path} → ${target}`),
    );
    expect(lost).toEqual([]);
  });

  test('every file that is named is there', () => {
    const lost = pages.flatMap((page) =>
      namedIn(page)
        .filter((path) => !exists(path))
        .map((path) => `${page.path}: ${path}`),
    );
    expect(lost).toEqual([]);
  });

  test('every page is linked from another', () => {
    const linked = new Set(pages.flatMap(linksOf));
    const folders = [...linked].filter((target) => !target.endsWith('.md'));
    const alone = pages.filter(
      ({ path }) => path !== 'README.md' && !linked.has(path) && !folders.includes(dirname(path)),
    );
    expect(alone.map(({ path }) => path)).toEqual([]);
  });

  test('a planted link and a planted name are found', () => {
    const page = {
      path: 'docs/x.md',
      text: '[a](nowhere.md#b) [b](https://example.org) `src/nowhere.ts`\n```sh\n[c](d)\n```\n',
    };
    expect(linksOf(page).filter((target) => !exists(target))).toEqual(['docs/nowhere.md']);
    expect(namedIn(page).filter((path) => !exists(path))).toEqual(['src/nowhere.ts']);
  });
});

describe('tables that repeat the code', () => {
  test('dependencies', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const page = read('docs/architecture/dependencies.md');
    const sections = [...page.matchAll(/^### (.+)\n\n(\S[\s\S]*?)\n(?=\n###|$)/gm)];
    expect(sections.map(([, name]) => name)).toEqual(Object.keys(dependencies).sort());
    for (const [, name, paragraph] of sections) expect(paragraph!.length, name).toBeGreaterThan(40);
  });

  test('settings', () => {
    const cell = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const code = (text: string | undefined): string => (text === undefined ? '' : `\`${text}\``);
    const rows = Object.values(settings).map(
      ({ variable, flag, fallback, about, secret }: Setting<unknown>) =>
        `| \`${variable}\` | ${code(flag)} | ${code(fallback)} | ${cell(about)}${secret === true ? '; secret' : ''} |`,
    );
    const page = read('docs/operations/full-profile.md');
    expect(page.split('\n').filter((line) => line.startsWith('| `ANNAL_'))).toEqual(rows);
  });

  test('exit codes', () => {
    const page = read('docs/operations/exit-codes.md');
    expect(page.split('\n').filter((line) => /^\| \d/.test(line))).toEqual(
      exitCodesAbout.map(([code, about]) => `| ${code} | ${about} |`),
    );
  });

  test('metrics', () => {
    const named = new Set(read('src/apps/api/metrics.ts').match(/annal_[a-z_]+/g));
    const told = new Set(read('docs/operations/full-profile.md').match(/annal_[a-z_]+/g));
    expect([...told].sort()).toEqual([...named].sort());
  });

  test('projections are named where readers look', () => {
    for (const { definition } of projections)
      expect(read('CHANGELOG.md')).toContain(`\`${definition.projection}\``);
  });
});
