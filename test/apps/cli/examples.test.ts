import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../../src/apps/cli/commands.ts';
import { cli } from '../../given/cli.ts';
import { type StartedCli, startCli } from '../../given/cli-server.ts';

/** The lines below `Examples:` in a help text, as somebody would copy them. */
const harvested = (help: string): string[] =>
  [...help.matchAll(/^ {2}\$ annal (.+)$/gm)].map(([, line]) => line!);

/** Words of a shell line: single quotes are all that examples need. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

/** Run until they are stopped: each is started here as it stands, and asked to stop once it serves. */
const serving = new Set(['start']);
/** Their servers are not here: what they say about that is their example of a failure. */
const needServers = new Set(['run']);
/** Of these, only the plan is shown without a broker. */
const needBroker = /^restore (?!.*--plan)/;
/** Examples that show how nothing happens. */
const unconfirmed = /^recover (?!.*--yes)/;
/** What others stand on goes first. */
const first = ['init', 'scan', 'publish'];

const home = process.cwd();
let folder: string;
let server: StartedCli;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'annal-examples-'));
  symlinkSync(join(home, 'samples'), join(folder, 'samples'));
  process.chdir(folder);
  server = await startCli(['start', '--port', '0', '--no-sample']);
}, 60_000);

afterAll(async () => {
  await server?.stop();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

const inOrder = [...commands].sort((a, b) => Number(first.includes(b.name)) - Number(first.includes(a.name)));

describe('examples of --help run as they stand', () => {
  test.each(inOrder)('$name', { timeout: 60_000 }, async ({ name }) => {
    const { stdout: help } = await cli([...name.split(' '), '--help']);
    const lines = harvested(help);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      if (serving.has(name)) {
        // The sample is copied by a test of its own: here it would take the most time of all.
        const started = await startCli([
          ...wordsOf(line),
          '--no-sample',
          '--port',
          '0',
          '--data',
          `./${name}`,
        ]);
        expect((await started.stop()).code, line).toBe(0);
        continue;
      }
      // What was published a moment ago shows as soon as the projections have it.
      if (name === 'show')
        await expect.poll(async () => (await cli(wordsOf(line))).code, { timeout: 20_000 }).toBe(0);
      const { code, stdout, stderr } = await cli(wordsOf(line));
      const expected = needServers.has(name) || needBroker.test(line) || unconfirmed.test(line) ? 2 : 0;
      expect(code, `annal ${line}\n${stdout}\n${stderr}`).toBe(expected);
      if (expected === 0) expect(stdout, line).not.toBe('');
    }
  });
});

test('a server answers at its own address, without a data folder', async () => {
  const elsewhere = await cli(['projections', '--data', './none', '--url', server.address, '-o', 'json']);
  expect(elsewhere.code).toBe(0);
  expect(JSON.parse(elsewhere.stdout)).toMatchObject({ items: [{}, {}, {}] });
});
