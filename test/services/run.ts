import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { addressVariables, type ServerKind } from './addresses.ts';
import type { RunningServer } from './running-server.ts';
import { startServer } from './servers.ts';

const kinds = Object.keys(addressVariables) as ServerKind[];
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
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

/** Runs the tests of project `services` and answers vitest's exit code; a signal to this process goes on to vitest. */
function runTests(servers: readonly RunningServer[]): Promise<number> {
  const given = servers.map(({ kind, address }) => [addressVariables[kind], address]);
  const args = [vitest, 'run', '--project', 'services', ...process.argv.slice(2)];
  const env = { ...process.env, ...Object.fromEntries(given) };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => child.kill(name));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}

// Until the tests run, a signal ends this process at once; the watcher of each server then cleans up behind it.
const outcomes = await Promise.allSettled(kinds.map(startAndTell));
const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
const failures = outcomes.flatMap((outcome) =>
  outcome.status === 'rejected' ? [messages(outcome.reason)] : [],
);
try {
  for (const failure of failures) process.stderr.write(`\nA server is missing. ${failure}\n`);
  process.exitCode = failures.length > 0 ? 1 : await runTests(servers);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
