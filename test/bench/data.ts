import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { encodeEvent } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { encodeRecord, encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { eventHeaders } from '../given/events.ts';
import { anEpoch } from '../given/world.ts';

export const eventsDefault = 500_000;
const eventsPerEntity = 5;
const spread = 7_919;

/** Values of 70 to 170 bytes that the aspects' schemas take. */
const values: readonly (readonly [aspect: string, value: (n: number, entity: number) => object])[] = [
  [
    'datasetProperties',
    (n, entity) => ({
      name: `table ${entity}`,
      description: `Rows of source ${entity % 997}, late ones in run ${n}`,
      customProperties: { retention: '400 days' },
    }),
  ],
  [
    'ownership',
    (n) => ({
      owners: [
        { owner: `urn:li:corpuser:u-${n % 997}`, type: 'TECHNICAL_OWNER' },
        { owner: `urn:li:corpGroup:team-${n % 41}`, type: 'BUSINESS_OWNER' },
      ],
    }),
  ],
  [
    'globalTags',
    (n) => ({
      tags: [
        { tag: `urn:li:tag:tier-${n % 4}`, context: `rule ${n % 211}` },
        { tag: `urn:li:tag:domain-${n % 57}`, context: `run ${n}` },
      ],
    }),
  ],
  [
    'domains',
    (n) => ({ domains: [`urn:li:domain:sales-and-service-${n % 31}`, `urn:li:domain:reporting-${n % 13}`] }),
  ],
  [
    'institutionalMemory',
    (n, entity) => ({
      elements: [
        {
          url: `https://wiki.example.org/data/${entity}`,
          description: `Page ${n}`,
          createStamp: { time: 1_763_600_000_000 + n, actor: `urn:li:corpuser:u-${n % 997}` },
        },
      ],
    }),
  ],
];

/**
 * Event `n` of `total`: about 275 bytes of Avro; `total / 5` entities, each touched five times with random-looking gaps, so
 * that two thirds of the events survive a fold to the latest value per aspect.
 */
export function benchEvent(n: number, total: number): MetadataChangeEvent {
  const entity = (n * spread) % Math.ceil(total / eventsPerEntity);
  const [aspect, value] = values[((n * 2_654_435_761) >>> 7) % values.length]!;
  return {
    urn: `urn:li:dataset:(urn:li:dataPlatform:hive,db_${entity % 50}.table_${entity},PROD)`,
    aspect,
    change: 'UPSERT',
    id: `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`,
    namespace: `db_${entity % 50}`,
    entityType: 'dataset',
    occurredAt: 1_763_600_000_000 + n,
    expect: null,
    actor: '',
    recordedBy: 'token:bench',
    group: null,
    aspectSchema: `${aspect}/1`,
    source: null,
    correlationId: null,
    causationId: null,
    value: Buffer.from(JSON.stringify(value(n, entity))),
  };
}

export const benchPartitions = 4;
/** Of the topic that is archived. */
export const archivePartitions = 32;
const recordsPerSegment = 30_000;

/** Writes `total` events into an archive as one epoch of 4 partitions, in segments of 30,000 records. */
export async function fillArchive(
  store: ArchiveStore,
  total: number,
): Promise<{ epoch: Epoch; next: number[]; bytes: number }> {
  const epoch = await openEpoch(store.truth, anEpoch(1, benchPartitions));
  const next = new Array<number>(benchPartitions).fill(0);
  const pending: Buffer[][] = next.map(() => []);
  let bytes = 0;
  const flush = async (partition: number): Promise<void> => {
    const records = pending[partition]!;
    if (records.length === 0) return;
    const lane = { topic: epoch.name, epoch: 1, partition };
    const file = encodeSegment(lane, records);
    bytes += file.length;
    await store.truth.create(segmentName(lane, next[partition]! - records.length), file);
    pending[partition] = [];
  };
  const headers = eventHeaders(1);
  for (let n = 0; n < total; n += 1) {
    const event = benchEvent(n, total);
    const partition = partitionOf(event.urn, benchPartitions);
    const value = encodeEvent(event);
    const record = {
      offset: next[partition]!,
      appendTime: event.occurredAt,
      key: Buffer.from(event.urn),
      value,
      headers,
    };
    pending[partition]!.push(encodeRecord(record));
    next[partition]! += 1;
    if (pending[partition]!.length === recordsPerSegment) await flush(partition);
  }
  for (const partition of next.keys()) await flush(partition);
  return { epoch, next, bytes };
}

/** A request body of `count` events as clients send them. */
export const requestBody = (from: number, count: number, total: number): Buffer =>
  Buffer.from(
    `[${Array.from({ length: count }, (_, at) => {
      const { urn, aspect, value } = benchEvent(from + at, total);
      return `{"urn":"${urn}","aspect":"${aspect}","value":${Buffer.from(value!).toString()}}`;
    }).join(',')}]`,
  );
