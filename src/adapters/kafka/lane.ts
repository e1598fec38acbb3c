import { Fault } from '../../domain/fault.ts';
import { type Batch, bytesPerBatchMax, type Lane, recordsPerBatchMax } from '../../ports/event-log.ts';
import { WireError } from './byte-reader.ts';
import { errorType, unavailable, unlessAborted } from './failures.ts';
import { kafkajs } from './kafkajs.ts';
import { type Link, openLink } from './link.ts';
import { type Fetched, fetchExchange } from './protocol.ts';
import { type RecordCursor, recordCursor } from './record-decoder.ts';
import { type KafkaSettings, times } from './settings.ts';

/** Empty answers for so long, though the log has more, call for a fresh connection. */
const stalledMs = 30_000;
/** A log that says its end lies before `next` for so long has lost records; shorter, a new leader may be catching up. */
const behindMs = 10_000;
const triesMax = 2;

export interface LanePlace {
  readonly topic: string;
  readonly partition: number;
}

export interface KafkaLane extends Lane {
  /** Ends the lane from outside: its pull, now or later, rejects with `fault`. */
  end(fault: Fault): void;
}

/**
 * A lane that asks the partition's leader for the next records only when it is pulled, on a connection of its own: no other
 * lane waits behind its long poll, an offset out of range is an answer and not a silent reset, and what was fetched but not
 * yet taken (at most one answer) is all it keeps. A broken connection is replaced once before the pull fails.
 */
export function kafkaLane(settings: KafkaSettings, place: LanePlace, start: number): KafkaLane {
  const { topic, partition } = place;
  const { clock } = settings;
  const facts = () => ({ topic, partition, next });
  const gone = new AbortController();
  let next = start;
  let pulling = false;
  let spent: { readonly reason: unknown } | undefined;
  let link: Link | undefined;
  let usedAt = 0;
  let cursor: RecordCursor | undefined;
  let logEnd = 0;
  /** Since when the log has given nothing and why that is odd. */
  let odd: { readonly kind: 'stalled' | 'behind'; readonly since: number } | undefined;

  const drop = (): void => {
    link?.close();
    link = undefined;
  };

  const spend = (reason: unknown): void => {
    spent ??= { reason };
    cursor = undefined;
    drop();
  };

  const linked = async (): Promise<Link> => {
    if (link !== undefined && clock.now() - usedAt > times.idleMaxMs) drop();
    if (link === undefined) {
      const opened = await openLink(settings, topic);
      if (spent !== undefined) {
        opened.close();
        throw spent.reason;
      }
      link = opened;
    }
    usedAt = clock.now();
    return link;
  };

  /** Rejects when the log's own bounds say that `next` is not in it. */
  const checkBounds = async (): Promise<void> => {
    const [bounds] = await (await linked()).bounds([partition]);
    if (next > bounds!.end) throw new Fault('LOG_FORK', { ...facts(), end: bounds!.end });
    if (next < bounds!.first) throw new Fault('LOG_TRIMMED', { ...facts(), first: bounds!.first });
  };

  const fetchOnce = async (): Promise<Fetched> => {
    const asked = fetchExchange(topic, partition, next, {
      waitMs: times.fetchWaitMs,
      bytesMax: bytesPerBatchMax,
    });
    const fetched = await (await linked()).exchange(partition, asked);
    usedAt = clock.now();
    if (fetched.errorCode !== 0) throw kafkajs().errorOf(fetched.errorCode);
    return fetched;
  };

  /** One answer's worth of records, perhaps none. Rejects with the lane's faults. */
  const fetchNext = async (): Promise<Batch | undefined> => {
    for (let tries = 1; ; tries++) {
      try {
        if (cursor === undefined) {
          const fetched = await fetchOnce();
          logEnd = fetched.highWatermark;
          cursor = recordCursor(fetched.records, next);
        }
        return await takeFrom(cursor);
      } catch (error) {
        cursor = undefined;
        if (spent !== undefined) throw spent.reason;
        drop();
        if (error instanceof Fault) throw error;
        if (errorType(error) === 'OFFSET_OUT_OF_RANGE') await confirmRange();
        if (tries >= triesMax) throw failed(error);
        settings.onNotice?.({ what: 'lane reconnects', facts: { ...facts(), reason: String(error) } });
      }
    }
  };

  const confirmRange = async (): Promise<void> => {
    try {
      await checkBounds();
    } catch (error) {
      throw spent?.reason ?? unavailable(facts(), error);
    }
  };

  const failed = (error: unknown): Fault =>
    error instanceof WireError
      ? new Fault('LOG_UNREADABLE', { ...facts(), reason: error.message }, error)
      : unavailable(facts(), error);

  const takeFrom = async (from: RecordCursor): Promise<Batch | undefined> => {
    const records = from.take(recordsPerBatchMax, bytesPerBatchMax);
    if (records.length === 0) {
      cursor = undefined;
      if (from.next === next) await lookAtNothing();
      else next = from.next;
      return undefined;
    }
    // Offsets may be missing in a log; but a log that starts later must be told as such.
    if (records[0]!.offset > next) await checkBounds();
    odd = undefined;
    next = from.next;
    return { records, end: Math.max(logEnd, records.at(-1)!.offset + 1) };
  };

  /** A throttled broker answers nothing without an error, and so does one that serves another log than ours. */
  const lookAtNothing = async (): Promise<void> => {
    const kind = logEnd > next ? 'stalled' : logEnd < next ? 'behind' : undefined;
    if (kind === undefined || odd?.kind !== kind) {
      odd = kind === undefined ? undefined : { kind, since: clock.now() };
      return;
    }
    const sinceMs = clock.now() - odd.since;
    if (kind === 'behind' && sinceMs > behindMs) {
      await checkBounds();
      odd = undefined;
    }
    if (kind === 'stalled' && sinceMs > stalledMs) {
      settings.onNotice?.({
        what: 'lane gets nothing though the log has more',
        facts: { ...facts(), end: logEnd },
      });
      odd = undefined;
      drop();
    }
  };

  const nextBatch = async (): Promise<Batch> => {
    for (;;) {
      const batch = await fetchNext();
      if (spent !== undefined) throw spent.reason;
      if (batch !== undefined) return batch;
    }
  };

  return {
    partition,
    async pull(signal) {
      if (pulling) throw new Error('a lane takes one pull at a time');
      pulling = true;
      try {
        signal.throwIfAborted();
        if (spent !== undefined) throw spent.reason;
        return await unlessAborted(nextBatch(), [signal, gone.signal]);
      } catch (error) {
        spend(error);
        throw error;
      } finally {
        pulling = false;
      }
    },
    end(fault) {
      spend(fault);
      gone.abort(fault);
    },
  };
}
