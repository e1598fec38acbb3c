import { exitCodes } from './exit-codes.ts';
import { outputClosed, runCli } from './run-cli.ts';

const stopping = new AbortController();

// The first Ctrl-C ends work in order; who presses it again means it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    if (stopping.signal.aborted) process.exit(exitCodes.interrupted);
    stopping.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
  });

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stopping.abort(outputClosed);
});

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stopping.signal,
});
