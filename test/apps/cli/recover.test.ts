import { getEventListeners } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { KeptDrill } from '../../../src/streams/drill-report.ts';
import { cli } from '../../given/cli.ts';

const urn = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;

let dir: string;
let original: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'annal-recover-'));
  original = join(dir, 'original');
  await published(original, 'of the shop');
  // A verification waits for the archive to hold all of the log: publishing does not.
  await rootsOf(original);
  return () => rmSync(dir, { recursive: true, force: true });
});

/** A data folder with events of some kinds in it. */
async function published(data: string, description: string): Promise<void> {
  const events = [
    ...Array.from({ length: 20 }, (_, n) => ({
      ...{ urn: urn(`t${n}`), aspect: 'datasetProperties', value: { name: `t${n}`, description } },
    })),
    { urn: urn('t1'), change: 'DELETE' },
    {
      ...{ urn: urn('t2'), aspect: 'datasetProperties', change: 'PATCH' },
      value: [{ op: 'add', path: '/description', value: 'patched' }],
    },
    { urn: urn('t3'), aspect: 'datasetProperties', value: { name: 'late' }, expect: 'absent' },
  ];
  const file = join(dir, 'events.ndjson');
  writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
  expect(await cli(['publish', file, '--data', data])).toMatchObject({ code: 0 });
}

async function rootsOf(data: string): Promise<unknown> {
  const roots: unknown[] = [];
  for (const name of ['entities', 'history', 'edges']) {
    const { code, stdout } = await cli(['verify', name, '--data', data, '-o', 'json']);
    expect(code).toBe(0);
    roots.push((JSON.parse(stdout) as { foundRoot: string }).foundRoot);
  }
  return roots;
}

/** A copy of which only some folders came through. */
function survived(...folders: readonly string[]): string {
  const copy = mkdtempSync(join(dir, 'survived-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const folder of folders) cpSync(join(original, folder), join(copy, folder), { recursive: true });
  return copy;
}

describe('from a copy', () => {
  test('archive and state alone bring everything back into another folder, and the log goes on', async () => {
    const [from, data] = [survived('archive', 'state'), survived()];
    const { signal } = new AbortController();
    const recovered = await cli(['recover', from, '--data', data, '--yes'], { signal });
    expect(recovered).toMatchObject({ code: 0 });
    // Whatever could be stopped is over: a timer that is left would keep the process.
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const roots = await rootsOf(original);
    expect(await rootsOf(data)).toEqual(roots);
    const told = await cli(['drill', 'report', '--data', data, '-o', 'json']);
    const { report, signedBy } = JSON.parse(told.stdout) as KeptDrill;
    expect(report).toMatchObject({ kind: 'recovery', result: 'proven', archive: from, into: data });
    expect(report.models.map(({ root }) => root)).toEqual(roots);
    expect(report.tookMs).toBeGreaterThan(0);
    expect(signedBy).toEqual([`annal/${report.log}`]);
    await published(data, 'afterwards');
    const { stdout } = await cli(['history', urn('t1'), '--data', data, '-o', 'json']);
    const [newest] = (JSON.parse(stdout) as { items: readonly { position: string }[] }).items;
    expect(newest!.position).toMatch(/^2-/);
  });
});

describe('in place', () => {
  test('an archive whose log is gone goes on in the next epoch, with the same read models', async () => {
    const data = survived('archive', 'state');
    expect(await cli(['verify', 'entities', '--data', data])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^annal: LOG_FORK.*\n.*annal recover --in-place/),
    });
    const unsaid = await cli(['recover', '--in-place', '--data', data]);
    expect(unsaid).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT_CONFIRMED') });
    const recovered = await cli(['recover', '--in-place', '--data', data, '--yes', '-o', 'json']);
    expect(recovered).toMatchObject({ code: 0 });
    const { built, opens } = JSON.parse(recovered.stdout) as {
      built: readonly { root: string }[];
      opens: number;
    };
    expect(opens).toBe(2);
    expect(built.map(({ root }) => root)).toEqual(await rootsOf(original));
    const listed = await cli(['drill', 'list', '--data', data, '-o', 'json']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ items: [{ kind: 'recovery', result: 'proven' }] });
    expect(await rootsOf(data)).toEqual(await rootsOf(original));
    await published(data, 'afterwards');
    expect(await cli(['recover', '--in-place', '--data', data, '--yes'])).toMatchObject({ code: 4 });
  });

  test('a log of as many other records is not the one that was archived', async () => {
    const data = survived('archive', 'state');
    const other = join(dir, 'other');
    mkdirSync(other);
    await published(other, 'of somebody else');
    cpSync(join(other, 'log'), join(data, 'log'), { recursive: true });
    const recovered = await cli(['recover', '--in-place', '--data', data, '--yes']);
    expect(recovered.code, recovered.stderr).toBe(0);
    expect(recovered.stderr).toMatch(/annal\.e1 holds another record at \d+ in partition \d/);
    expect(await rootsOf(data)).toEqual(await rootsOf(original));
  });

  test('a log that is whole is left alone, whatever else is lost', async () => {
    const data = survived('archive', 'state', 'log');
    const refused = await cli(['recover', '--in-place', '--data', data, '--yes']);
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('LOG_PRESENT') });
    expect(await rootsOf(data)).toEqual(await rootsOf(original));
  });

  test('without an archive there is nothing to go on from, and a copy is not in place', async () => {
    expect((await cli(['recover', '--in-place', '--data', survived(), '--yes'])).code).toBe(3);
    expect((await cli(['recover', original, '--in-place', '--data', survived(), '--yes'])).code).toBe(2);
    expect((await cli(['recover', '--data', survived(), '--yes'])).code).toBe(2);
  });
});
