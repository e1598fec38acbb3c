import { Fault } from '../../domain/fault.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { problemOf, problemText } from './failure.ts';

/**
 * Ends what serves: no more requests, lanes end, what is buffered is flushed. Gives `failed`, with a reason on stderr, where that
 * is not done within `graceMs`: a server that hangs keeps nobody from leaving. What was not written is read again from where it
 * is durable.
 */
export async function drain(
  serving: AsyncDisposable,
  graceMs: number,
  stderr: { write(line: string): unknown },
): Promise<ExitCode> {
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), graceMs);
  try {
    if ((await Promise.race([serving[Symbol.asyncDispose](), late.promise])) !== 'late') return exitCodes.ok;
    stderr.write(`${problemText(problemOf(new Fault('DRAIN_LATE', { graceMs })))}\n`);
    return exitCodes.failed;
  } finally {
    clearTimeout(timer);
  }
}
