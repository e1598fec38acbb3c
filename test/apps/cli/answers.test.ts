import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { visible } from '../../../src/apps/cli/print.ts';
import { cli } from '../../given/cli.ts';
import { type StartedCli, startCli } from '../../given/cli-server.ts';

const orders = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';
/** What a terminal would obey: it must come out of no command as it went in. */
const hostile = 'or\u001b[31mders\u0007\u009b2J\u202e';

let dir: string;
let server: StartedCli;
const at = (...args: string[]) => cli([...args, '--data', join(dir, 'data')]);
const file = (name: string, ...lines: readonly (string | object)[]): string => {
  const path = join(dir, name);
  writeFileSync(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return path;
};
const properties = (urn: string, name: string) => ({ urn, aspect: 'datasetProperties', value: { name } });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'annal-cli-'));
  server = await startCli(['start', '--no-sample', '--port', '0', '--data', join(dir, 'data')]);
  const events = file(
    'events.ndjson',
    properties(orders, hostile),
    { urn: orders, aspect: 'globalTags', value: { tags: [{ tag: 'urn:li:tag:tier-1' }] } },
    properties(orders.replace('orders', 'customers'), 'customers'),
  );
  expect(await at('publish', events)).toMatchObject({ code: 0 });
  const shown = async () =>
    (JSON.parse((await at('search', '-o', 'json')).stdout) as { total: number }).total;
  await vi.waitUntil(async () => (await shown()) === 2, { timeout: 20_000 });
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const asking: readonly (readonly string[])[] = [
  ['search', 'shop'],
  ['search', 'nothing-has-this-name'],
  ['show', orders],
  ['show', orders, '--as-of', '1s'],
  ['show', 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.other,PROD)'],
  ['show', 'nonsense'],
  ['show', `urn:li:tag:${hostile}`],
  ['search', hostile, '--type', hostile],
  ['log', '--since', hostile],
  [hostile],
  ['history', orders],
  ['history', orders, '--aspect', 'globalTags'],
  ['log'],
  ['log', '--since', '1h', '--limit', '1'],
  ['log', '--since', '@9-0-0'],
  ['projections'],
  ['rebuild', 'entities', '--plan'],
  ['rebuild', 'entities'],
  ['rebuild', 'nothing', '--yes'],
  ['verify', 'nothing'],
  ['publish', 'no-such-file'],
  ['scan', 'no-such-folder'],
  ['recover', 'no-such-archive', '--yes'],
  ['config', 'explain'],
  ['errors'],
  ['nonsense'],
];

