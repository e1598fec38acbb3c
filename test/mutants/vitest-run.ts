import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reaper } from '../services/native/reaper.ts';

export interface TestRun {
  readonly tree: string;
  /** For the report and for what tests leave; made if it is not there. */
  readonly scratch: string;
  readonly project: 'unit' | 'services';
  /** Run as a whole: tests of one file may build on one another. */
  readonly files: readonly string[];
  readonly mostMs: number;
  readonly reaper: Reaper;
}

/** What became of each test that ran: `failed` where an assertion or the time said so. */
export interface TestReport {
  /** By file, then by test: titles with ` > ` between them. */
  readonly tests: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Files that could not be loaded, with why. */
  readonly unloaded: ReadonlyMap<string, string>;
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const running = new Set<ChildProcess>();

/** Ends every run at once; their processes are gone when it returns. */
export function endRuns(): void {
  for (const child of running) killGroup(child.pid);
}

function killGroup(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs test files in a process group of its own, which is gone afterwards. `late`: not done within the time. */
export async function runTests(run: TestRun): Promise<TestReport | 'late'> {
  const { tree, scratch, project, files, mostMs, reaper } = run;
  await mkdir(scratch, { recursive: true });
  const report = join(scratch, 'report.json');
  const args = [
    ...[join(tree, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, ...files],
    ...['--maxWorkers', '1', '--reporter', 'json', '--outputFile', report],
  ];
  const env = { ...process.env, TMPDIR: scratch, CI: 'true' };
  const child = spawn(process.execPath, args, { cwd: tree, env, stdio: 'ignore', detached: true });
  running.add(child);
  reaper.watch(child.pid);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, mostMs);
  try {
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
  } finally {
    clearTimeout(timer);
    killGroup(child.pid);
    reaper.watch(undefined);
    running.delete(child);
  }
  return late ? 'late' : reportOf(tree, await readFile(report, 'utf8').catch(() => '{"testResults":[]}'));
}

function reportOf(tree: string, text: string): TestReport {
  const tests = new Map<string, Map<string, string>>();
  const unloaded = new Map<string, string>();
  for (const { name, status, message, assertionResults } of (JSON.parse(text) as JsonReport).testResults) {
    const file = name.slice(name.indexOf(`${tree}/`) + tree.length + 1);
    if (assertionResults.length === 0 && status === 'failed') unloaded.set(file, message ?? '');
    const own = assertionResults.map(
      ({ ancestorTitles, title, status: of }) => [[...ancestorTitles, title].join(' > '), of] as const,
    );
    tests.set(file, new Map(own));
  }
  return { tests, unloaded };
}
