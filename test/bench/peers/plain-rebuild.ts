// The plain way to rebuild an index from the same archive, for comparison: read each segment with avsc, fold the latest
// value of each aspect into a Map, write one document per entity with the Elasticsearch client's bulk helper. No proof, no
// outcomes, no progress; the engine's own dynamic mapping makes the documents searchable. Usage: node plain-rebuild.ts;
// prints one JSON line.
import { zstdDecompressSync } from 'node:zlib';
import { BlobServiceClient } from '@azure/storage-blob';
import { Client } from '@elastic/elasticsearch';
import avro from 'avsc';
import { eventSchemaText } from '../../../src/formats/event.ts';

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_ELASTICSEARCH = '', BENCH_INDEX = '' } = process.env;
const started = performance.now();
const container = BlobServiceClient.fromConnectionString(BENCH_BLOB).getContainerClient(
  `${BENCH_PREFIX}-archive`,
);
const eventType = avro.Type.forSchema(JSON.parse(eventSchemaText));
const entities = new Map<string, { urn: string; aspects: Record<string, unknown>; position: number }>();
let events = 0;

for await (const { name } of container.listBlobsFlat({ prefix: 'segments/' })) {
  const file = await container.getBlockBlobClient(name).downloadToBuffer();
  const decoder = new avro.streams.BlockDecoder({
    codecs: {
      zstandard: (block: Buffer, done: (error: Error | null, plain?: Buffer) => void) =>
        done(null, zstdDecompressSync(block)),
    },
  });
  decoder.end(file);
  for await (const record of decoder) {
    const event = eventType.fromBuffer(record.value);
    const aspects = entities.get(event.urn)?.aspects ?? {};
    aspects[event.aspect] = JSON.parse(event.value.toString());
    entities.set(event.urn, { urn: event.urn, aspects, position: record.offset });
    events += 1;
  }
}

const client = new Client({ node: BENCH_ELASTICSEARCH, maxRetries: 0 });
await client.indices.create({
  index: BENCH_INDEX,
  settings: { refresh_interval: '-1', number_of_replicas: 0, 'translog.durability': 'async' },
});
await client.helpers.bulk({
  datasource: [...entities.values()],
  onDocument: (document) => ({ index: { _index: BENCH_INDEX, _id: document.urn } }),
  flushBytes: 5_000_000,
  concurrency: 2,
  onDrop: ({ error }) => {
    throw new Error(JSON.stringify(error));
  },
});
await client.indices.refresh({ index: BENCH_INDEX });
const seconds = (performance.now() - started) / 1_000;
console.log(
  JSON.stringify({
    events,
    documents: entities.size,
    seconds,
    rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  }),
);
