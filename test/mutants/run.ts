import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Reaper, startReaper } from '../services/native/reaper.ts';
import { type Mutant, missingFor, readMutants } from './mutant.ts';
import { copyOfRepository, copyOfTree, patchFault } from './trees.ts';
import { endRuns, runTests, type TestReport } from './vitest-run.ts';

// Plants one bug at a time in a copy of the repository and expects the named test to fail there; the same test has to pass
// without the bug. Arguments are names of mutants, or parts of them; without any, all run.

const root = fileURLToPath(new URL('../..', import.meta.url));
const atOnceMax = 2;
const mutantMs = 90_000;
const untouchedMs = 600_000;

interface Verdict {
  readonly mutant: Mutant;
  /** Undefined: the test failed, as it has to. */
  readonly fault: string | undefined;
}

const projectOf = ({ needs }: Mutant): 'unit' | 'services' => (needs.length > 0 ? 'services' : 'unit');
const seconds = (begun: number): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`.padStart(7);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What the report says of a mutant's test: `passed`, `failed`, or why it says nothing. */
function told({ file, test }: Mutant, report: TestReport | 'late'): string {
  if (report === 'late') return `no answer within ${mutantMs / 1000} s`;
  const unloaded = report.unloaded.get(file);
  if (unloaded !== undefined) return `the test file cannot be loaded: ${unloaded.split('\n', 1)[0]}`;
  return report.tests.get(file)?.get(test) ?? 'there is no such test';
}

/** Mutants whose test does not pass without them, with what it does instead. */
async function unfit(mutants: readonly Mutant[], place: Place): Promise<ReadonlyMap<Mutant, string>> {
  const faults = new Map<Mutant, string>();
  for (const project of ['unit', 'services'] as const) {
    const own = mutants.filter((mutant) => projectOf(mutant) === project);
    if (own.length === 0) continue;
    const begun = performance.now();
    const report = await runTests({
      ...{ tree: place.untouched, scratch: join(place.folder, `untouched-${project}`), project },
      ...{ files: [...new Set(own.map(({ file }) => file))] },
      ...{ mostMs: untouchedMs, reaper: place.reaper },
    });
    for (const mutant of own) {
      const found = told(mutant, report);
      if (found !== 'passed') faults.set(mutant, `${found} without the bug`);
    }
    const fit = own.filter((mutant) => !faults.has(mutant)).length;
    say(`untouched  ${seconds(begun)}  ${fit} of ${own.length} ${project} tests pass without a bug`);
  }
  return faults;
}

/** Where one of the runs that go on at once keeps what it needs. */
interface Place {
  readonly folder: string;
  readonly untouched: string;
  readonly reaper: Reaper;
}

async function judge(mutant: Mutant, { folder, untouched, reaper }: Place): Promise<Verdict> {
  const tree = join(folder, mutant.name);
  try {
    await copyOfTree(untouched, tree);
    const reason = await patchFault(tree, mutant.patch, 'apply');
    if (reason !== undefined) return { mutant, fault: `the patch does not apply: ${reason}` };
    const { file } = mutant;
    const report = await runTests({
      ...{ tree, scratch: join(folder, `${mutant.name}.tmp`), project: projectOf(mutant) },
      ...{ files: [file], mostMs: mutantMs, reaper },
    });
    const found = told(mutant, report);
    if (found === 'failed') return { mutant, fault: undefined };
    return { mutant, fault: found === 'passed' ? 'SURVIVED: the test passes with the bug' : found };
  } finally {
    for (const left of [tree, `${tree}.tmp`]) await rm(left, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Judges all that are fit, `atOnceMax` at a time, and tells each. */
async function judgeAll(mutants: readonly Mutant[], places: readonly Place[]): Promise<Verdict[]> {
  const faults = await unfit(mutants, places[0]!);
  const verdicts: Verdict[] = [];
  const queue = [...mutants];
  const work = async (place: Place): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const begun = performance.now();
      const known = faults.get(mutant);
      const verdict = known === undefined ? await judge(mutant, place) : { mutant, fault: known };
      verdicts.push(verdict);
      const { name, law, bug } = mutant;
      say(
        `${verdict.fault === undefined ? 'killed   ' : 'FAILED   '}  ${seconds(begun)}  law ${law}, ${name}: ${bug}`,
      );
    }
  };
  await Promise.all(places.map(work));
  return verdicts;
}

function chosen(wanted: readonly string[]): readonly Mutant[] {
  const all = readMutants();
  for (const part of wanted)
    if (!all.some(({ name }) => name.includes(part))) throw new Error(`no mutant is called ${part}`);
  const some = all.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  return some.filter((mutant) => {
    const missing = missingFor(mutant);
    if (missing.length > 0)
      say(`skipped             law ${mutant.law}, ${mutant.name}: not set: ${missing.join(', ')}`);
    return missing.length === 0;
  });
}

async function main(): Promise<void> {
  const mutants = chosen(process.argv.slice(2));
  const folder = await mkdtemp(join(tmpdir(), 'annal-mutants-'));
  const untouched = join(folder, 'untouched');
  const places = Array.from({ length: atOnceMax }, () => ({
    folder,
    untouched,
    reaper: startReaper(folder),
  }));
  try {
    await copyOfRepository(root, untouched);
    const verdicts = mutants.length === 0 ? [] : await judgeAll(mutants, places);
    const failed = verdicts.filter(({ fault }) => fault !== undefined);
    for (const { mutant, fault } of failed) {
      say(`\n${mutant.name}: ${fault}`);
      say(`  law ${mutant.law}: ${mutant.bug}\n  ${mutant.file}: ${mutant.test}`);
    }
    say(`\n${verdicts.length - failed.length} passed, ${failed.length} failed`);
    process.exitCode = failed.length > 0 ? 1 : 0;
  } finally {
    endRuns();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    for (const { reaper } of places) reaper.done();
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The watchers remove the folder once this process is gone.
  process.on(name, () => {
    endRuns();
    process.exit(128 + constants.signals[name]);
  });
}

await main();
