// The plain way to rebuild an index from the same archive, for comparison: read each segment with avsc, fold the latest
// change of each aspect into a Map (its value, and who made it when, as `entities` shows them), write one document per
// entity with the Elasticsearch client's bulk helper. No proof, no outcomes, no ids against repeats, no progress; the
// engine's own dynamic mapping makes the documents searchable. Usage: node plain-rebuild.ts; prints one JSON line.
import { zstdDecompressSync } from 'node:zlib';
import { BlobServiceClient } from '@azure/storage-blob';
import { Client } from '@elastic/elasticsearch';
import avro from 'avsc';
import { eventSchemaText } from '../../../src/formats/event.ts';

interface Entity {
  readonly urn: string;
  readonly type: string;
  readonly namespace: string;
  readonly aspects: Record<string, object>;
}

const { BENCH_BLOB = '', BENCH_PREFIX = '', BENCH_ELASTICSEARCH = '', BENCH_INDEX = '' } = process.env;
const started = performance.now();
const container = BlobServiceClient.fromConnectionString(BENCH_BLOB).getContainerClient(
  `${BENCH_PREFIX}-archive`,
);
const eventType = avro.Type.forSchema(JSON.parse(eventSchemaText));
const entities = new Map<string, Entity>();
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
  for await (const { offset, appendTime, value } of decoder) {
    const event = eventType.fromBuffer(value);
    const { urn, entityType: type, namespace, change, occurredAt, recordedBy, aspectSchema } = event;
    const id = event.id.toString('hex');
    const aspects = entities.get(urn)?.aspects ?? {};
    aspects[event.aspect] = {
      event: {
        offset,
        time: appendTime,
        change,
        id,
        namespace,
        occurredAt,
        recordedBy,
        schema: aspectSchema,
      },
      value: JSON.parse(event.value.toString()),
    };
    entities.set(urn, { urn, type, namespace, aspects });
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
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    events,
    documents: entities.size,
    seconds,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    rssMiB: Math.round(maxRSS / 1_024),
  }),
);
