import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { addSeen, coverageFaults, coverageTable } from './coverage.ts';
import { type Run, simulate } from './simulation.ts';

// npm run simulate -- --seeds 2000 [--from N]   many seeds, with what was seen
// npm run simulate -- --seed N                  one, with its trace
// --report FILE                                 counts, as the gate reads them

const workersMax = 2;
const chunkMax = 20;
const toldMax = 10;

interface Chunk {
  readonly from: number;
  readonly to: number;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function runChunk({ from, to }: Chunk): Promise<Run[]> {
  const runs: Run[] = [];
  for (let seed = from; seed < to; seed += 1) runs.push(await simulate(seed));
  return runs;
}

/** All seeds, shared out among threads that ask for more when they are done. */
async function runAll(from: number, seeds: number, onRun: (run: Run) => void): Promise<void> {
  let next = from;
  const end = from + seeds;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url));
      const ask = (): void => {
        if (next >= end) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const chunk: Chunk = { from: next, to: Math.min(end, next + chunkMax) };
        next = chunk.to;
        worker.postMessage(chunk);
      };
      worker.on('message', (runs: readonly Run[]) => {
        for (const run of runs) onRun(run);
        ask();
      });
      worker.on('error', reject);
      ask();
    });
  await Promise.all(Array.from({ length: workersMax }, work));
}

async function many(from: number, seeds: number): Promise<{ passed: number; failed: number }> {
  const begun = performance.now();
  const seen = new Map<string, number>();
  let steps = 0;
  let failed = 0;
  await runAll(from, seeds, (run) => {
    addSeen(seen, run.covered);
    steps += run.steps;
    if (run.broken.length === 0) return;
    failed += 1;
    if (failed <= toldMax) say(`seed ${run.seed}\n${run.broken.map((one) => `  ${one}`).join('\n')}`);
  });
  say(coverageTable(seen));
  const faults = coverageFaults(seen);
  for (const fault of faults) say(fault);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  say(`\n${seeds} seeds from ${from}, ${steps} steps in ${seconds} s: ${failed} broke a law`);
  if (failed > 0) say('npm run simulate -- --seed N shows one of them step by step');
  // Two things are judged: the laws, and whether everything was seen.
  const verdicts = [failed === 0, faults.length === 0];
  return { passed: verdicts.filter(Boolean).length, failed: verdicts.filter((held) => !held).length };
}

async function one(seed: number): Promise<{ passed: number; failed: number }> {
  const { broken, steps, hash } = await simulate(seed, say);
  for (const what of broken) say(`BROKEN ${what}`);
  say(`seed ${seed}, ${steps} steps, ${hash}`);
  return broken.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '0' },
      report: { type: 'string' },
    },
  });
  const whole = (text: string): number => {
    if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`not a number of seeds: ${text}`);
    return Number(text);
  };
  const { passed, failed } =
    values.seed === undefined
      ? await many(whole(values.from), whole(values.seeds))
      : await one(whole(values.seed));
  if (values.report !== undefined)
    writeFileSync(values.report, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
  process.exitCode = failed > 0 ? 1 : 0;
}

if (isMainThread) await main();
else {
  parentPort!.on('message', (chunk: Chunk) => {
    void runChunk(chunk).then((runs) => parentPort!.postMessage(runs));
  });
}
