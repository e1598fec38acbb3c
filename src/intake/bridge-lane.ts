import { Fault, type FaultCode, isFault } from '../domain/fault.ts';
import type { ETag } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { Batch, Lane, LogReader } from '../ports/event-log.ts';
import { type BatchCounts, type BatchWork, settleBatch } from './bridge-batch.ts';

export interface BridgeLaneStatus {
  readonly partition: number;
  /** waiting = the world is away, tried again; halted = it needs somebody. */
  readonly state: 'running' | 'waiting' | 'halted';
  /** Everything before it is in the log or kept as refused. */
  readonly next: number;
  /** Offsets of the foreign topic that are not settled, as last seen. */
  readonly lag: number;
  readonly code: FaultCode | undefined;
}

export interface LaneWork extends BatchWork {
  readonly reader: LogReader;
  /** Everything that keeps the lane from going on, also what is tried again; and what it lost. */
  readonly onFault: (fault: unknown, partition: number | undefined) => void;
  readonly onSettled: (counts: BatchCounts) => void;
}

/** One foreign partition on its way into the log. */
export interface BridgeLane {
  /** Until `signal` aborts or the lane halts; then it resolves. Rejects only for what is no Fault. */
  run(signal: AbortSignal): Promise<void>;
  status(): BridgeLaneStatus;
}

const backoffMs = 1_000;

/** Waits; an abort ends it early, without an error. */
export async function waitUnlessAborted(clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
  await clock.wait(waitMs, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** The batch, or where the topic begins now when it forgot the lane's next record. */
async function pullOrFirst(lane: Lane, signal: AbortSignal): Promise<Batch | number> {
  try {
    return await lane.pull(signal);
  } catch (error) {
    if (isFault(error, 'LOG_TRIMMED') && typeof error.facts.first === 'number') return error.facts.first;
    throw error;
  }
}

export function bridgeLane(work: LaneWork, partition: number): BridgeLane {
  const { store, reader, clock, onFault } = work;
  let status: BridgeLaneStatus = { partition, state: 'running', next: 0, lag: 0, code: undefined };

  /** Notes what the topic forgot before it was read; before the very first reading nothing was missed. */
  async function passOver(from: number, until: number, etag: ETag | null): Promise<void> {
    if (etag !== null) {
      onFault(
        new Fault('LOG_TRIMMED', { topic: work.topic, partition, next: from, first: until }),
        partition,
      );
      await store.lost(partition, from, until);
    }
    await store.save(partition, until, etag);
  }

  /** From the saved progress on, until another process saved progress or the topic forgot what is next. */
  async function follow(signal: AbortSignal): Promise<void> {
    let { next, etag } = await store.load(partition);
    status = { ...status, next };
    const lane = reader.lane(partition, next);
    for (;;) {
      const batch = await pullOrFirst(lane, signal);
      if (typeof batch === 'number') return passOver(next, batch, etag);
      work.onSettled(await settleBatch(work, partition, batch.records, signal));
      next = batch.records.at(-1)!.offset + 1;
      const saved = await store.save(partition, next, etag);
      if (saved === 'changed') return;
      etag = saved;
      status = { partition, state: 'running', next, lag: batch.end - next, code: undefined };
    }
  }

  /** What a fault means for a lane: a topic that ends before the saved progress is not the one that was read. */
  function understood(error: unknown): Fault {
    if (!isFault(error)) throw error;
    return error.code === 'LOG_FORK'
      ? new Fault('BRIDGE_PROGRESS_INVALID', { topic: work.topic, partition, next: status.next }, error)
      : error;
  }

  return {
    status: () => status,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await follow(signal);
        } catch (error) {
          if (signal.aborted) return;
          const fault = understood(error);
          onFault(fault, partition);
          const state = fault.remedy === 'retry' ? 'waiting' : 'halted';
          status = { ...status, state, code: fault.code };
          if (state === 'halted') return;
          await waitUnlessAborted(clock, backoffMs, signal);
        }
      }
    },
  };
}
