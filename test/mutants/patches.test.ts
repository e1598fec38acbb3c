import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { paths, read, root } from '../architecture/tree.ts';
import { missingFor, readHead, readMutants } from './mutant.ts';
import { patchFault } from './trees.ts';

const mutants = readMutants();
const namesOf = (law: number): string[] =>
  mutants.filter((mutant) => mutant.law === law).map(({ name }) => name);

/** Rows of the table of laws: number, tests, mutants. */
const laws = [...read('ARCHITECTURE.md').matchAll(/^\| (\d+) \| [^|]+ \| ([^|]*) \|([^|]*)\|$/gm)].map(
  ([, law, tests, named]) => ({
    law: Number(law),
    isHeld: tests!.includes('`'),
    named: [...named!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  }),
);

const fixedMin = 10;

/** What a title in a file may read as when it has run: `%s`, `$name` and `${…}` stand for anything. */
const titlesIn = (text: string): RegExp[] =>
  [...text.matchAll(/'((?:[^'\\\n]|\\.)+)'|`([^`\n]+)`/g)].flatMap(([, plain, template]) => {
    const parts = (plain ?? template!).split(/%[a-z]|\$\{[^}]*\}|\$[\w.]+/);
    if (parts.join('').length < fixedMin) return [];
    return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
  });

/** Laws of a port have their titles in its contract, and a test may have some in a file beside it. */
const titlesOf = (file: string): RegExp[] =>
  [...paths]
    .filter(
      (path) =>
        path === file ||
        path.startsWith('test/contracts/') ||
        (dirname(path) === dirname(file) && /(?<!\.test)\.ts$/.test(path)),
    )
    .flatMap((path) => titlesIn(read(path)));

/** A short title may be a value. */
const hasTitles = (titles: readonly RegExp[], test: string): boolean =>
  test.split(' > ').every((part) => part.length < fixedMin || titles.some((title) => title.test(part)));

/**
 * Hunks whose old lines stand nowhere in their file, behind those of the hunk before. What git says of one patch costs a process
 * each; `run.ts` asks it.
 */
function misplaced(name: string, patch: string): string[] {
  return patch
    .split(/^diff --git a\//m)
    .slice(1)
    .flatMap((diff) => {
      const path = diff.slice(0, diff.indexOf(' '));
      const text = paths.has(path) ? `\n${read(path)}` : '';
      let from = 0;
      return diff
        .split(/^@@ .*\n/m)
        .slice(1)
        .flatMap((hunk, nth) => {
          const old = hunk.split('\n').filter((line) => /^[ -]/.test(line));
          const lines = old.map((line) => `\n${line.slice(1)}`).join('');
          const at = text.indexOf(`${lines}\n`, from);
          if (at < 0) return [`${name}: hunk ${nth + 1} of ${path}`];
          from = at + lines.length;
          return [];
        });
    });
}

describe('mutants', () => {
  test('every patch still applies', () => {
    const faults = mutants.flatMap(({ name, patch }) => misplaced(name, read(patch.slice(root.length))));
    expect(faults).toEqual([]);
  });

  test('every patch changes the product, and the test that kills it is there', () => {
    for (const { name, patch } of mutants) {
      const changed = [...read(patch.slice(root.length)).matchAll(/^diff --git a\/(\S+) /gm)];
      expect(changed.length, name).toBeGreaterThan(0);
      for (const [, path] of changed) expect(path, name).toMatch(/^src\//);
    }
    for (const { name, file, test: title } of mutants) {
      expect(paths.has(file), `${name}: ${file}`).toBe(true);
      expect(hasTitles(titlesOf(file), title), `${name}: ${title}`).toBe(true);
    }
  });

  test('every law that a test holds has mutants, and ARCHITECTURE.md names all of them', () => {
    expect(laws.map(({ law }) => law)).toEqual(laws.map((_, at) => at + 1));
    for (const { law, isHeld, named } of laws) {
      expect(named, `law ${law}`).toEqual(namesOf(law));
      expect(named.length > 0, `law ${law}`).toBe(isHeld);
    }
    expect(laws.flatMap(({ named }) => named)).toHaveLength(mutants.length);
  });
});

describe('what is wrong with a mutant is found', () => {
  const [law, killer, needs] = [
    '# law 5: a bug',
    '# killed by test/a.test.ts: a > b',
    '# needs kafka, elasticsearch',
  ];

  test('its head', () => {
    expect(readHead('x', `${law}\n${killer}\ndiff --git`)).toEqual({
      ...{ name: 'x', law: 5, bug: 'a bug', file: 'test/a.test.ts', test: 'a > b', needs: [] },
    });
    const services = killer!.replace('test/a', 'test/services/a');
    expect(readHead('x', `${law}\n${services}\n${needs}\n`).needs).toEqual(['kafka', 'elasticsearch']);
    for (const [head, why] of [
      ['diff --git', 'line 1'],
      [`${law}\ndiff --git`, 'line 2'],
      [`${law}\n# killed by src/a.ts: b`, 'line 2'],
      [`${law}\n${killer}\n${needs}`, 'needs none'],
      [`${law}\n${services}\n`, 'needs servers'],
      [`${law}\n${services}\n# needs toString`, 'nobody knows'],
    ] as const)
      expect(() => readHead('x', head), head).toThrow(why);
  });

  test('a test that has another name by now', () => {
    const titles = titlesIn(
      "test.each(x)('host %s is refused', () => {}); describe('laws of a port: $of', x);",
    );
    expect(hasTitles(titles, 'laws of a port: a folder > host a.b is refused')).toBe(true);
    expect(hasTitles(titles, 'laws of a port: a folder > host a.b is let in')).toBe(false);
  });

  test('servers that are not there', () => {
    const mutant = { ...mutants[0]!, needs: ['kafka'] } as const;
    expect(missingFor({ ...mutant, needs: [] }, {})).toEqual([]);
    expect(missingFor(mutant, {})).toContain('ANNAL_TEST_KAFKA_BROKERS');
  });

  test('a patch of what is not there any more', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'annal-patch-'));
    const patch = join(dir, 'x.patch');
    const diff = (line: string) =>
      `${law}\n${killer}\n--- a/LICENSE\n+++ b/LICENSE\n@@ -1,2 +1,2 @@\n-${line}\n+something else\n ${second}\n`;
    const [first, second] = read('LICENSE').split('\n');
    const ours = (line: string) => misplaced('x', `diff --git a/LICENSE b/LICENSE\n${diff(line)}`);
    await writeFile(patch, diff('what nobody wrote'));
    expect(await patchFault(root, patch, 'check')).toContain('LICENSE');
    expect(ours('what nobody wrote')).toEqual(['x: hunk 1 of LICENSE']);
    await writeFile(patch, diff(first!));
    expect(await patchFault(root, patch, 'check')).toBeUndefined();
    expect(ours(first!)).toEqual([]);
    await rm(dir, { recursive: true });
  });
});
