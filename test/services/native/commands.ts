import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const outputCharsMax = 200_000;

/** Last `linesMax` lines of a text that are not blank. */
export const lastLines = (text: string, linesMax = 30): string =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-linesMax)
    .join('\n');

/** Path of a program on PATH, or undefined. */
export function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isProgram);
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end and answers what it wrote on both outputs (the last 200,000 characters). Fails with its
 * last 30 lines when it exits other than 0, and when it runs longer than `waitMs`.
 */
export function runToEnd(
  program: string,
  args: readonly string[],
  { env, waitMs }: { env?: Readonly<Record<string, string>>; waitMs: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: waitMs,
      killSignal: 'SIGKILL',
    });
    const endWithUs = (): boolean => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-outputCharsMax);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('exit', endWithUs);
      if (code === 0) return resolve(output);
      const end = signal === null ? `exit code ${code}` : `ended by ${signal} (limit ${waitMs} ms)`;
      reject(new Error(`${program} ${args.join(' ')}: ${end}\n${lastLines(output)}`));
    });
  });
}

/** Makes calls run one after the other, in the order they came; a failed one does not stop the next. */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined); // Told to who asked for it.
    return next;
  };
}
