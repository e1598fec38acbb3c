// The archiver of one process over a whole topic, into Azure Blob: all lanes, leaf hashes, a seal of each lane near its end.
// Prints one JSON line.
import { azureBlobArchive } from '../../src/adapters/azure-blob/archive-store.ts';
import { kafkaLogHost } from '../../src/adapters/kafka/log-host.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { startArchiver } from '../../src/streams/archiver.ts';
import { anEpoch } from '../given/world.ts';
import { benchPartitions } from './data.ts';

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_KAFKA = '', BENCH_TOPIC = '' } = process.env;
const { BENCH_EVENTS = '', BENCH_SEAL_BYTES = '' } = process.env;
const until = AbortSignal.timeout(600_000);
await using host = kafkaLogHost({
  brokers: BENCH_KAFKA.split(','),
  clientId: 'annal-bench',
  clock: systemClock,
});
await using log = await host.open({ epoch: 1, topic: BENCH_TOPIC, partitions: benchPartitions });
await using store = azureBlobArchive({ connectionString: BENCH_BLOB, prefix: BENCH_PREFIX });
const ends = (await log.bounds()).map(({ end }) => end);
const started = performance.now();
const archiver = startArchiver({
  store,
  log,
  name: anEpoch(1, benchPartitions).name,
  clock: systemClock,
  limits: { ...archiveLimits, sealBytes: Math.min(archiveLimits.sealBytes, Number(BENCH_SEAL_BYTES)) },
  group: `${BENCH_TOPIC}-${BENCH_PREFIX}`,
  onNotice: () => undefined,
  retryMs: 100,
});
await archiver.reach(ends, until);
await archiver.stop();
const seconds = (performance.now() - started) / 1_000;
const notSealed = archiver.status().filter(({ sealed }) => sealed === 0).length;
if (notSealed > 0) throw new Error(`${notSealed} lanes have no segment`);
const events = ends.reduce((sum, end) => sum + end, 0);
if (events !== Number(BENCH_EVENTS)) throw new Error(`${events} events where ${BENCH_EVENTS} should be`);
console.log(JSON.stringify({ events, seconds, rssMiB: process.resourceUsage().maxRSS / 1_024 }));
