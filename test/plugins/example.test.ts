import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StartedCli, startCli } from '../given/cli-server.ts';
import { loggedAt } from '../given/logged.ts';
import { pluginProcess, publishedIn } from '../given/plugin-process.ts';

const urn = 'urn:li:dataset:(urn:li:dataPlatform:example,example.heartbeat,PROD)';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annal-example-'));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const serve = (port = '0'): Promise<StartedCli> =>
  startCli(['start', '--port', port, '--no-sample', '--data', join(folder, 'data')], {
    ANNAL_PARTITIONS: '1',
  });

const readiness = async (address: string): Promise<unknown> => {
  const answer = await fetch(`${address}/readyz`);
  return { status: answer.status, ...((await answer.json()) as object) };
};

describe('plugins/example', () => {
  test('tells a change only after it stands in the log; a server away, SIGKILL and SIGTERM lose and double nothing', async () => {
    let server = await serve();
    const { address } = server;
    const env = { ANNAL_URL: address };
    const count = (stdout: string): number => publishedIn(stdout).length;
    await using first = pluginProcess('example', env);
    await expect.poll(() => count(first.stdout())).toBeGreaterThanOrEqual(1);
    expect(await readiness(first.health()!)).toMatchObject({ status: 200, plugin: 'example', to: 'log' });

    await server.stop();
    await expect.poll(() => first.stderr()).toContain('SERVER_UNREACHABLE');
    expect(await readiness(first.health()!)).toMatchObject({
      ...{ status: 503, ready: false, reasons: [{ code: 'SERVER_UNREACHABLE' }], pending: 1 },
    });
    const before = count(first.stdout());
    server = await serve(new URL(address).port);
    await expect.poll(() => count(first.stdout())).toBeGreaterThan(before);
    expect(await first.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

    await using second = pluginProcess('example', env);
    await expect.poll(() => count(second.stdout())).toBeGreaterThanOrEqual(1);
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const told = [...publishedIn(first.stdout()), ...publishedIn(second.stdout())];
    const events = await loggedAt(address, [urn], ({ length }) => length >= told.length);
    await server.stop();
    const places = events.map(({ position }) => `log:${position}`);
    for (const { urn: of, place } of told) expect([of, places.includes(place)]).toEqual([urn, true]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(new Set(events.map(({ source }) => (source as { runId: string }).runId)).size).toBe(2);
  });

  test('that is told to stop while nobody answers says what is left, and fails', async () => {
    await using lone = pluginProcess('example', { ANNAL_URL: 'http://127.0.0.1:9', GRACE_SECONDS: '0' });
    await expect.poll(() => lone.stderr()).toContain('SERVER_UNREACHABLE');
    expect(await lone.end('SIGTERM')).toEqual({ code: 1, signal: null });
    expect(lone.stderr()).toContain('DRAIN_LATE: 1 changes');
    expect(publishedIn(lone.stdout())).toEqual([]);
  });

  test('that is told nothing says what is missing', async () => {
    await using lone = pluginProcess('example', {});
    expect(await lone.ended).toEqual({ code: 2, signal: null });
    expect(lone.stderr()).toContain('ANNAL_URL is missing');
  });
});