test.each(
  asking.map((words) => ({ line: visible(words.join(' ')), words })),
)('annal $line: JSON always parses, nothing steers a terminal', async ({ words }) => {
  const json = await at(...words, '--output', 'json');
  expect(json.stdout).toMatch(/\n$/);
  const told: unknown = JSON.parse(json.stdout);
  expect(told).toBeTypeOf('object');
  if (json.code !== 0) expect(told).toHaveProperty('code');
  const lines = (await at(...words, '--output', 'ndjson')).stdout.split('\n').slice(0, -1);
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  const table = await at(...words);
  expect(table.code).toBe(json.code);
  for (const text of [table.stdout, table.stderr, json.stderr])
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('search prints exactly what the API answers', async () => {
  const answer = await fetch(`${server.address}/v1/search?q=shop&type=dataset&limit=5`);
  const { stdout } = await at('search', 'shop', '--type', 'dataset', '--limit', '5', '-o', 'json');
  expect(stdout).toBe(`${await answer.text()}\n`);
});

test('a value comes out as it went in, one line an item', async () => {
  const odd = orders.replace('orders', 'odd');
  const value = '{"name":"odd","customProperties":{"a":"1.0","b":"\\u00e9\\/"},"x":1.0,"y":1e3}';
  const events = file('odd.ndjson', `{"urn":"${odd}","aspect":"datasetProperties","value":${value}}`);
  expect((await at('publish', events)).code).toBe(0);
  const shown = async () => (await at('log', '--urn', odd, '-o', 'ndjson')).stdout;
  await expect.poll(shown, { timeout: 10_000 }).toContain(`"value":${value}`);
});

test('in a terminal what is long gives way, but never the URN; colours only there', async () => {
  const args = ['search', 'customers', '--data', join(dir, 'data')];
  const narrow = await cli(args, { columns: 40 });
  expect(narrow.stdout).toContain(orders.replace('orders', 'customers'));
  expect(narrow.stdout).toContain('\u001b[1m');
  for (const plain of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    expect((await cli(args, { columns: 40, env: plain })).stdout).not.toContain('\u001b[');
  expect((await cli([...args, '--no-color'], { columns: 40 })).stdout).not.toContain('\u001b[');
  expect((await cli([...args, '--quiet'])).stderr).toBe('');
});

test('the range that was meant is told in UTC, and a position names a moment', async () => {
  const { stderr } = await at('log', '--since', '2h', '--until', '2026-01-01');
  expect(stderr).toMatch(/^from \d{4}-\d{2}-\d{2}T[\d:.]+Z until before 2026-01-01T00:00:00.000Z \(UTC/m);
  const first = JSON.parse((await at('log', '--limit', '1', '-o', 'ndjson')).stdout) as { position: string };
  const since = await at('log', '--since', `@${first.position}`, '-o', 'ndjson');
  expect(since.code).toBe(0);
  expect(since.stdout).toContain(`"position":"${first.position}"`);
});

test('follows the log: what is there, then what comes, each once', async () => {
  const urn = orders.replace('orders', 'followed');
  const stopping = new AbortController();
  const seen: string[] = [];
  const following = cli(
    ['log', '--follow', '--since', '1h', '--urn', urn, '-o', 'ndjson', '--data', join(dir, 'data')],
    {
      signal: stopping.signal,
      onStdout: (text) => {
        seen.splice(0, seen.length, ...text.trimEnd().split('\n'));
      },
    },
  );
  for (const name of ['a', 'b', 'c']) {
    expect((await at('publish', file(`${name}.ndjson`, properties(urn, name)))).code).toBe(0);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(name.charCodeAt(0) - 96);
  }
  stopping.abort();
  expect((await following).code).toBe(130);
  const names = seen.map((line) => (JSON.parse(line) as { value: { name: string } }).value.name);
  expect(names).toEqual(['a', 'b', 'c']);
});

test('bad lines are named, one by one; the rest goes on; again has no second effect', async () => {
  const urn = orders.replace('orders', 'lines');
  const events = file(
    'mixed.ndjson',
    properties(urn, 'first'),
    'not json',
    '',
    `{"urn":"${urn}","aspect":"datasetProperties","value":{"name":1e400}}`,
    `{"a":1},{"b":2}`,
    `${'['.repeat(600)}${']'.repeat(600)}`,
    `{"urn":"${urn}","aspect":"datasetProperties","value":${'{"a":'.repeat(550)}1${'}'.repeat(550)}}`,
    `{"urn":"${urn}","aspect":"unheardOf","value":{}}`,
    `{"urn":"${urn}","aspect":"datasetProperties","value":{"name":"a","name":"b"}}`,
    `{"urn":"${urn}","aspect":"datasetProperties","value":{"__proto__":{}}}`,
    'x'.repeat(9 * 2 ** 20),
    properties(urn, 'last'),
  );
  const first = await at('publish', events, '-o', 'json');
  expect(first.code).toBe(1);
  const told = JSON.parse(first.stdout) as {
    items: readonly { line: number; status: string; code?: string; position?: string; repeated?: true }[];
    appended: number;
    refused: number;
  };
  expect(told).toMatchObject({ appended: 2, refused: 9 });
  expect(told.items.map(({ line, code = 'appended' }) => [line, code])).toEqual([
    [1, 'appended'],
    [2, 'JSON_INVALID'],
    [4, 'NUMBER_LOSSY'],
    [5, 'JSON_INVALID'],
    [6, 'JSON_TOO_DEEP'],
    [7, 'JSON_TOO_DEEP'],
    [8, 'ASPECT_UNKNOWN'],
    [9, 'DUPLICATE_KEY'],
    [10, 'KEY_FORBIDDEN'],
    [11, 'BODY_TOO_LARGE'],
    [12, 'appended'],
  ]);
  for (const { line, code } of told.items)
    if (code !== undefined) expect(first.stderr).toMatch(new RegExp(`^line ${line}: ${code}`, 'm'));
  const again = JSON.parse((await at('publish', events, '-o', 'json')).stdout) as typeof told;
  expect(again.items.map(({ position }) => position)).toEqual(told.items.map(({ position }) => position));
  expect(again.items.filter(({ status }) => status === 'appended').every(({ repeated }) => repeated)).toBe(
    true,
  );
});

test('standard input, in batches of at most 500, in its order', async () => {
  const urn = orders.replace('orders', 'many');
  const stdin = Array.from({ length: 1_201 }, (_, n) => JSON.stringify(properties(urn, `n${n}`))).join(
    '\r\n',
  );
  const { code, stdout } = await cli(['publish', '-', '-o', 'ndjson', '--data', join(dir, 'data')], {
    stdin,
  });
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; position: string });
  expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 1_201 }, (_, n) => n + 1));
  const offsets = lines.map(({ position }) => Number(position.split('-')[2]));
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
});
