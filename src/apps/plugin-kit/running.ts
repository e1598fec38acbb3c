import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that runs. Disposing kills it and what it started. */
export interface Running extends AsyncDisposable {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly hasEnded: () => boolean;
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
}

/** Of each stream, the end is kept. */
const keptMax = 1024 * 1024;

/** Starts a command in a group of its own; `node` is the one that runs this. Rejects where there is no such command. */
export async function running(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const path = [dirname(process.execPath), env.PATH ?? ''].join(delimiter);
  const [program = '', ...words] = command;
  const child: ChildProcess = spawn(program, words, {
    ...{ env: { ...env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] as const },
    detached: process.platform !== 'win32',
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      texts[name] = (texts[name] + text).slice(-keptMax);
    });
  let hasEnded = false;
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      hasEnded = true;
      resolve({ code, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const signal = (name: NodeJS.Signals): void => {
    if (hasEnded) return;
    // A shell or npx in between hands no signal on: the whole group is meant, as a supervisor means it.
    if (process.platform === 'win32' || child.pid === undefined) child.kill(name);
    else
      try {
        process.kill(-child.pid, name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
  };
  return {
    ...{ stdout: () => texts.stdout, stderr: () => texts.stderr, hasEnded: () => hasEnded, ended, signal },
    async [Symbol.asyncDispose]() {
      signal('SIGKILL');
      await ended;
    },
  };
}
