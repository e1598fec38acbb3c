// Either a deep verification of an archive in a folder, as the command makes it, or no more than reading its segments and
// hashing every record, in one thread. Prints one JSON line.
import { systemClock } from '../../src/adapters/system/clock.ts';
import { verifyByThreads } from '../../src/apps/verify-by-threads.ts';
import { readFolder } from '../../src/composition/archive-reading.ts';
import { recordHash } from '../../src/formats/leaf.ts';
import { segmentFirsts } from '../../src/streams/chain.ts';
import { lanesOf } from '../../src/streams/complete.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { historyLane } from '../../src/streams/history-lane.ts';

const { BENCH_FOLDER = '', BENCH_HASH_ONLY = '', BENCH_THREADS = '' } = process.env;
const { store } = readFolder(BENCH_FOLDER);
const started = performance.now();

async function hashed(): Promise<number> {
  let events = 0;
  for (const lane of lanesOf(await readEpochs(store.truth))) {
    const end = (await segmentFirsts(store.truth, lane)).length === 0 ? 0 : Number.POSITIVE_INFINITY;
    for await (const { records } of historyLane(store, lane, 0, end))
      for (const { bytes } of records) {
        recordHash(bytes);
        events += 1;
      }
  }
  return events;
}

async function verified(): Promise<number> {
  const options = { store, clock: systemClock, deep: true, keys: [], kept: [] };
  const threads = BENCH_THREADS === '' ? {} : { threads: Number(BENCH_THREADS) };
  const report = await verifyByThreads({ folder: BENCH_FOLDER }, options, threads);
  if (report.findings.length > 0) throw new Error(JSON.stringify(report.findings[0]));
  return report.records;
}

const events = BENCH_HASH_ONLY === '' ? await verified() : await hashed();
const seconds = (performance.now() - started) / 1_000;
console.log(JSON.stringify({ events, seconds, rssMiB: process.resourceUsage().maxRSS / 1_024 }));
