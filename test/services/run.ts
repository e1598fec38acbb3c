import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressVariables, eventHubVariable, type ServerKind } from './addresses.ts';
import { eventHubsForTests } from './event-hubs/manners.ts';
import { type EventHubsProxy, eventHubsProxy } from './event-hubs/proxy.ts';
import { killsIn, killsMin, killsVariable } from './kill-count.ts';
import { startReaper } from './native/reaper.ts';
import type { RunningServer } from './running-server.ts';
import { startServer } from './servers.ts';

const kinds = Object.keys(addressVariables) as ServerKind[];
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
/**
 * Who meets the broker through a proxy with the manners of Event Hubs: the scenarios by default; all tests (`event-hubs`); none
 * but those that make one for themselves (`kafka`).
 */
const kafkaAs = process.env.ANNAL_TEST_KAFKA_AS ?? 'both';
if (!['both', 'event-hubs', 'kafka'].includes(kafkaAs))
  throw new Error(`ANNAL_TEST_KAFKA_AS=${kafkaAs}: event-hubs, kafka or nothing`);
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
  const addresses = Object.fromEntries(servers.map(({ kind, address }) => [addressVariables[kind], address]));
  const broker = addresses[addressVariables.kafka]!;
  const hub = kafkaAs === 'kafka' ? undefined : stack.use(await eventHubsProxy(broker, eventHubsForTests));
  if (hub !== undefined) addresses[eventHubVariable] = hub.address;
  if (hub !== undefined && kafkaAs === 'event-hubs') addresses[addressVariables.kafka] = hub.address;
  const args = [vitest, 'run', '--project', 'services', ...process.argv.slice(2)];
  const folder = await mkdtemp(join(tmpdir(), 'annal-tests-'));
  const kills = join(folder, 'kills');
  const env = { ...process.env, ...addresses, [killsVariable]: kills, TMPDIR: folder };
  const reaper = startReaper(folder);
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit', detached: true });
  tests = child;
  reaper.watch(child.pid);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exit, signal) => resolve(exit ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  killGroup(child.pid!);
  const told = tellOf(hub, kills);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  reaper.done();
  return code === 0 && told !== undefined ? 1 : code;
}

/** Tells what came about besides the results of the tests; the reason where that is too little or too much. */
function tellOf(hub: EventHubsProxy | undefined, killsFile: string): string | undefined {
  const { count, told } = killsIn(killsFile);
  const closed = hub?.seen.filter(({ fate }) => fate === 'closed').length ?? 0;
  if (hub !== undefined)
    process.stdout.write(
      `${hub.seen.length} requests with the manners of Event Hubs, ${closed} closed their connection\n`,
    );
  process.stdout.write(`${told}\n`);
  const isWhole = process.argv.slice(2).every((arg) => /^--(?:reporter|outputFile)/.test(arg));
  const reason =
    closed > 0
      ? 'something asks what Event Hubs closes a connection for'
      : isWhole && count < killsMin
        ? `a whole run kills at least ${killsMin}`
        : undefined;
  if (reason !== undefined) process.stderr.write(`${reason}\n`);
  return reason;
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
