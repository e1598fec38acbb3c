import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cli } from '../../given/cli.ts';

// Each command opens and closes a data folder: a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-epochs-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t${n},PROD)`;

/** A data folder with events in it, and the command line over it. */
async function folder(name: string) {
  const data = join(dir, name);
  const run = (...words: string[]) => cli([...words, '--data', data]);
  const publish = async (from: number): Promise<number> => {
    const file = join(dir, `${name}-${from}.ndjson`);
    const events = Array.from({ length: 10 }, (_, n) => ({
      ...{ urn: urn(from + n), aspect: 'datasetProperties', value: { name: `t${from + n}` } },
    }));
    writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
    return (await run('publish', file)).code;
  };
  expect(await publish(0)).toBe(0);
  return { data, run, publish };
}

const json = (stdout: string) => JSON.parse(stdout);

test('close, then open with other partitions; every step tells what it did, and again it does nothing', async () => {
  const { run, publish } = await folder('turned');
  const unsaid = await run('epoch', 'close');
  expect(unsaid).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('NOT_CONFIRMED') });
  expect(unsaid.stderr).toContain('ENDS EPOCH');
  expect(
    json((await run('epoch', 'open', '--partitions', '7', '--plan', '-o', 'json')).stdout),
  ).toMatchObject({
    plan: { epoch: 1, opens: { epoch: 2, partitions: 7 }, done: false },
  });
  const closed = await run('epoch', 'close', '--yes', '-o', 'json');
  expect(closed.code, closed.stderr).toBe(0);
  expect(json(closed.stdout)).toMatchObject({ epoch: 1, events: 10, opened: null });
  expect(await publish(10)).toBe(1);
  expect((await run('epoch', 'list')).stdout).toMatch(/^1 +annal\.e1 +4 +closed /m);
  for (let times = 0; times < 2; times += 1) {
    const opened = await run('epoch', 'open', '--after', '1', '--partitions', '7', '--yes', '-o', 'json');
    expect(opened.code, opened.stderr).toBe(0);
    expect(json(opened.stdout)).toMatchObject({ epoch: 1, events: 10, opened: { epoch: 2, partitions: 7 } });
  }
  expect(await run('epoch', 'open', '--after', '1', '--partitions', '8', '--yes')).toMatchObject({
    ...{ code: 4, stderr: expect.stringContaining('EPOCH_TAKEN') },
  });
  expect(await publish(10)).toBe(0);
  expect(await run('init', '--partitions', '9')).toMatchObject({
    ...{ code: 4, stderr: expect.stringContaining('annal epoch open --partitions 9') },
  });
  expect(json((await run('verify', 'entities', '-o', 'json')).stdout)).toMatchObject({
    equal: true,
    documents: 20,
  });
});

describe('a log that is lost', () => {
  test('its epoch ends where the archive does, what is lost is stated, and the log goes on', async () => {
    const { data, run, publish } = await folder('lost');
    expect((await run('verify', 'entities')).code).toBe(0);
    expect(await run('epoch', 'open', '--lost', '--yes')).toMatchObject({
      ...{ code: 4, stderr: expect.stringContaining('LOG_PRESENT') },
    });
    rmSync(join(data, 'log'), { recursive: true });
    expect(await run('epoch', 'open', '--yes')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('LOG_FORK') },
    });
    rmSync(join(data, 'log'), { recursive: true });
    const planned = await run('epoch', 'open', '--lost', '--plan');
    expect(planned.stdout).toContain('annal.e1 is missing');
    expect(planned.stdout).toContain('up to 10 s before the loss');
    const opened = await run('epoch', 'open', '--lost', '--yes', '--partitions', '2');
    expect(opened.code, opened.stderr).toBe(0);
    expect(opened.stdout).toMatch(/^epoch 1 ends at 1:[0-9.]+: 10 events, the last one of 2/);
    expect(await publish(10)).toBe(0);
    expect((await run('epoch', 'list')).stdout).toMatch(/^1 +annal\.e1 +4 +ended, topic lost /m);
    expect(json((await run('verify', 'history', '-o', 'json')).stdout)).toMatchObject({ equal: true });
  });
});

test('words that mean no epoch are refused before anything is asked', async () => {
  for (const words of [
    ['epoch', 'open', '--partitions', '0'],
    ['epoch', 'open', '--partitions', '513'],
    ['epoch', 'close', '--after', '512'],
    ['epoch', 'close', '--partitions', '3'],
  ])
    expect((await cli([...words, '--data', join(dir, 'none')])).code).toBe(2);
});
