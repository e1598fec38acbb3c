import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressVariables, type ServerKind } from './addresses.ts';
import { eventHubsForTests } from './event-hubs/manners.ts';
import { eventHubsProxy } from './event-hubs/proxy.ts';
import { startReaper } from './native/reaper.ts';
import type { RunningServer } from './running-server.ts';
import { startServer } from './servers.ts';

const kinds = Object.keys(addressVariables) as ServerKind[];
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
/** All tests meet the broker through a proxy with the manners of Event Hubs. */
const isAsEventHubs = process.env.ANNAL_TEST_KAFKA_AS === 'event-hubs';
const root = fileURLToPath(new URL('../..', import.meta.url));

const messages = (error: unknown): string =>
  error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : [`because: ${messages(error.cause)}`])].join('\n')
    : String(error);

/** Starts one server and prints one line: its name, the route taken, what it tells of itself, the seconds it took. */
async function startAndTell(kind: ServerKind): Promise<RunningServer> {
  const begun = performance.now();
  const server = await startServer(kind);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  process.stdout.write(`${kind.padEnd(13)} ${server.route.padEnd(14)} ${server.version} · ${seconds} s\n`);
  return server;
}

let tests: ChildProcess | undefined;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Before the tests it ends this process, and the watcher of each server cleans up; during them, vitest ends them.
  process.on(name, () => (tests ? tests.kill(name) : process.exit(128 + constants.signals[name])));
}

/**
 * Runs the tests of project `services` with the servers' addresses and answers vitest's exit code. All temporary
 * folders of the tests stand in one, and vitest's workers are in one process group: neither outlives the run.
 */
async function runTests(servers: readonly RunningServer[]): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const addressOf = async ({ kind, address }: RunningServer): Promise<string> =>
    kind === 'kafka' && isAsEventHubs
      ? stack.use(await eventHubsProxy(address, eventHubsForTests)).address
      : address;
  const addresses = await Promise.all(
    servers.map(async (server) => [addressVariables[server.kind], await addressOf(server)] as const),
  );
  const args = [vitest, 'run', '--project', 'services', ...process.argv.slice(2)];
  const folder = await mkdtemp(join(tmpdir(), 'annal-tests-'));
  const env = { ...process.env, ...Object.fromEntries(addresses), TMPDIR: folder };
  const reaper = startReaper(folder);
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit', detached: true });
  tests = child;
  reaper.watch(child.pid);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exit, signal) => resolve(exit ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  killGroup(child.pid!);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  reaper.done();
  return code;
}

/** Workers may outlive vitest when it was told to end. */
function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const outcomes = await Promise.allSettled(kinds.map(startAndTell));
const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
const failures = outcomes.flatMap((outcome, at) =>
  outcome.status === 'rejected' ? [`${kinds[at]} is missing: ${messages(outcome.reason)}`] : [],
);
try {
  for (const failure of failures) process.stderr.write(`\n${failure}\n`);
  process.exitCode = failures.length > 0 ? 1 : await runTests(servers);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
