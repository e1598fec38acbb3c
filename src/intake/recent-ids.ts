import { hash } from 'node:crypto';
import type { MetadataChangeEvent } from '../domain/event.ts';
import { isFault } from '../domain/fault.ts';
import { encodeEvent, readEvent } from '../formats/event.ts';
import type { Clock } from '../ports/clock.ts';
import { type EventLog, type LogReader, recordsPerBatchMax } from '../ports/event-log.ts';
import { readRecord } from '../projections/read-record.ts';

/** Where an id was appended first, as far back as the window goes, and what the event said. */
export interface RecentId {
  readonly partition: number;
  readonly offset: number;
  readonly fingerprint: string;
}

/** The last ids of each partition, oldest forgotten first. */
export interface RecentIds {
  find(id: string): RecentId | undefined;
  /** An id that is there already keeps its first place. */
  note(id: string, seen: RecentId): void;
}

/** `idsMax` per partition; some 200 bytes each. */
export function recentIds(idsMax: number): RecentIds {
  const seenById = new Map<string, RecentId>();
  const rings = new Map<number, { readonly ids: string[]; oldest: number }>();
  return {
    find: (id) => seenById.get(id),
    note(id, seen) {
      if (seenById.has(id)) return;
      seenById.set(id, seen);
      let ring = rings.get(seen.partition);
      if (ring === undefined) {
        ring = { ids: [], oldest: 0 };
        rings.set(seen.partition, ring);
      }
      if (ring.ids.length < idsMax) {
        ring.ids.push(id);
        return;
      }
      seenById.delete(ring.ids[ring.oldest]!);
      ring.ids[ring.oldest] = id;
      ring.oldest = (ring.oldest + 1) % idsMax;
    },
  };
}

/**
 * What an event says, as far as its sender decides it: two events of one id are the same if these are equal. Left out is
 * what intake writes (a rule or a schema may be new) and the time, which it fills in where none was sent.
 */
export const fingerprintOf = (event: MetadataChangeEvent): string =>
  hash(
    'sha256',
    encodeEvent({
      ...event,
      occurredAt: 0,
      recordedBy: '',
      namespace: '',
      entityType: '',
      aspectSchema: null,
    }),
    'base64url',
  ).slice(0, 22);

export interface FillOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly idsMax: number;
  /** Read of one partition at most, before older records are passed over. */
  readonly bytesMax: number;
  /** For all partitions together; then what is known must do. */
  readonly waitMs: number;
}

const bytesOf = ({ key, value }: { key: Uint8Array | null; value: Uint8Array | null }): number =>
  (key?.length ?? 0) + (value?.length ?? 0);

/** The end of one partition: its last `idsMax` offsets, fewer where they have more than `bytesMax` bytes. */
async function fillPartition(
  recent: RecentIds,
  reader: LogReader,
  { partition, first, end }: { readonly partition: number; readonly first: number; readonly end: number },
  { log, bytesMax, signal }: FillOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const place = { epoch: log.epoch, partition, partitions: log.partitions };
  let [next, lane, bytes] = [first, reader.lane(partition, first), 0];
  while (next < end) {
    const { records } = await lane.pull(signal);
    for (const record of records) {
      bytes += bytesOf(record);
      const read = readRecord(record, place, 0, () => undefined);
      // Of another schema version or none of ours: the fold remembers the ids that count.
      if (read.kind === 'quarantined') continue;
      const { id, avro } = read.event;
      recent.note(id, { partition, offset: record.offset, fingerprint: fingerprintOf(readEvent(avro)) });
    }
    next = records.at(-1)!.offset + 1;
    if (bytes > bytesMax && next < end) {
      next = end - Math.ceil((end - next) / 2);
      [lane, bytes] = [reader.lane(partition, next), 0];
    }
  }
}

/**
 * Fills the window from the end of the log, so that a repeat is recognised after a restart. Answers the faults that kept it
 * from being whole: the log or a part of it could not be read in time. That is no error: a repeat in the log has no second
 * effect.
 */
export async function fillRecentIds(recent: RecentIds, options: FillOptions): Promise<readonly unknown[]> {
  const { log, clock, idsMax, waitMs } = options;
  const over = new AbortController();
  const timer = new AbortController();
  const timed = clock.wait(waitMs, timer.signal).then(
    () => over.abort(new Error(`not filled within ${waitMs} ms`)),
    () => over.abort(new Error('filled')),
  );
  const faults: unknown[] = [];
  try {
    const bounds = await log.bounds();
    const parts = bounds
      .map(({ first, end }, partition) => ({ partition, first: Math.max(first, end - idsMax), end }))
      .filter(({ first, end }) => first < end);
    if (parts.length > 0) {
      await using reader = await log.reader(null);
      const work = parts.map((part) =>
        fillPartition(recent, reader, part, { ...options, signal: over.signal }),
      );
      for (const done of await Promise.allSettled(work))
        if (done.status === 'rejected') faults.push(done.reason);
    }
  } catch (error) {
    if (!isFault(error) && error !== over.signal.reason) throw error;
    faults.push(error);
  } finally {
    timer.abort();
    await timed;
  }
  return faults;
}

/** Ids kept per partition, so that a log of many partitions does not take much more memory than one of few. */
export const recentIdsMax = (partitions: number): number =>
  Math.max(100, Math.min(recordsPerBatchMax, Math.floor(200_000 / partitions)));
