import { partitionOf } from '../../src/formats/partition.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { anEvent, recordOf } from '../given/events.ts';

const aspects = ['datasetProperties', 'ownership', 'globalTags'];
const urnsMax = 5;
const urns = new Map<string, readonly string[]>();

/** Names of entities whose events go to a partition. */
function urnsOf(partition: number, partitions: number): readonly string[] {
  const key = `${partition} ${partitions}`;
  const known = urns.get(key);
  if (known !== undefined) return known;
  const found: string[] = [];
  for (let n = 0; found.length < urnsMax; n += 1) {
    const urn = `urn:li:dataset:(urn:li:dataPlatform:hive,t${n},PROD)`;
    if (partitionOf(urn, partitions) === partition) found.push(urn);
  }
  urns.set(key, found);
  return found;
}

/** The nth event, as it comes to its partition. */
export function eventOf(n: number, partition: number, partitions: number): NewRecord {
  const urn = urnsOf(partition, partitions)[n % urnsMax]!;
  const { key, value, headers } = recordOf(anEvent({ n, urn, aspect: aspects[n % aspects.length]! }), 0);
  return { key, value, headers };
}

/** A record that is no event of this log; every third has no value. */
export const foreign = (n: number): NewRecord => ({
  key: Buffer.from(`k${n % 5}`),
  value: n % 3 === 0 ? null : Buffer.from(`record ${n}`),
  headers: [],
});
