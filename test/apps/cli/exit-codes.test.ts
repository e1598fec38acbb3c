import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { commands } from '../../../src/apps/cli/commands.ts';
import { exitCodeOf, exitCodes, exitCodesAbout } from '../../../src/apps/cli/exit-codes.ts';
import { readConfig } from '../../../src/apps/config.ts';
import { openAnnal } from '../../../src/apps/open-annal.ts';
import { faults } from '../../../src/domain/fault.ts';
import { versionOf } from '../../../src/domain/position.ts';
import { entities } from '../../../src/projections/entities.ts';
import { withClaim } from '../../../src/streams/claim.ts';
import { cli } from '../../given/cli.ts';
import { type StartedCli, startCli } from '../../given/cli-server.ts';

const urn = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';
const event = { urn, aspect: 'datasetProperties', value: { name: 'orders' } };
const bin = join(import.meta.dirname, '../../../bin/annal.js');

let dir: string;
let data: string;
const inFolder = (...words: string[]) => cli([...words, '--data', data]);
const file = (name: string, ...lines: readonly unknown[]): string => {
  writeFileSync(join(dir, name), lines.map((line) => JSON.stringify(line)).join('\n'));
  return join(dir, name);
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-ends-'));
  data = join(dir, 'data');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the table names every exit code once', () => {
  expect(exitCodesAbout.map(([code]) => code)).toEqual(Object.values(exitCodes));
});

test('no fault ends well', () => {
  for (const code of Object.keys(faults)) expect(exitCodeOf(code, 200), code).toBeGreaterThan(0);
});

test('what somebody wrote wrongly ends with 2, whatever it was', () => {
  for (const code of ['CUT_INVALID', 'MOMENT_INVALID', 'POSITION_INVALID', 'QUERY_INVALID', 'URN_INVALID'])
    expect(exitCodeOf(code, 400), code).toBe(exitCodes.usage);
});

test('an answer without a code of ours is judged by its status', () => {
  expect([401, 403, 404, 409, 412, 500].map((status) => exitCodeOf('SOMETHING', status))).toEqual([
    5, 5, 3, 4, 4, 1,
  ]);
});

/** Nobody runs: each command takes the folder for itself. */
describe('in a data folder without a server', () => {
  test('3: there is nothing to read yet, and reading makes nothing', async () => {
    for (const words of [['search', 'x'], ['log'], ['show', urn], ['scan', dir, '--dry-run']])
      expect(await inFolder(...words)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('DATA_EMPTY'),
      });
    expect(await inFolder('doctor')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('not there yet'),
    });
  });

  test('0: what was published is found by the next command', async () => {
    expect((await inFolder('publish', file('one.ndjson', event))).code).toBe(0);
    const found = await inFolder('search', 'orders', '-o', 'json');
    expect(found).toMatchObject({ code: 0 });
    expect(JSON.parse(found.stdout)).toMatchObject({ total: 1, items: [{ urn }] });
  });

  test('1: a part was refused; nothing was there to publish; a folder without tables', async () => {
    expect((await inFolder('publish', file('two.ndjson', event, { ...event, aspect: 'none' }))).code).toBe(1);
    expect((await inFolder('publish', file('none.ndjson'))).code).toBe(1);
    mkdirSync(join(dir, 'no-tables'));
    expect(await inFolder('scan', join(dir, 'no-tables'))).toMatchObject({ code: 1 });
  });

  test('1: deletions were held, and confirmed they are not', async () => {
    const lake = join(dir, 'lake');
    mkdirSync(lake);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(lake, `${name}.csv`), 'id,name\n1,x\n');
    expect((await inFolder('scan', lake)).code).toBe(0);
    expect((await inFolder('scan', lake, '-o', 'json')).stdout).toContain('"items":[]');
    rmSync(join(lake, 'a.csv'));
    rmSync(join(lake, 'b.csv'));
    const held = await inFolder('scan', lake);
    expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('SCAN_DELETIONS_HELD: 2 of 3') });
    expect((await inFolder('scan', lake, '--allow-deletions')).code).toBe(0);
    expect((await inFolder('search', '--platform', 'file', '-o', 'json')).stdout).toContain('"total":1');
  });

  test('2: a rebuild nobody confirmed changes nothing', async () => {
    const index = async () => (await inFolder('projections', '-o', 'json')).stdout;
    const before = await index();
    for (const words of [
      ['rebuild', 'entities'],
      ['rebuild', '--all'],
    ])
      expect(await inFolder(...words)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('NOT_CONFIRMED'),
      });
    const asked = (stdin: string) => cli(['rebuild', 'entities', '--data', data], { columns: 100, stdin });
    expect(await asked('n\n')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Rebuild entities? (y/N)'),
    });
    expect(await index()).toBe(before);
    expect((await asked('y\n')).code).toBe(0);
    expect(await index()).not.toBe(before);
  });

  test('4: recovery goes into an empty folder only', async () => {
    expect((await inFolder('recover', data, '--yes')).code).toBe(4);
  });

  test('0: what was recovered is what was there', async () => {
    const copy = join(dir, 'copy');
    expect((await cli(['recover', join(data, 'archive'), '--data', copy, '--yes'])).code).toBe(0);
    const show = async (from: string) => {
      const { stdout } = await cli(['show', urn, '-o', 'json', '--data', from]);
      const { cut, ...entity } = JSON.parse(stdout) as { cut: string };
      return entity;
    };
    expect(await show(copy)).toEqual(await show(data));
  });

  test('6: a forged document is named', async () => {
    expect((await inFolder('verify', 'entities')).code).toBe(0);
    {
      const config = readConfig({}, { data });
      const roles = { archiver: false, projector: false, intake: false };
      await using opened = await openAnnal({ config, roles, say: () => undefined });
      const index = await opened.runtime.model.serving(entities.definition);
      const version = versionOf({ epoch: 1, offset: 0 });
      const forged = {
        id: 'urn:li:tag:forged',
        version,
        body: Buffer.from('{"urn":"forged"}'),
        search: null,
      };
      await index!.store([forged], version);
    }
    const { code, stdout, stderr } = await inFolder('verify', 'entities', '-o', 'json');
    expect(code).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({
      equal: false,
      differences: [{ id: 'urn:li:tag:forged', what: 'extra' }],
    });
    expect(stderr).toContain('annal rebuild entities');
    const repaired = await inFolder('verify', 'entities', '--repair', '-o', 'json');
    expect(repaired.code).toBe(0);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ equal: true, repair: { written: 0, removed: 1 } });
    expect(repaired.stderr).toContain('0 documents written anew, 1 removed');
    expect((await inFolder('verify', 'entities')).code).toBe(0);
  });
});

