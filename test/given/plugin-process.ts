import { type ChildProcess, spawn } from 'node:child_process';
import { root } from '../architecture/tree.ts';

export interface PluginEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A plugin as a process of its own. Disposing kills it. */
export interface PluginProcess extends AsyncDisposable {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Of its endpoint, once it said so. */
  readonly health: () => string | undefined;
  readonly ended: Promise<PluginEnd>;
  end(signal: NodeJS.Signals): Promise<PluginEnd>;
}

/** Starts `plugins/<name>/main.ts` with this environment and nothing else of ours; its health is at any free port. */
export function pluginProcess(name: string, env: Readonly<Record<string, string>>): PluginProcess {
  const child: ChildProcess = spawn(process.execPath, [`plugins/${name}/main.ts`], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HEALTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<PluginEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const end = (signal: NodeJS.Signals): Promise<PluginEnd> => {
    child.kill(signal);
    return ended;
  };
  return {
    ...{ stdout: () => stdout, stderr: () => stderr, ended, end },
    health: () => /health at (\S+)\/readyz/.exec(stdout)?.[1],
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
    },
  };
}

/** What it said was published: URN and position as it was named. */
export const publishedIn = (stdout: string): { readonly urn: string; readonly place: string }[] =>
  [...stdout.matchAll(/^MCE Published (\S+) (\S+)$/gm)].map(([, urn, place]) => ({
    urn: urn!,
    place: place!,
  }));
