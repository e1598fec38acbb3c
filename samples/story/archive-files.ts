import type { LogRecord } from '../../src/domain/event.ts';
import { eventSchemaSha256, eventSchemaText } from '../../src/formats/event.ts';
import { leafHash, recordHash, recordLeafText } from '../../src/formats/leaf.ts';
import { encodeRecord, encodeSegment } from '../../src/formats/segment.ts';
import { uuid8 } from '../../src/formats/uuid8.ts';
import {
  epochName,
  leavesName,
  schemaName,
  schemaRefName,
  segmentName,
} from '../../src/streams/archive-names.ts';
import { type Epoch, type EpochEnd, topicOf } from '../../src/streams/epochs.ts';
import { firstDay, quarterOf } from './calendar.ts';
import { epoch, type Log, partitions, schemaId } from './scribe.ts';

const name = 'annal';

/** `sample.json`: the end cut of the archive, recorded so that a start need not look for it. */
export interface SampleEnd extends EpochEnd {
  readonly events: number;
  /** URNs with at least one event, deleted ones too. */
  readonly entities: number;
}

const epochFile: Epoch = {
  v: 1,
  epoch,
  // A placeholder: whoever adopts the sample gives it an id of its own.
  log: uuid8('annal-sample/log'),
  name,
  topic: topicOf(name, epoch),
  partitions,
  partitioner: 'murmur2',
  previous: null,
  openedAt: new Date(firstDay).toISOString(),
};

const jsonFile = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);

/** The records of each quarter of a year: a segment each. */
const quarters = (records: readonly LogRecord[]): readonly (readonly LogRecord[])[] => [
  ...Map.groupBy(records, ({ appendTime }) => quarterOf(appendTime)).values(),
];

/** The log as an archive in a folder: path below the folder, bytes. */
export function archiveFiles({ lanes, entities }: Log): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>([
    [`archive/${epochName(epoch)}`, jsonFile(epochFile)],
    [`archive/${schemaName(eventSchemaSha256)}`, Buffer.from(eventSchemaText)],
    [
      `archive/${schemaRefName({ kind: 'confluent', id: schemaId })}`,
      Buffer.from(`{"sha256":"${eventSchemaSha256}"}`),
    ],
  ]);
  for (const [partition, lane] of lanes.entries()) {
    const place = { topic: name, epoch, partition };
    for (const records of quarters(lane)) {
      const first = records[0]!.offset;
      const encoded = records.map(encodeRecord);
      const leaves = encoded.map((bytes, i) =>
        leafHash(recordLeafText({ epoch, partition, offset: first + i }, recordHash(bytes))),
      );
      files.set(`archive/${segmentName(place, first)}`, encodeSegment(place, encoded));
      files.set(`state/${leavesName(place, first)}`, Buffer.concat(leaves));
    }
  }
  const end: SampleEnd = {
    epoch,
    next: lanes.map(({ length }) => length),
    timeMax: Math.max(...lanes.map((lane) => lane.at(-1)!.appendTime)),
    events: lanes.reduce((sum, { length }) => sum + length, 0),
    entities,
  };
  files.set('sample.json', jsonFile(end));
  return files;
}
