import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

// `npm test`: types and lint beside the unit tests, for each alone leaves a core idle. Arguments go to vitest. What types and
// lint say, if anything is wrong, stands below what the tests say; `npm run check` says it at once.

const root = fileURLToPath(new URL('..', import.meta.url));
const program = (path: string): string => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const checks = [
  ['types', program('typescript/bin/tsc'), '--noEmit'],
  ['lint', program('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
] as const;

/** Exit code of a child that has ended, 128 + the number of a signal that ended it. */
const codeOf = ([code, signal]: unknown[]): number =>
  typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals];

/** What is wrong by one of the checks, or nothing. */
async function wrongBy([name, ...words]: readonly [string, ...string[]]): Promise<string | undefined> {
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const [ended, said, complained] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  const code = codeOf(ended);
  return code === 0 ? undefined : `${said}${complained}\n${name}: exit code ${code}\n`;
}

async function checked(): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const check of checks) {
    const fault = await wrongBy(check);
    if (fault !== undefined) faults.push(fault);
  }
  return faults;
}

const tests = spawn(
  process.execPath,
  [program('vitest/vitest.mjs'), 'run', '--project', 'unit', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
// A terminal tells all of us; whoever ends this process alone means the tests too.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => tests.kill(name));
const [ended, faults] = await Promise.all([once(tests, 'exit'), checked()]);
for (const fault of faults) process.stderr.write(fault);
process.exitCode = codeOf(ended) || (faults.length > 0 ? 1 : 0);
