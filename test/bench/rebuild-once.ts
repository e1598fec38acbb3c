// One rebuild in a process of its own, so that memory and time are its own. Prints one JSON line.
import { azureBlobArchive } from '../../src/adapters/azure-blob/archive-store.ts';
import { elasticsearchReadModel } from '../../src/adapters/elasticsearch/read-model.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { fillWorkers } from '../../src/apps/fill-workers.ts';
import type { PortSettings } from '../../src/composition/settings.ts';
import { projectionNamed } from '../../src/projections/registry.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { planRebuild, rebuild } from '../../src/streams/rebuild.ts';

const {
  BENCH_BLOB = '',
  BENCH_PREFIX = '',
  BENCH_ELASTICSEARCH = '',
  BENCH_PROJECTION = 'entities',
} = process.env;
const started = performance.now();
await using store = azureBlobArchive({ connectionString: BENCH_BLOB, prefix: BENCH_PREFIX });
await using model = elasticsearchReadModel({ url: BENCH_ELASTICSEARCH, prefix: BENCH_PREFIX });
const epochs = await readEpochs(store.truth);
const settings: PortSettings = {
  log: { kind: 'kafka', brokers: ['127.0.0.1:1'], retentionMs: 1 },
  archive: { kind: 'azure-blob', connectionString: BENCH_BLOB, prefix: BENCH_PREFIX },
  registry: { kind: 'confluent', url: 'http://127.0.0.1:1' },
  readModel: { kind: 'elasticsearch', url: BENCH_ELASTICSEARCH, prefix: BENCH_PREFIX },
};
const decoders = openEventDecoders(store.truth);
const context = { store, model, clock: systemClock, epochs, decoders, fillInWorkers: fillWorkers(settings) };
const projection = projectionNamed(BENCH_PROJECTION)!;
let rssMax = 0;
const watching = setInterval(() => {
  rssMax = Math.max(rssMax, process.memoryUsage().rss);
}, 50);
const plan = await planRebuild(context, projection);
const report = await rebuild(
  context,
  projection,
  plan,
  crypto.randomUUID(),
  () => undefined,
  AbortSignal.timeout(600_000),
);
clearInterval(watching);
const seconds = (performance.now() - started) / 1_000;
const { events, documents, root, foldMs, readBackMs } = report;
console.log(
  JSON.stringify({
    events,
    documents,
    seconds,
    foldMs,
    readBackMs,
    root,
    rssMiB: Math.round(rssMax / 2 ** 20),
  }),
);
