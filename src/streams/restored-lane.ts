import type { LogRecord } from '../domain/event.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { formatPosition } from '../domain/position.ts';
import { type Digest, leafDigest, originalHash, restoredHash } from '../formats/restored.ts';
import type { EpochTopic, EventLog, LogBounds, LogHost, LogReader } from '../ports/event-log.ts';
import { refuseUnfit } from './next-epoch.ts';
import type { Placed } from './restore-walk.ts';

/** Opens a topic, made now where there is none. Where we may not, `TOPIC_FORBIDDEN` says what has to be made. */
export async function openRestored(host: LogHost, topic: EpochTopic): Promise<EventLog> {
  let forbidden: Fault | undefined;
  try {
    await host.create(topic);
  } catch (error) {
    if (!isFault(error, 'TOPIC_FORBIDDEN')) throw error;
    forbidden = error;
  }
  try {
    const log = await host.open(topic);
    await refuseUnfit(host, topic);
    return log;
  } catch (error) {
    if (forbidden === undefined || !isFault(error, 'TOPIC_MISSING')) throw error;
    const { topic: name, partitions } = topic;
    throw new Fault('TOPIC_FORBIDDEN', { topic: name, partitions, reason: forbidden.facts.reason }, error);
  }
}

/** Records of a partition up to the end that it had, one at a time. */
export interface TopicRecords {
  /** Undefined at the end. Rejects as `Lane.pull` does. */
  next(signal: AbortSignal): Promise<LogRecord | undefined>;
}

export function topicRecords(reader: LogReader, partition: number, { first, end }: LogBounds): TopicRecords {
  let records: readonly LogRecord[] = [];
  let [at, next] = [0, first];
  let lane = first < end ? reader.lane(partition, first) : undefined;
  return {
    async next(signal) {
      if (lane === undefined) return undefined;
      if (at === records.length) {
        ({ records } = await lane.pull(signal));
        at = 0;
      }
      const record = records[at]!;
      at += 1;
      if (record.offset >= end) return undefined;
      next = record.offset + 1;
      // A pull behind the last record would wait for one.
      if (next >= end) lane = undefined;
      return record;
    },
  };
}

/** A partition of a restored topic beside what the archive has for it. */
export interface ComparedLane {
  readonly partition: number;
  readonly archive: Digest;
  readonly topic: Digest;
  readonly equal: boolean;
  /** The first archived record for which the topic has another one or none; `end` where it has more than there are. */
  readonly differsAt: string | null;
}

/** Takes both sides of a partition in step, to their ends. */
export interface LaneComparison {
  take(placed: Placed, signal: AbortSignal): Promise<void>;
  end(signal: AbortSignal): Promise<ComparedLane>;
}

export function compareLane(partition: number, found: TopicRecords): LaneComparison {
  const [archive, topic] = [leafDigest(), leafDigest()];
  let differsAt: string | null = null;
  return {
    async take({ position, view }, signal) {
      const expected = originalHash(position, view.bytes);
      archive.add(expected);
      const record = await found.next(signal);
      const hash = record === undefined ? undefined : restoredHash(record)?.hash;
      if (record !== undefined) topic.add(hash);
      if (hash?.equals(expected) !== true) differsAt ??= formatPosition(position);
    },
    async end(signal) {
      for (let more = await found.next(signal); more !== undefined; more = await found.next(signal)) {
        topic.add(restoredHash(more)?.hash);
        differsAt ??= 'end';
      }
      const sides = { archive: archive.told(), topic: topic.told() };
      return { partition, ...sides, equal: sides.archive.digest === sides.topic.digest, differsAt };
    },
  };
}
