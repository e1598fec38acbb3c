// One rebuild from Azure Blob into Elasticsearch as the program does it, in a process of its own, so that memory and time
// are its own, by BENCH_WORKERS threads if there are more than one. Prints one JSON line.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// As the command line does.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/annal', import.meta.url)));
const started = performance.now();
const { fillByWorkers } = await import('../../src/apps/fill-by-workers.ts');
const { openPorts } = await import('../../src/composition/compose.ts');
const { systemClock } = await import('../../src/adapters/system/clock.ts');
const { rootOf } = await import('../../src/formats/root.ts');
const { projectionNamed } = await import('../../src/projections/registry.ts');
const { readEpochs } = await import('../../src/streams/epochs.ts');
const { openEventDecoders } = await import('../../src/streams/event-decoders.ts');
const { modelOfLog } = await import('../../src/streams/own-model.ts');
const { planRebuild } = await import('../../src/streams/rebuild-plan.ts');
const { rebuild } = await import('../../src/streams/rebuild.ts');

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_ELASTICSEARCH = '', BENCH_PROJECTION = '' } = process.env;
const { BENCH_WORKERS = '1' } = process.env;
const settings: Parameters<typeof openPorts>[0] = {
  log: { kind: 'kafka', brokers: ['127.0.0.1:1'], retentionMs: 1 },
  archive: { kind: 'azure-blob', connectionString: BENCH_BLOB, prefix: BENCH_PREFIX },
  registry: { kind: 'confluent', url: 'http://127.0.0.1:1' },
  readModel: { kind: 'elasticsearch', url: BENCH_ELASTICSEARCH, prefix: BENCH_PREFIX },
};
await using ports = await openPorts(settings, () => undefined);
const { archive: store } = ports;
const epochs = await readEpochs(store.truth);
const { log } = epochs[0]!;
// Threads open the index as one of its log.
const model = modelOfLog(ports.readModel, log);
const decoders = openEventDecoders(store.truth);
const fill = fillByWorkers(settings, log)(Number(BENCH_WORKERS));
const context = { store, model, clock: systemClock, epochs, decoders, ...(fill && { fill }) };
const projection = projectionNamed(BENCH_PROJECTION)!;
const plan = await planRebuild(context, projection);
const until = AbortSignal.timeout(600_000);
const report = await rebuild(context, projection, plan, crypto.randomUUID(), () => undefined, until);
const seconds = (performance.now() - started) / 1_000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();

// What of the fold was hashing: the same documents once more.
const again = rootOf();
let hashMs = 0;
const index = await model.serving(projection.definition);
for await (const documents of index!.scan()) {
  const began = performance.now();
  for (const { id, version, body } of documents) again.add(id, version, body);
  hashMs += performance.now() - began;
}
if (again.root() !== report.root) throw new Error('another root than the one that was reported');
console.log(
  JSON.stringify({
    events: report.events,
    documents: report.documents,
    root: report.root,
    seconds,
    foldSeconds: report.foldMs / 1_000,
    readBackSeconds: report.readBackMs / 1_000,
    hashSeconds: hashMs / 1_000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    rssMiB: maxRSS / 1_024,
  }),
);
