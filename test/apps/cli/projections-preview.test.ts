import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../architecture/tree.ts';
import { type CliEnd, cli } from '../../given/cli.ts';

const archive = 'samples/archive';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(root, 'node_modules', '.preview-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A copy of `entities` in which its body ends with another member. */
function changed(name: string, version: number, told = '1'): string {
  const file = join(dir, name);
  writeFileSync(
    file,
    `import { entities } from '../../src/projections/entities.ts';
export default {
  ...entities,
  definition: { ...entities.definition, version: ${version} },
  stateDocument(state) {
    const made = entities.stateDocument(state);
    if (!state.urn.includes('shop.orders')) return made;
    const told = ${told};
    return { ...made, body: Buffer.concat([made.body.subarray(0, -1), Buffer.from(\`,"told":\${told}}\`)]) };
  },
};
`,
  );
  return file;
}

const preview = (file: string, ...more: string[]): Promise<CliEnd> =>
  cli(['projections', 'preview', file, '--archive', archive, ...more]);

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`)
    .sort();

test('what would change is counted and shown with its fields, ends with 6, and leaves the archive as it was', async () => {
  const before = filesIn(archive);
  const file = changed('later.mjs', 2);
  const { code, stdout, stderr } = await preview(file, '--output', 'json');
  expect(code, stderr).toBe(6);
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({
    liveVersion: 1,
    version: 2,
    appeared: 0,
    vanished: 0,
    needsNewVersion: false,
  });
  expect(told.changed).toBeGreaterThan(0);
  expect(told.documentsDiffering).toHaveLength(told.changed);
  const table = await preview(file, '--limit', '1');
  expect(table.code).toBe(6);
  expect(table.stdout).toMatch(/^entities: v1, \d+ documents → v2, \d+ documents, of [\d,]+ events at 1:/);
  expect(table.stdout).toContain(`${told.changed} document`);
  expect(table.stdout).toMatch(/changed +body +\/told +- +1 +urn:li:/);
  const lines = await preview(file, '--output', 'ndjson', '--limit', '1');
  expect(JSON.parse(lines.stdout)).toMatchObject({ what: 'changed' });
  expect(filesIn(archive)).toEqual(before);
});

test('other documents under the number of before: it needs a new one, and that is said', async () => {
  const { code, stderr } = await preview(changed('same.mjs', 1));
  expect(code).toBe(6);
  expect(stderr).toContain('it needs a new version number: 2');
});

test.each([
  ['a file that is not there', 'none.mjs', 2, 'PROJECTION_INVALID'],
  ['a fold that asks the clock', 'clock.mjs', 1, 'FOLD_IMPURE'],
  ['a fold that throws', 'throws.mjs', 1, 'FOLD_FAILED'],
] as const)('%s is refused with its reason and event', async (_, name, code, fault) => {
  const told = { 'clock.mjs': 'Date.now()', 'throws.mjs': 'state.nothing.at', 'none.mjs': undefined }[name];
  const end = await preview(told === undefined ? join(dir, name) : changed(name, 2, told));
  expect(end.code).toBe(code);
  expect(end.stdout).toBe('');
  expect(end.stderr).toContain(fault);
  if (fault !== 'PROJECTION_INVALID') {
    expect(end.stderr).toMatch(/position 1-\d+-\d+/);
    expect(end.stderr).toContain('shop.orders');
  }
});

test('a limit that is none is asked for again', async () => {
  expect(await preview('samples/projections/entities.ts', '--limit', 'many')).toMatchObject({ code: 2 });
});

test.each([
  'process.exit(0);',
  'await new Promise(() => {});',
])('a file that is never loaded, by %s, does not end well', (end) => {
  const file = join(dir, 'never.mjs');
  writeFileSync(file, `${end}\nexport default {};\n`);
  const { status, stderr } = spawnSync(process.execPath, ['bin/annal.js', 'projections', 'preview', file]);
  expect({ status, stderr: String(stderr) }).toEqual({
    status: 1,
    stderr: expect.stringContaining('PROJECTION_INVALID'),
  });
});
