import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const main = 'src/apps/cli/main.ts';
const startMs = 60_000;
const stopMs = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of Annal that serves. Disposing kills it, if it still runs. */
export interface AnnalProcess extends AsyncDisposable {
  readonly pid: number;
  readonly address: string;
  /** All that it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
  /** Any status is an answer. */
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** SIGKILL. */
  kill(): Promise<Ended>;
  /** SIGTERM, and waits until it has drained. */
  stop(): Promise<Ended>;
}

/** A process, whether it serves or not. */
export interface Spawned {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** Runs a program of this tree with nothing of ours in the environment but what is given. */
export function spawned(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Spawned {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:ANNAL_|VITEST|NODE_)/.test(name));
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** One command line to its end. */
export async function annal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  waitMs = startMs,
): Promise<Ended> {
  const { child, ended } = spawned(main, args, env);
  return within(ended, child, waitMs, `annal ${args.join(' ')}`);
}

/** Starts `annal <args> --output json`, which says on its first line where it serves. Fails if it ends before. */
export const startAnnal = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<AnnalProcess> => startServing(main, [...args, '--output', 'json'], env);

/** Starts a program that says `{"address": …}` on its first line. */
export async function startServing(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<AnnalProcess> {
  const { child, ended, stdout, stderr } = spawned(program, args, env);
  const lines = createInterface({ input: child.stdout! });
  const first = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    ended.then(({ code, signal }) => {
      reject(new Error(`${args.join(' ')} ended with ${code ?? signal} before it served:\n${stderr()}`));
    }, reject);
  });
  const late = (error: Error): never => {
    throw new Error(`${error.message}:\n${stderr()}`, { cause: error });
  };
  const line = await within(first, child, startMs, args.join(' ')).catch(late);
  const said = JSON.parse(line) as { address?: string };
  const { address } = said;
  // A command that fails tells its problem there.
  if (address === undefined) throw new Error(`${args.join(' ')}: ${(await ended).stderr}`);
  const end = async (signal: NodeJS.Signals): Promise<Ended> => {
    child.kill(signal);
    return within(ended, child, stopMs, `${signal} to ${args.join(' ')}`);
  };
  return {
    ...{ pid: child.pid!, address, ended, stdout, stderr },
    call: (method, path, body) => call(address, method, path, body),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
    },
  };
}

async function call(address: string, method: string, path: string, body: unknown): Promise<Answer> {
  const answer = await fetch(`${address}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function within<T>(work: Promise<T>, child: ChildProcess, waitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${what}: not within ${waitMs} ms`));
    }, waitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
