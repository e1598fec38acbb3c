// The archiver of one process over a whole topic, into Azure Blob: all lanes, a seal of each near its end; with BENCH_TREES the
// leaves, tiles and signed checkpoints of each too. Tiles may trail what is archived: how long is told apart. Prints one JSON
// line.
import { randomBytes } from 'node:crypto';
import { azureBlobArchive } from '../../src/adapters/azure-blob/archive-store.ts';
import { kafkaLogHost } from '../../src/adapters/kafka/log-host.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { startArchiver } from '../../src/streams/archiver.ts';
import { treeLimits } from '../../src/streams/lane-tree.ts';
import { anEpoch } from '../given/world.ts';
import { archivePartitions } from './data.ts';

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_KAFKA = '', BENCH_TOPIC = '' } = process.env;
const { BENCH_EVENTS = '', BENCH_SEAL_BYTES = '', BENCH_TREES = '' } = process.env;
const until = AbortSignal.timeout(600_000);
await using host = kafkaLogHost({
  brokers: BENCH_KAFKA.split(','),
  clientId: 'annal-bench',
  clock: systemClock,
});
await using log = await host.open({ epoch: 1, topic: BENCH_TOPIC, partitions: archivePartitions });
await using store = azureBlobArchive({ connectionString: BENCH_BLOB, prefix: BENCH_PREFIX });
const ends = (await log.bounds()).map(({ end }) => end);
const signer = parseSkey(formatSkey('annal.example/bench', randomBytes(32)));
const trees = { log: crypto.randomUUID(), signer, limits: treeLimits };
const started = performance.now();
const archiver = startArchiver({
  store,
  log,
  name: anEpoch(1, archivePartitions).name,
  clock: systemClock,
  limits: { ...archiveLimits, sealBytes: Math.min(archiveLimits.sealBytes, Number(BENCH_SEAL_BYTES)) },
  group: `${BENCH_TOPIC}-${BENCH_PREFIX}`,
  onNotice: () => undefined,
  retryMs: 100,
  withPool: true,
  ...(BENCH_TREES === '' ? {} : { trees }),
});
await archiver.reach(ends, until);
const reached = performance.now();
// Brings tiles and checkpoints up to the end.
await archiver.stop();
const [seconds, trailSeconds] = [(reached - started) / 1_000, (performance.now() - reached) / 1_000];
const notSealed = archiver.status().filter(({ sealed }) => sealed === 0).length;
if (notSealed > 0) throw new Error(`${notSealed} lanes have no segment`);
const events = ends.reduce((sum, end) => sum + end, 0);
if (events !== Number(BENCH_EVENTS)) throw new Error(`${events} events where ${BENCH_EVENTS} should be`);
console.log(
  JSON.stringify({ events, seconds, trailSeconds, rssMiB: process.resourceUsage().maxRSS / 1_024 }),
);