describe('at a server that knows its callers', () => {
  let server: StartedCli;
  const as = (token: string, ...words: string[]) =>
    cli([...words, '--data', data], { env: { ANNAL_TOKEN: token } });

  beforeAll(async () => {
    const caller = (name: string, ...actions: string[]) => ({
      name,
      sha256: hash('sha256', `${name}-token-of-enough-length`),
      grants: [{ actions, namespace: '*' }],
    });
    const tokens = join(dir, 'tokens.json');
    writeFileSync(
      tokens,
      JSON.stringify([caller('reader', 'read'), caller('operator', 'read', 'publish', 'operate')]),
    );
    server = await startCli(['start', '--port', '0', '--data', data], { ANNAL_TOKENS_FILE: tokens });
  }, 60_000);

  afterAll(() => server?.stop());

  const [reader, operator] = ['reader-token-of-enough-length', 'operator-token-of-enough-length'];

  test('5: who is not known, and who may not', async () => {
    expect((await as('', 'search', 'orders')).code).toBe(5);
    expect((await as('nobody', 'search', 'orders')).code).toBe(5);
    expect((await as(reader, 'search', 'orders')).code).toBe(0);
    expect((await as(reader, 'publish', file('three.ndjson', event))).code).toBe(5);
    expect((await as(reader, 'rebuild', 'entities', '--yes')).code).toBe(5);
    expect((await as(operator, 'rebuild', 'entities', '--plan')).code).toBe(0);
  });

  test('4: a second process is told where the first one is', async () => {
    const second = await cli(['start', '--port', '0', '--data', data]);
    expect(second).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`already running at ${server.address}`),
    });
  });

  test('4: of several rebuilds one is refused, and what was swapped before is told all the same', async () => {
    await using store = folderArchive({ dir: data });
    const claim = { state: store.state, clock: systemClock, projection: 'history' };
    const { code, stdout, stderr } = await withClaim(claim, { id: 'somebody', kind: 'verify' }, () =>
      as(operator, 'rebuild', '--all', '--yes', '-o', 'json'),
    );
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('REBUILD_RUNNING') });
    const { items } = JSON.parse(stdout) as { items: { projection: string; index: string }[] };
    expect(items.map(({ projection }) => projection)).toEqual(['entities']);
    const { stdout: shown } = await as(operator, 'projections', '-o', 'json');
    expect(shown).toContain(items[0]!.index);
  });

  test('3: an entity, a projection that nobody knows', async () => {
    expect((await as(reader, 'show', 'urn:li:tag:none')).code).toBe(3);
    expect((await as(operator, 'verify', 'none')).code).toBe(3);
    expect((await as(reader, 'errors', 'NONE')).code).toBe(3);
  });

  test('1: a server that is not there', async () => {
    const gone = await cli(['log', '--url', 'http://127.0.0.1:9']);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('SERVER_UNREACHABLE') });
  });

  test('130, 141: as processes of their own, stopped and left alone', { timeout: 60_000 }, async () => {
    const env = { PATH: process.env.PATH ?? '', ANNAL_URL: server.address, ANNAL_TOKEN: reader };
    const following = spawn(process.execPath, [bin, 'log', '--follow', '-o', 'ndjson'], { env });
    await once(following.stdout, 'data');
    following.kill('SIGINT');
    expect(await once(following, 'exit')).toEqual([130, null]);

    const left = spawn(process.execPath, [bin, 'log', '--follow', '-o', 'ndjson'], { env });
    await once(left.stdout, 'data');
    left.stdout.destroy();
    expect(
      (await as(operator, 'publish', file('four.ndjson', { ...event, urn: `${urn.slice(0, -6)}2,PROD)` })))
        .code,
    ).toBe(0);
    expect(await once(left, 'exit')).toEqual([141, null]);
  });
});

test('every command is in the table of commands once', () => {
  const names = commands.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
