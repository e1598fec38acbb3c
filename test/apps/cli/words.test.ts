import { expect, test } from 'vitest';
import { commands } from '../../../src/apps/cli/commands.ts';
import { exitCodesAbout } from '../../../src/apps/cli/exit-codes.ts';
import { faults } from '../../../src/domain/fault.ts';
import { cli } from '../../given/cli.ts';

test('help lists every command and every exit code', async () => {
  const { code, stdout, stderr } = await cli(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  for (const { name } of commands) expect(stdout).toMatch(new RegExp(`^  ${name.split(' ')[0]} `, 'm'));
  for (const [exitCode, about] of exitCodesAbout)
    expect(stdout).toContain(`${String(exitCode).padEnd(4)} ${about}`);
});

test.each(commands)('help of $name says what it does and gives two examples', async ({
  name,
  about,
  examples,
}) => {
  const { code, stdout } = await cli([...name.split(' '), '--help']);
  expect(code).toBe(0);
  const words = (text: string) => text.replace(/\s+/g, ' ');
  expect(words(stdout)).toContain(words(about));
  expect(examples).toHaveLength(2);
  for (const { line } of examples) expect(stdout).toContain(`  $ ${line}\n`);
});

test.each([
  [['serach', 'x'], "unknown command 'serach'", 'Did you mean search?'],
  [['config', 'explan'], "unknown command 'explan'", 'Did you mean explain?'],
  [['search', '--tpye', 'x'], "unknown option '--tpye'", 'Did you mean --type?'],
  [['search', '--quite', 'x'], "unknown option '--quite'", 'Did you mean --quiet?'],
  [['--ouptut', 'json', 'log'], "unknown option '--ouptut'", 'Did you mean --output?'],
  [['show'], "missing required argument 'urn'", '--help'],
  [['publish', 'a', 'b'], 'too many arguments', '--help'],
  [['search', '-o', 'yaml'], "'yaml' is invalid", '--help'],
  [['log', '--since', 'yesterday'], 'names no moment', '`2h`'],
  [['log', '--follow', '--until', '1h'], '--follow', '--help'],
  [['log', '--follow', '-o', 'json'], '--follow', '--help'],
  [['log', '--limit', 'ten'], '--limit ten', '--help'],
  [['rebuild'], 'name one projection, or say --all', 'annal projections'],
  [['rebuild', 'entities', '--all'], 'name one projection, or say --all', 'annal projections'],
  [['run', 'everything'], '"everything" is no part', 'archiver, projector, api'],
  [['log', '--url', 'ftp://x'], '--url', '--help'],
  [['log', '--url', 'http://u:p@x'], 'password', 'ANNAL_TOKEN'],
  [['start', '--port', 'http'], 'the configuration has faults', '--port'],
])('%j is no command line: %s', async (args, detail, doThis) => {
  const { code, stdout, stderr } = await cli(args);
  expect(code).toBe(2);
  if (args.includes('-o') && args.includes('json'))
    expect(JSON.parse(stdout)).toMatchObject({ code: 'USAGE_INVALID' });
  else expect(stdout).toBe('');
  expect(stderr).toMatch(/^annal: [A-Z_]+: /);
  expect(stderr).toContain(detail);
  expect(stderr).toContain(doThis);
  expect(stderr).toMatch(/\n {2}→ /);
});

test.each([[[]], [['config']]])('%j shows its help as a failure', async (args) => {
  const { code, stdout, stderr } = await cli(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^Usage: annal/);
});

test('every code is explained, one that is not is looked for', async () => {
  const all = await cli(['errors', '--output', 'ndjson']);
  const told = all.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { code: string });
  expect(told.map(({ code }) => code)).toEqual(Object.keys(faults));
  const one = await cli(['errors', 'log_fork']);
  expect(one.stdout).toContain(faults.LOG_FORK.about);
  const none = await cli(['errors', 'LOG_FROK']);
  expect(none.code).toBe(3);
  expect(none.stderr).toContain('Did you mean LOG_FORK?');
});

test('config explain shows all of it, says what is wrong with it and keeps its secrets', async () => {
  const env = { ANNAL_BLOB_CONNECTION_STRING: 'AccountName=a;AccountKey=hunter2hunter2', ANNAL_PROT: '1' };
  const { code, stdout, stderr } = await cli(['config', 'explain', '--data', '/x/y', '-o', 'json'], { env });
  expect(code).toBe(2);
  expect(`${stdout}${stderr}`).not.toContain('hunter2');
  expect(stderr).toContain('ANNAL_PROT is no setting; did you mean "ANNAL_PORT"?'.replaceAll('"', ''));
  const { items } = JSON.parse(stdout) as { items: readonly { variable: string; source: string }[] };
  expect(items.find(({ variable }) => variable === 'ANNAL_DATA')).toMatchObject({
    source: 'flag',
    value: '/x/y',
  });
});
