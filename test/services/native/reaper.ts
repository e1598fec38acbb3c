import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Cleans up after this process if it ends, however it ends, before `done`. */
export interface Reaper {
  /** The process group to kill then; undefined while none runs. */
  watch(group: number | undefined): void;
  /** Nothing is left to clean up. */
  done(): void;
}

/** Starts the watcher of reaper.sh for one temporary folder, which it removes when this process is gone. */
export function startReaper(folder: string): Reaper {
  const script = fileURLToPath(new URL('./reaper.sh', import.meta.url));
  // In a group of its own: Ctrl-C in a terminal reaches the whole group of this process.
  const child = spawn('/bin/sh', [script, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  child.stdin.on('error', (error) =>
    process.stderr.write(`the watcher of ${folder} is gone: ${error.message}\n`),
  );
  child.once('error', (error) => process.stderr.write(`no watcher of ${folder}: ${error.message}\n`));
  return {
    watch: (group) => child.stdin.write(`group ${group ?? ''}\n`),
    done: () => child.stdin.end('done\n'),
  };
}
