import { Fault, isFault } from '../domain/fault.ts';
import { formatPosition } from '../domain/position.ts';
import { detached } from '../formats/record-view.ts';
import { originalHash, restoredHash, toRestored } from '../formats/restored.ts';
import type { Clock } from '../ports/clock.ts';
import { appendBytesMax, type EventLog, type LogBounds, type NewRecord } from '../ports/event-log.ts';
import { patiently } from './patiently.ts';
import type { Placed } from './restore-walk.ts';
import type { TopicRecords } from './restored-lane.ts';

/** Of one append: Event Hubs takes 1 MB a batch, framing included. */
const batchBytesMax = 1_000_000;
/** Of all partitions together: by key, each has a batch that waits. */
const waitingBytesMax = 128 * 1024 * 1024;
const batchRecordsMax = 5_000;
/** Framing of a record and of a header, at most; and of the append around one record. */
const framing = { record: 24, header: 8, append: 500 } as const;
/** For a broker that is away or starts again. */
const patienceMs = 60_000;
const endLookMs = 500;
const unansweredMax = 3;

/** What is added to a record, at most. */
const addedBytesMax = 300;

/** Bytes that a record takes in an append, framing included. */
export function appendBytesOf({ key, value, headers }: NewRecord): number {
  let bytes = framing.record + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += framing.header + name.length + (content?.length ?? 0);
  return bytes;
}

/** Whether an append can hold an archived record with what is added to it. Intake's always fit; a stranger's may not. */
export const isRestorable = (record: NewRecord): boolean =>
  appendBytesOf(record) + addedBytesMax + framing.append <= appendBytesMax;

export interface PublishOptions {
  readonly log: EventLog;
  readonly topic: string;
  readonly partition: number;
  /** What the partition held when this began, and its records. */
  readonly bounds: LogBounds;
  readonly there: TopicRecords;
  readonly clock: Clock;
  /** As the host's. */
  readonly lateMs: number;
  readonly signal: AbortSignal;
  /** Under which id readers find the schema of a record now; undefined = it says none that is known. */
  readonly registryIdOf: (placed: Placed) => Promise<number | undefined> | undefined;
  readonly onAppended: (records: number) => void | Promise<void>;
}

/** One partition's way into the topic. */
export interface LanePublisher {
  /** Compares a record that is restorable with the one that is there, or appends it with others. */
  take(placed: Placed): Promise<void>;
  /** Appends what waits. Rejects with `RESTORE_DIFFERS` where the topic held more. */
  end(): Promise<void>;
}

/**
 * Brings one partition of a topic up to what the archive has for it: what is there has to be how that begins, leaf hash by
 * leaf hash (`RESTORE_DIFFERS`), and the rest is appended behind it, one append in flight. Each append has to come to lie
 * where the one before ended, else somebody else writes to the topic.
 */
export function publishLane(options: PublishOptions): LanePublisher {
  const { topic, partition, bounds, there, signal } = options;
  let present = bounds.end > bounds.first;
  let next = bounds.end;
  const batchMost = Math.min(batchBytesMax, Math.floor(waitingBytesMax / options.log.partitions));
  let batch: NewRecord[] = [];
  let batchBytes = 0;

  const differs = (reason: string, at?: Placed): Fault =>
    new Fault('RESTORE_DIFFERS', {
      ...{ topic, partition, reason },
      ...(at === undefined ? {} : { position: formatPosition(at.position) }),
    });

  async function flush(): Promise<void> {
    if (batch.length === 0) return;
    signal.throwIfAborted();
    const first = await appendOnce(options, batch, next);
    if (first !== next) throw differs(`an append came to offset ${first}, where ${next} was due`);
    next += batch.length;
    const appended = batch.length;
    [batch, batchBytes] = [[], 0];
    await options.onAppended(appended);
  }

  return {
    async take(placed) {
      if (bounds.first > 0) throw differs(`its records before offset ${bounds.first} are gone`);
      const found = present ? await there.next(signal) : undefined;
      present = found !== undefined;
      if (found !== undefined) {
        const expected = originalHash(placed.position, placed.view.bytes);
        if (restoredHash(found)?.hash.equals(expected) === true) return;
        throw differs(`offset ${found.offset} holds another record`, placed);
      }
      const { position, view } = placed;
      // By key, a partition of few records waits long: what it waits with must not be blocks of the archive.
      const record = toRestored({ position, record: detached(view) }, await options.registryIdOf(placed));
      const bytes = appendBytesOf(record);
      if (batchBytes + bytes > batchMost || batch.length === batchRecordsMax) await flush();
      batch.push(record);
      batchBytes += bytes;
    },
    async end() {
      const more = present ? await there.next(signal) : undefined;
      if (more !== undefined) throw differs(`offset ${more.offset} is more than the archive has`);
      await flush();
    },
  };
}

/** Appends records so that they are in the log once, whatever is answered; gives the offset of the first. */
async function appendOnce(
  options: PublishOptions,
  batch: readonly NewRecord[],
  next: number,
): Promise<number> {
  const { log, partition, clock, signal } = options;
  const send = async (): Promise<number | 'unknown'> => {
    try {
      return (await log.append(partition, batch)).first;
    } catch (error) {
      if (isFault(error, 'APPEND_UNKNOWN')) return 'unknown';
      throw error;
    }
  };
  for (let unanswered = 0; unanswered < unansweredMax; unanswered += 1) {
    const answer = await patiently(send, { clock, patienceMs, signal });
    const first = answer === 'unknown' ? await foundAt(options, batch.length, next) : answer;
    if (first !== undefined) return first;
  }
  throw new Fault('LOG_UNAVAILABLE', { topic: options.topic, partition, reason: 'appends get no answer' });
}

/**
 * Where an append lies of which no answer came: the log's end tells. Undefined once it cannot come any more. What it holds is
 * compared at the end, as everything. Rejects with `APPEND_UNKNOWN` where nobody can tell: it may come yet.
 */
async function foundAt(
  { log, topic, partition, clock, lateMs, signal }: PublishOptions,
  records: number,
  next: number,
): Promise<number | undefined> {
  const until = clock.now() + lateMs;
  try {
    for (;;) {
      const { end } = (await patiently(() => log.bounds(), { clock, patienceMs, signal }))[partition]!;
      if (end > next) return end - records;
      if (clock.now() >= until) return undefined;
      await clock.wait(endLookMs, signal);
    }
  } catch (error) {
    throw new Fault('APPEND_UNKNOWN', { topic, partition }, error);
  }
}
