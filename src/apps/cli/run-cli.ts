import { CommanderError } from 'commander';
import { isFault } from '../../domain/fault.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { Failure, type Problem, problemOf, problemText } from './failure.ts';
import { endedWithHelp, program, usageFailure } from './program.ts';
import type { Io } from './session.ts';

/** Why the process was told to stop, as the reason of `Io.signal`. */
export const outputClosed = Symbol('output closed');

/**
 * Runs one command line (without the name of the program) to its end and resolves with the exit code. Data goes to
 * stdout, everything else to stderr. A failure under `--output json` is also a JSON document on stdout, unless data was
 * written before it.
 */
export async function runCli(args: readonly string[], given: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  let written = false;
  const io: Io = {
    ...given,
    stdout: watched(given.stdout, () => {
      written = true;
    }),
  };
  try {
    await program(io, (ended) => {
      code = ended;
    }).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    const help = endedWithHelp(error);
    if (help !== undefined) return help;
    if (given.signal.aborted)
      return given.signal.reason === outputClosed ? exitCodes.outputClosed : exitCodes.interrupted;
    const { problem, exitCode } = failureOf(error);
    given.stderr.write(`${problemText(problem)}\n`);
    if (!written && wantsJson(args)) given.stdout.write(`${JSON.stringify(problem)}\n`);
    return exitCode;
  }
}

function failureOf(error: unknown): { problem: Problem; exitCode: ExitCode } {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return usageFailure(error);
  if (isFault(error)) return { problem: problemOf(error), exitCode: exitCodeOf(error.code) };
  const lines = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6) : [];
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { problem: { code: 'INTERNAL', detail, lines: lines.map((line) => line.trim()) }, exitCode: 1 };
}

/** Asked of the words themselves: commander may have stopped before it read them all. */
const wantsJson = (args: readonly string[]): boolean =>
  args.some(
    (arg, at) =>
      /^(?:--output|-o)=?json$/.test(arg) || (/^(?:--output|-o)$/.test(arg) && args[at + 1] === 'json'),
  );

function watched(stdout: Io['stdout'], onWrite: () => void): Io['stdout'] {
  return new Proxy(stdout, {
    get(target, name) {
      if (name === 'write') onWrite();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
