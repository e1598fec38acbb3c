import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import {
  type Batch,
  bytesPerBatchMax,
  type NewRecord,
  recordsPerBatchMax,
} from '../../src/ports/event-log.ts';

/** One partition of a topic, with all that was ever acknowledged. */
interface Partition {
  records: LogRecord[];
  first: number;
  end: number;
}

/** A topic as its broker holds it: offsets may be sparse, the head may go, the topic may be made again. */
export interface Topic {
  readonly partitions: number;
  /** How often it was made; whoever reads it holds on to one of them. */
  readonly made: number;
  /** Appends after `skipped` offsets that nobody gets; answers the first offset. */
  append(partition: number, records: readonly NewRecord[], appendTime: number, skipped?: number): number;
  bounds(): { first: number; end: number }[];
  /** Lets go of all before an offset. */
  trim(partition: number, before: number): void;
  /** Another topic under the same name: nothing is left, and nobody who reads goes on. */
  remake(): void;
  /** Throws what a lane at `next` is told, or undefined where it has to wait. */
  read(partition: number, next: number): Batch | undefined;
  /** Called whenever a record came, until it answers true. */
  onGrown(look: () => boolean): void;
}

const sizeOf = ({ key, value }: NewRecord): number => (key?.length ?? 0) + (value?.length ?? 0) + 64;

export function topic(partitions: number): Topic {
  let made = 1;
  let lanes = emptyLanes();
  const waiting = new Set<() => boolean>();

  function emptyLanes(): Partition[] {
    return Array.from({ length: partitions }, () => ({ records: [], first: 0, end: 0 }));
  }

  function wake(): void {
    for (const look of [...waiting]) if (look()) waiting.delete(look);
  }

  return {
    partitions,
    get made() {
      return made;
    },
    append(partition, records, appendTime, skipped = 0) {
      const lane = lanes[partition]!;
      const first = lane.end + skipped;
      for (const [at, { key, value, headers }] of records.entries())
        lane.records.push({ key, value, headers, offset: first + at, appendTime });
      lane.end = first + records.length;
      wake();
      return first;
    },
    bounds: () => lanes.map(({ first, end }) => ({ first, end })),
    trim(partition, before) {
      const lane = lanes[partition]!;
      lane.first = Math.max(lane.first, before);
      lane.records = lane.records.filter(({ offset }) => offset >= lane.first);
      wake();
    },
    remake() {
      made += 1;
      lanes = emptyLanes();
      wake();
    },
    read(partition, next) {
      const { records, first, end } = lanes[partition]!;
      if (next > end) throw new Fault('LOG_FORK', { partition, next, end });
      if (next < first) throw new Fault('LOG_TRIMMED', { partition, next, first });
      const given: LogRecord[] = [];
      let bytes = 0;
      for (let at = indexOf(records, next); at < records.length; at += 1) {
        bytes += sizeOf(records[at]!);
        if (given.length > 0 && (bytes > bytesPerBatchMax || given.length >= recordsPerBatchMax)) break;
        given.push(records[at]!);
      }
      return given.length === 0 ? undefined : { records: given, end };
    },
    onGrown(look) {
      waiting.add(look);
    },
  };
}

/** Where the first record at or after `offset` stands. */
function indexOf(records: readonly LogRecord[], offset: number): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
