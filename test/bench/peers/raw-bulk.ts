// What the engine takes at most: the documents of a projection, written as bulk bodies beforehand, into an index of the same
// mapping, two requests at a time. Nothing is folded, hashed or read back while the clock runs. Prints one JSON line.
import { azureBlobArchive } from '../../../src/adapters/azure-blob/archive-store.ts';
import { bytesOf, indexAction, writeLine } from '../../../src/adapters/elasticsearch/bulk.ts';
import { sourceOf } from '../../../src/adapters/elasticsearch/documents.ts';
import { elasticsearchReadModel } from '../../../src/adapters/elasticsearch/read-model.ts';
import { projectionNamed } from '../../../src/projections/registry.ts';
import { readEpochs } from '../../../src/streams/epochs.ts';
import { openEventDecoders } from '../../../src/streams/event-decoders.ts';
import { foldHistory } from '../../../src/streams/fold-history.ts';
import { archiveCut } from '../../../src/streams/history-cut.ts';

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_ELASTICSEARCH = '', BENCH_PROJECTION = '' } = process.env;
const bodyBytes = 5_000_000;
const prefix = `${BENCH_PREFIX}-raw`;
await using store = azureBlobArchive({ connectionString: BENCH_BLOB, prefix: BENCH_PREFIX });
await using model = elasticsearchReadModel({ url: BENCH_ELASTICSEARCH, prefix });
const projection = projectionNamed(BENCH_PROJECTION)!;
const { definition } = projection;
const epochs = await readEpochs(store.truth);
const until = await archiveCut(store, epochs);
const history = { store, epochs, until, decoders: openEventDecoders(store.truth) };

const bodies: Buffer[] = [];
let [documents, lines, bytes] = [0, [] as Buffer[], 0];
const close = (): void => {
  bodies.push(Buffer.concat(lines));
  [lines, bytes] = [[], 0];
};
const counts = { records: 0, outcomes: {} };
for await (const batch of foldHistory(projection, history, counts, () => undefined))
  for (const document of batch) {
    const { source, unindexable } = sourceOf(definition, document);
    if (unindexable !== null) throw new Error(unindexable);
    const line = { action: indexAction(document.id, document.version), source };
    const memory = Buffer.allocUnsafe(bytesOf(line));
    writeLine(memory, 0, line);
    documents += 1;
    bytes += lines.push(memory) && memory.length;
    if (bytes >= bodyBytes) close();
  }
close();

const index = await model.create(definition, 'raw');
const url = `${BENCH_ELASTICSEARCH}/${prefix}-${index.name}/_bulk?filter_path=errors`;
const started = performance.now();
const waiting = bodies.values();
await Promise.all(
  [1, 2].map(async () => {
    for (const body of waiting) {
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
      if (((await answer.json()) as { errors?: boolean }).errors !== false)
        throw new Error(`refused: ${answer.status}`);
    }
  }),
);
await index.refresh();
const seconds = (performance.now() - started) / 1_000;
await model.drop(index.name);
console.log(JSON.stringify({ documents, seconds }));
