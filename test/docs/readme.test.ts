import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { read, root } from '../architecture/tree.ts';
import { cli } from '../given/cli.ts';
import { type StartedCli, startCli } from '../given/cli-server.ts';

/** A line somebody types, and the lines that the README shows below it. */
interface Shown {
  readonly line: string;
  readonly output: readonly string[];
}

const shown: readonly Shown[] = [...read('README.md').matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(
  ([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [line = '', ...output] = part.trimEnd().split('\n');
        return { line, output };
      }),
);

/** Words of a shell line: single quotes are all that the page needs. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

/** What differs from run to run, and the width of columns, left out. */
const steady = (line: string): string =>
  line
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ(?= +2-)/g, 'TIME')
    .replace(/\b[0-9a-f]{64}\b|(?<=-v\d-)[0-9a-f]{12}/g, 'HASH')
    .replace(/\b\d+ ms\b/g, 'MS')
    .replace(/\b2-\d-\d+\b/g, 'LIVE')
    .replace(/ \S+(?=\/restored)/g, ' …')
    .replace(/ +/g, ' ')
    .trim();

const home = process.cwd();
let folder: string;
let server: StartedCli;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'annal-readme-'));
  symlinkSync(join(root, 'samples'), join(folder, 'samples'));
  process.chdir(folder);
  server = await startCli(['start', '--port', '0']);
}, 120_000);

afterAll(async () => {
  await server?.stop();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

test('the page shows commands with what they print', () => {
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.filter(({ line, output }) => !/\bnpx annal /.test(line) || output.length === 0)).toEqual([]);
});

// One after the other: what is published is verified.
test.each(shown)('$line', { timeout: 60_000 }, async ({ line, output }) => {
  const [, stdin = '', command] = /^(?:echo '([^']*)' \| )?npx annal (.*)$/.exec(line)!;
  const { code, stdout, stderr } = await cli(wordsOf(command!), { stdin });
  expect(code, stderr).toBe(0);
  const printed = `${stdout}\n${stderr}`.split('\n').map(steady);
  const expected = output.filter((text) => text.trim() !== '' && text.trim() !== '…').map(steady);
  expect(
    expected.filter((text) => !printed.includes(text)),
    printed.join('\n'),
  ).toEqual([]);
});
