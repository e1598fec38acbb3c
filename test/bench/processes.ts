import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../services/native/ports.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const waitMax = 600_000;
const pollMs = 15;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Settings of whoever measures are not those of what is measured. */
const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:ANNAL_|VITEST|NODE_)/.test(name)),
  ),
  NO_COLOR: '1',
  ...more,
});

interface Started {
  readonly child: ChildProcess;
  /** Its output, once it ended with 0. */
  readonly ended: Promise<string>;
  /** Its output so far. */
  readonly printed: () => string;
}

function start(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: waitMax });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      if (code === 0) resolve(stdout);
      else reject(new Error(`${args.join(' ')} ended with ${code ?? signal}:\n${stderr.slice(-4_000)}`));
    });
  });
  return { child, ended, printed: () => stdout };
}

/** A program to its end: milliseconds from its start. */
export async function toItsEnd(program: string, args: readonly string[], cwd: string): Promise<number> {
  const began = performance.now();
  await start(program, args, cwd, environment({})).ended;
  return performance.now() - began;
}

/** How `bin/annal.js` starts the servers of the full profile: a small nursery, and freed memory goes back. */
const asServers = {
  flags: ['--max-semi-space-size=8', '--heap-growing-percent=300'],
  env: {
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '33554432',
    MALLOC_MMAP_THRESHOLD_: '8388608',
  },
};

/** A script of this folder in a process of its own: the JSON line that it prints last. */
export async function told<T>(
  script: string,
  env: Readonly<Record<string, string>>,
  as: 'server' | 'plain' = 'plain',
): Promise<T> {
  const { flags, env: more } = as === 'server' ? asServers : { flags: [], env: {} };
  const given = environment({ ...more, ...env });
  const stdout = await start(process.execPath, [...flags, script], root, given).ended;
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}

export interface Server extends AsyncDisposable {
  readonly url: string;
  /** Milliseconds from its start until `asked` was answered as wished. */
  until(path: string, wished: (body: Record<string, unknown>) => boolean): Promise<number>;
  /** Milliseconds from its start until it said that all of it is there. */
  ready(): Promise<number>;
  /** Resident memory of the server and its launcher now, MiB; NaN where the system does not tell. */
  rssMiB(): Promise<number>;
}

/** `annal start` of a clone, in a process of its own. Disposing ends it as Ctrl-C does. */
export async function annalStart(data: string, words: readonly string[] = [], clone = root): Promise<Server> {
  const [port] = await freePorts(1);
  const began = performance.now();
  const args = ['bin/annal.js', 'start', '--data', data, '--port', String(port), ...words];
  const { child, ended, printed } = start(process.execPath, args, clone, environment({}));
  let over: Error | undefined;
  ended.then(
    () => {
      over = new Error('annal start ended');
    },
    (error: Error) => {
      over = error;
    },
  );
  const url = `http://127.0.0.1:${port}`;

  async function when(done: () => Promise<boolean>, what: string): Promise<number> {
    for (;;) {
      if (over !== undefined) throw over;
      if (await done()) return performance.now() - began;
      if (performance.now() - began > waitMax) throw new Error(`${what}: not in time`);
      await pause(pollMs);
    }
  }

  return {
    url,
    until: (path, wished) =>
      when(async () => {
        const body = await answer(`${url}${path}`);
        return body !== undefined && wished(body);
      }, path),
    ready: () => when(async () => printed().includes('Ready in'), 'ready'),
    rssMiB: () => rssOf(child.pid!),
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** Undefined while nobody listens, or for anything but 200. */
async function answer(url: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(url);
    const body = (await response.json()) as Record<string, unknown>;
    return response.status === 200 ? body : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

async function rssOf(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  const theirs = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => rssOf(Number(child))),
  );
  return theirs.reduce((sum, one) => sum + one, own);
}
