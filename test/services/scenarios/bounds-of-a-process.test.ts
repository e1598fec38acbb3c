import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type AnnalProcess, annal, spawned, startServing } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { archived } from './progress.ts';

// What a process does about itself: no server has a part in it.

async function folder(): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-bounds-'));
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 5 });
  return { dir, [Symbol.asyncDispose]: remove };
}

const rssMaxMiB = 512;

test('ten times as much from a log that is faster than its store takes no more memory', async () => {
  const flooded = async (mebibytes: number) => {
    const program = 'test/services/scenarios/flooded-archiver.ts';
    await using own = await folder();
    const { code, stdout, stderr } = await spawned(program, [own.dir, String(mebibytes), '4'], {}).ended;
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as { pulls: number; slowWrites: number; rssMiB: number };
  };
  const [once, tenfold] = [await flooded(32), await flooded(320)];
  expect(tenfold.pulls).toBeGreaterThanOrEqual(10 * once.pulls);
  expect(tenfold.slowWrites).toBeGreaterThan(8 * once.slowWrites);
  expect(tenfold.rssMiB).toBeLessThan(Math.min(once.rssMiB + 128, rssMaxMiB));
});

test.concurrent.each([
  ['a defect', 'defect', /a defect/, { code: 1 }],
  ['an error that nobody hears', 'rejection', /nobody listens/, { code: 1 }],
  ['the end of its memory', 'memory', /heap out of memory/, { signal: 'SIGABRT' }],
])('a process that meets %s ends at once and not well, and the next one goes on where it was', async (_, how, said, end) => {
  await using own = await folder();
  const env = {
    ANNAL_DATA: own.dir,
    ANNAL_PORT: '0',
    ANNAL_PARTITIONS: '1',
    ANNAL_ARCHIVE_FLUSH_SECONDS: '1',
  };
  const program = 'test/services/scenarios/failing-process.ts';
  const events = tableEvents(30).map((event) => ({ ...event, id: crypto.randomUUID() }));
  const publish = (to: AnnalProcess, from: number) => to.call('POST', '/v1/events', events.slice(from));
  await using failing = await startServing(program, [how], {
    ...env,
    NODE_OPTIONS: '--max-old-space-size=128',
  });
  expect((await publish(failing, 0)).body).toMatchObject({ appended: 30 });
  await archived(failing);
  process.kill(failing.pid, 'SIGUSR2');
  events.push(...tableEvents(10, 30).map((event) => ({ ...event, id: crypto.randomUUID() })));
  // Whether they are acknowledged before it ends or not.
  await publish(failing, 30).catch(() => undefined);
  const ended = await failing.ended;
  expect(ended).toMatchObject(end);
  expect(ended.stderr).toMatch(said);

  await using next = await startServing(program, ['none'], env);
  expect((await publish(next, 30)).body).toMatchObject({ refused: 0, unknown: 0 });
  await archived(next);
  expect(await next.stop()).toMatchObject({ code: 0 });
  const verified = await annal(['archive', 'verify', '--deep', '-o', 'json'], env);
  expect(verified.code, verified.stderr).toBe(0);
  expect(verified.stdout).toMatch(/"records":\s*40\b/);
});
