import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { giveWay } from '../give-way.ts';

// Half of a short command is compiling its modules: Node keeps what it compiled, by content. No place to write, no cache.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/annal', import.meta.url)));
// Whoever is asked something on this machine goes before a rebuild or a drill, which take all the time that is left.
if (process.argv.slice(2).some((word) => ['rebuild', 'drill'].includes(word))) giveWay();
const { exitCodes } = await import('./exit-codes.ts');
const { outputClosed, runCli } = await import('./run-cli.ts');

const stopping = new AbortController();

/** A terminal signals every process of the group, so one Ctrl-C may arrive twice: once more through the launcher. */
const sameSignalMs = 500;
const leaveMs = 500;
let stoppedAtMs = 0;

// The first Ctrl-C ends work in order; who presses it again means it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    if (!stopping.signal.aborted) {
      stoppedAtMs = performance.now();
      stopping.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
    } else if (performance.now() - stoppedAtMs > sameSignalMs) process.exit(exitCodes.interrupted);
  });

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stopping.abort(outputClosed);
});

const code = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stopping.signal,
});
process.exitCode = code;
// Whoever was told to stop has had time for it: a connection that hangs keeps nobody here.
if (stopping.signal.aborted) setTimeout(() => process.exit(), leaveMs).unref();
