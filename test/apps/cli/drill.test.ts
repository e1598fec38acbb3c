import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNote } from '../../../src/formats/note.ts';
import { parseVkey } from '../../../src/formats/note-key.ts';
import type { DrillReport } from '../../../src/streams/drill-report.ts';
import { cli } from '../../given/cli.ts';
import { type StartedCli, startCli } from '../../given/cli-server.ts';

const urn = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;

let dir: string;
let data: string;
let server: StartedCli;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'annal-drill-test-'));
  data = join(dir, 'data');
  server = await startCli(['start', '--port', '0', '--no-sample', '--data', data]);
  const events = Array.from({ length: 20 }, (_, n) => ({
    ...{ urn: urn(`t${n % 7}`), aspect: 'datasetProperties', value: { name: `t${n}` } },
  }));
  const file = join(dir, 'events.ndjson');
  writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
  expect(await cli(['publish', file, '--data', data])).toMatchObject({ code: 0 });
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const serving = (): string[] => readdirSync(join(data, 'read')).sort();
const reportOf = (stdout: string): DrillReport => JSON.parse(stdout) as DrillReport;

describe('a drill beside a server of the same folder', () => {
  test('proves what a recovery would bring back, keeps a signed report, and leaves nothing else', async () => {
    const before = serving();
    const ended = await cli(['drill', '--data', data, '-o', 'json']);
    expect(ended.code, ended.stderr).toBe(0);
    const report = reportOf(ended.stdout);
    expect(report).toMatchObject({ kind: 'drill', result: 'proven', fault: null });
    expect(report.models.map(({ projection }) => projection)).toEqual(['entities', 'history', 'edges']);
    for (const { live, root } of report.models) expect(live?.root).toBe(root);
    expect(report.tookMs).toBeGreaterThan(0);
    expect(report.notRecovered.length).toBeGreaterThan(0);
    expect(serving()).toEqual(before);
    expect(existsSync(join(data, 'drill', 'scratch'))).toBe(false);

    const listed = await cli(['drill', 'list', '--data', data, '-o', 'json']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ items: [{ id: report.id, result: 'proven' }] });
    const told = await cli(['drill', 'report', report.id, '--data', data, '-o', 'json']);
    const { note, markdown } = JSON.parse(told.stdout) as { note: string; markdown: string };
    const keys = readdirSync(join(data, 'archive', 'keys'));
    const vkey = readFileSync(join(data, 'archive', 'keys', keys[0]!), 'utf8').trimEnd();
    expect(openNote(Buffer.from(note), [parseVkey(vkey)]).known).toHaveLength(1);
    expect(markdown).toContain('which serves, has the same');
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    expect(metrics).toMatch(/^annal_drill_proven 1$/m);
    expect(metrics).toMatch(new RegExp(`^annal_drill_timestamp_seconds ${report.endedAt / 1_000}$`, 'm'));
  });

  test('clears away what a killed one left, and is refused while another one runs', async () => {
    const left = join(data, 'drill', 'scratch', 'read');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'left-by-a-killed-one'), 'x');
    const lock = new DatabaseSync(join(data, 'drill', 'owner.lock'), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    expect(await cli(['drill', '--data', data])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('ALREADY_RUNNING'),
    });
    expect(existsSync(join(left, 'left-by-a-killed-one'))).toBe(true);
    lock.close();
    expect((await cli(['drill', '--data', data])).code).toBe(0);
    expect(existsSync(join(data, 'drill', 'scratch'))).toBe(false);
  });

  test('ends with 6 where what serves is the same and a search does not find it', async () => {
    const file = serving().find((name) => /^entities-.*\.sqlite$/.test(name))!;
    const database = new DatabaseSync(join(data, 'read', file), { timeout: 10_000 });
    database.exec("UPDATE docs SET k_platform = 'nonsense' WHERE k_platform IS NOT NULL");
    database.close();
    const ended = await cli(['drill', '--data', data, '-o', 'json']);
    expect(ended.code, ended.stderr).toBe(6);
    const { result, models } = reportOf(ended.stdout);
    expect(result).toBe('differs');
    expect(models[0]!.live).toMatchObject({ root: models[0]!.root, unsearchable: 7 });
  });

  test('ends with 6 where what serves is another one than the archive brings back', async () => {
    const file = serving().find((name) => /^entities-.*\.sqlite$/.test(name))!;
    const database = new DatabaseSync(join(data, 'read', file), { timeout: 10_000 });
    database.exec("UPDATE bodies SET body = CAST(replace(CAST(body AS TEXT), 't19', 't18') AS BLOB)");
    database.close();
    const ended = await cli(['drill', '--data', data, '-o', 'json']);
    expect(ended.code, ended.stderr).toBe(6);
    const report = reportOf(ended.stdout);
    expect(report.result).toBe('differs');
    const [entities, history] = report.models;
    expect(entities!.live!.root).not.toBe(entities!.root);
    expect(history!.live!.root).toBe(history!.root);
    expect(await (await fetch(`${server.address}/metrics`)).text()).toMatch(/^annal_drill_proven 0$/m);
  });

  test('ends with 1 where the archive does not bring everything back, and says so in a report too', async () => {
    const tails = readdirSync(join(data, 'state', 'tail', 'annal', '1'));
    for (const tail of tails) {
      const file = join(data, 'state', 'tail', 'annal', '1', tail);
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0xff, bytes.length - 40));
    }
    const ended = await cli(['drill', '--data', data, '-o', 'json']);
    expect(ended.code, ended.stderr).toBe(1);
    const report = reportOf(ended.stdout);
    expect(report).toMatchObject({ result: 'failed', fault: { code: expect.stringMatching(/^[A-Z_]+$/) } });
    const listed = await cli(['drill', 'list', '--data', data, '-o', 'json']);
    expect((JSON.parse(listed.stdout) as { items: object[] }).items[0]).toMatchObject({ id: report.id });
    expect(existsSync(join(data, 'drill', 'scratch'))).toBe(false);
  });

  test('wrong words change nothing', async () => {
    for (const every of ['0h', '24', '2w', '9999d'])
      expect((await cli(['drill', '--every', every, '--data', data])).code).toBe(2);
    expect((await cli(['drill', 'report', 'none', '--data', data])).code).toBe(3);
  });
});
