import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface WatchOptions {
  /** Something below was written, made, moved or removed; once or several times. */
  readonly onChange: () => void;
  /** Not everything is watched, and why; told once. */
  readonly onShort: (why: string) => void;
}

/** A watch each: systems have few of them, and a scan by the clock sees the rest. */
const foldersMax = 2_000;

/**
 * Watches `dir` and the folders below it. A courtesy: what it misses, on remote file systems or beyond 2,000 folders, a scan by
 * the clock finds. Keeps no process alive.
 */
export function watchFolder(dir: string, { onChange, onShort }: WatchOptions): Disposable {
  const watchers = new Map<string, FSWatcher>();
  let [ended, short] = [false, false];

  function tellShort(why: string): void {
    if (!short && !ended) onShort(why);
    short = true;
  }

  function drop(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  }

  function add(folder: string): boolean {
    if (ended || watchers.has(folder)) return false;
    if (watchers.size >= foldersMax) {
      tellShort(`more than ${foldersMax} folders`);
      return false;
    }
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        onChange();
        if (event === 'rename' && name !== null) void addBelow(join(folder, name), false);
      });
      watcher.on('error', () => drop(folder));
      watchers.set(folder, watcher);
      return true;
    } catch (error) {
      tellShort(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** A folder and all below it; what is no folder, or gone, is passed over. */
  async function addBelow(folder: string, isRoot: boolean): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isRoot) tellShort(String(error));
      return undefined;
    });
    if (entries === undefined) return drop(folder);
    add(folder);
    for (const entry of entries)
      if (entry.isDirectory() && !entry.name.startsWith('.')) await addBelow(join(folder, entry.name), false);
  }

  void addBelow(dir, true);
  return {
    [Symbol.dispose]() {
      ended = true;
      for (const folder of [...watchers.keys()]) drop(folder);
    },
  };
}
