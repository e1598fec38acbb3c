import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reaper } from './reaper.ts';

/** What to run: a program, its arguments, its working folder, variables beside the inherited ones. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** One server as a process group. Its output is appended to the file `log` in its folder over all its starts. */
export interface ServerProcess {
  readonly pid: number | undefined;
  /** Runs it. Fails if it runs already. */
  start(): void;
  /** Sends a signal to the whole group; nothing when none runs. */
  signal(name: NodeJS.Signals): void;
  /** Stops the process where it is, and resolves once all its threads stand: each stops when it next meets the kernel. */
  pause(): Promise<void>;
  /** Waits until it has ended; true at once when it does not run, false when it still runs after `waitMs`. */
  ended(waitMs: number): Promise<boolean>;
  log(): string;
}

export function serverProcess(command: ServerCommand, folder: string, reaper: Reaper): ServerProcess {
  const logFile = join(folder, 'log');
  let running: { child: ChildProcess; end: Promise<void> } | undefined;
  return {
    get pid() {
      return running?.child.pid;
    },
    start() {
      if (running !== undefined) throw new Error(`${command.program} runs already`);
      const log = openSync(logFile, 'a');
      const env = { ...process.env, ...command.env };
      // Detached makes the child the leader of a new process group: its pid names the group.
      const child = spawn(command.program, command.args, {
        cwd: command.cwd,
        env,
        detached: true,
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      if (child.pid !== undefined) reaper.watch(child.pid);
      const end = new Promise<void>((resolve) => {
        const gone = (): void => {
          running = undefined;
          reaper.watch(undefined);
          resolve();
        };
        child.once('exit', gone);
        child.once('error', gone);
      });
      running = { child, end };
    },
    signal(name) {
      if (running?.child.pid !== undefined) process.kill(-running.child.pid, name);
    },
    async pause() {
      const pid = running?.child.pid;
      if (pid === undefined) return;
      process.kill(-pid, 'SIGSTOP');
      while (running?.child.pid === pid && !stands(pid)) await pause(lookMs);
    },
    async ended(waitMs) {
      if (running === undefined) return true;
      const limit = new AbortController();
      const tooLate = pause(waitMs, false, { signal: limit.signal }).catch(() => false);
      const result = await Promise.race([running.end.then(() => true), tooLate]);
      limit.abort();
      return result;
    },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
  };
}

const lookMs = 10;
const threadsFolder = (pid: number): string => `/proc/${pid}/task`;

/** Whether no thread of a process runs; where the system does not tell, the signal has to do. */
function stands(pid: number): boolean {
  if (!existsSync(threadsFolder(pid))) return true;
  return readdirSync(threadsFolder(pid)).every((thread) => {
    const file = join(threadsFolder(pid), thread, 'stat');
    if (!existsSync(file)) return true;
    // The name of the program, in parentheses, may hold anything; the state is the letter behind it.
    const stat = readFileSync(file, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}
