import { Fault } from '../../domain/fault.ts';
import { type Batch, bytesPerBatchMax, recordsPerBatchMax } from '../../ports/event-log.ts';
import { kafkajs } from './kafkajs.ts';
import { isFit, type Link, openLink } from './link.ts';
import { type Fetched, fetchExchange } from './protocol.ts';
import { type RecordCursor, recordCursor } from './record-decoder.ts';
import { type KafkaSettings, times } from './settings.ts';

/** Empty answers for so long, though the log has more, call for a fresh connection. */
const stalledMs = 30_000;
/** A log that says its end lies before `next` for so long has lost records; shorter, a new leader may be catching up. */
const behindMs = 10_000;
/** A lane that got nothing though the log has more asks again after so long, twice as long each time. */
const restMs = { first: 50, max: 2_000 } as const;
/**
 * Of one answer. What consumers ask for by default, and enough for full speed; every lane keeps an answer while it works on it.
 * A larger record comes all the same.
 */
const fetchBytesMax = 1024 * 1024;
/** No broker makes a lane wait for longer. */
const throttleMaxMs = 5_000;

export interface LanePlace {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Records of one partition from `start` on, fetched only when asked for, over a connection of its own. What was fetched but
 * not yet taken (at most one answer) is all it keeps. Any rejection may be answered by `reset` and asking again.
 */
export interface RecordSource {
  /**
   * The next records, or undefined when the log had none for some seconds. Rejects with `LOG_FORK` and `LOG_TRIMMED`, with
   * `WireError`, and with what kafkajs says.
   */
  some(): Promise<Batch | undefined>;
  /** Rejects with `LOG_FORK` or `LOG_TRIMMED` when the log's own bounds say that the next offset is not in it. */
  checkBounds(): Promise<void>;
  /** Drops the connection and what is not yet taken; what was taken stays taken. */
  reset(): void;
  /** As `reset`, for good. */
  close(): void;
  /** Offset of the record that is asked for next. */
  readonly next: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

export function recordSource(settings: KafkaSettings, place: LanePlace, start: number): RecordSource {
  const { clock } = settings;
  const { topic, partition } = place;
  let next = start;
  let link: Link | undefined;
  let usedAt = 0;
  let closed = false;
  let cursor: RecordCursor | undefined;
  let logEnd = 0;
  /** Since when the log has given nothing, and why that is odd. */
  let odd: { readonly kind: 'stalled' | 'behind'; readonly since: number } | undefined;
  let throttleMs = 0;
  let rests = 0;
  const closing = new AbortController();

  const facts = () => ({ ...place, next });

  const reset = (): void => {
    cursor = undefined;
    link?.close();
    link = undefined;
  };

  const linked = async (): Promise<Link> => {
    if (link !== undefined && !isFit(link, usedAt, clock.now())) reset();
    if (link === undefined) {
      const opened = await openLink(settings, topic);
      if (closed) opened.close();
      link = opened;
    }
    usedAt = clock.now();
    return link;
  };

  const checkBounds = async (): Promise<void> => {
    const [bounds] = await (await linked()).bounds([partition]);
    if (next > bounds!.end) throw new Fault('LOG_FORK', { ...facts(), end: bounds!.end });
    if (next < bounds!.first) throw new Fault('LOG_TRIMMED', { ...facts(), first: bounds!.first });
  };

  const fetch = async (): Promise<Fetched> => {
    const bounds = { waitMs: times.fetchWaitMs, bytesMax: fetchBytesMax };
    const fetched = await (await linked()).exchange(partition, fetchExchange(topic, partition, next, bounds));
    usedAt = clock.now();
    if (fetched.errorCode !== 0) throw kafkajs().errorOf(fetched.errorCode);
    return fetched;
  };

  const rest = async (): Promise<void> => {
    const ownMs = Math.min(restMs.first * 2 ** rests, restMs.max);
    rests += 1;
    // Ended early by closing: then nobody waits for what comes next.
    await clock.wait(Math.max(ownMs, Math.min(throttleMs, throttleMaxMs)), closing.signal).catch(() => {});
  };

  /** A throttled broker answers nothing without an error, and so does one that serves another log than ours. */
  const lookAtNothing = async (): Promise<void> => {
    const kind = logEnd > next ? 'stalled' : logEnd < next ? 'behind' : undefined;
    if (kind !== undefined) await rest();
    if (kind === undefined || odd?.kind !== kind) {
      odd = kind === undefined ? undefined : { kind, since: clock.now() };
      return;
    }
    const sinceMs = clock.now() - odd.since;
    if (sinceMs <= (kind === 'behind' ? behindMs : stalledMs)) return;
    odd = undefined;
    if (kind === 'behind') return checkBounds();
    settings.onNotice?.({
      what: 'lane gets nothing though the log has more',
      facts: { ...facts(), end: logEnd },
    });
    reset();
  };

  return {
    get next() {
      return next;
    },
    get facts() {
      return facts();
    },
    async some() {
      if (cursor === undefined) {
        const fetched = await fetch();
        logEnd = fetched.highWatermark;
        throttleMs = fetched.throttleMs;
        cursor = recordCursor(fetched.records, next);
      }
      const from = cursor;
      const records = from.take(recordsPerBatchMax, bytesPerBatchMax);
      if (records.length === 0) {
        cursor = undefined;
        if (from.next === next) await lookAtNothing();
        next = Math.max(next, from.next);
        return undefined;
      }
      // Offsets may be missing in a log; but a log that starts later must be told as such.
      if (records[0]!.offset > next) await checkBounds();
      odd = undefined;
      rests = 0;
      next = from.next;
      return { records, end: Math.max(logEnd, next) };
    },
    checkBounds,
    reset,
    close() {
      closed = true;
      closing.abort();
      reset();
    },
  };
}
