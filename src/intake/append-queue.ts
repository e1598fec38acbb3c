import { Fault, type FaultCode } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog, NewRecord } from '../ports/event-log.ts';
import type { EpochGuard } from './epoch-guard.ts';

/**
 * What became of a record. `not-appended`: certainly not in the log; `unknown`: sent, never confirmed, not sent again.
 */
export type AppendOutcome =
  | { readonly kind: 'appended'; readonly offset: number }
  | { readonly kind: 'not-appended'; readonly code: FaultCode; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** A record on its way to the log. */
export interface Waiting {
  readonly partition: number;
  readonly id: string;
  readonly fingerprint: string;
  readonly record: NewRecord;
  readonly bytes: number;
  /** Callers who wait for it. With none left it is not sent again. */
  callers: number;
  /** Whether an append of it went unanswered. */
  maybeAppended: boolean;
  outcome: AppendOutcome | undefined;
  /** Never rejects. */
  readonly settled: Promise<AppendOutcome>;
}

export interface NewWaiting {
  readonly id: string;
  readonly fingerprint: string;
  readonly record: NewRecord;
}

export interface AppendQueueOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly guard: EpochGuard;
  /** Records in memory, all partitions together. */
  readonly bytesMax: number;
  /** Of one partition, so that one that is stuck does not take what the others need. */
  readonly partitionBytesMax: number;
  /** Called in log order, before those who wait hear of it. */
  readonly onSettled: (waiting: Waiting, outcome: AppendOutcome) => void;
  /** Every failed append, also those that are tried again. */
  readonly onFault: (fault: unknown, partition: number) => void;
}

export interface AppendQueue {
  /** Takes the records of one partition in order, with one caller each; all of them or, where there is no room, none. */
  push(partition: number, records: readonly NewWaiting[]): readonly Waiting[] | 'busy';
  /**
   * A caller waits no longer. What nobody waits for and is not in flight leaves the queue, with an outcome; what is in
   * flight has none yet.
   */
  leave(waiting: readonly Waiting[]): void;
  readonly records: number;
  readonly bytes: number;
  /** Code of the last failure of each partition whose last append failed. */
  failing(): ReadonlyMap<number, FaultCode>;
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>;
}

interface LaneQueue {
  readonly partition: number;
  waiting: Waiting[];
  /** What is in flight or will be sent next as it is: the same records, in the same order. */
  batch: Waiting[];
  inFlight: boolean;
  bytes: number;
  failures: number;
  lastFault: Fault | undefined;
  running: Promise<void> | undefined;
}

/** Below the port's own bound, which holds framing too; a single larger record goes alone. */
const batchBytesMax = 1_000_000;
const batchRecordsMax = 5_000;
const framingBytes = 20;
const framingBytesPerHeader = 4;
const backoffMinMs = 50;
const backoffMaxMs = 2_000;

/** Bytes of a record as the limit counts them: key, value, header names and values. */
export const recordBytes = ({ key, value, headers }: NewRecord): number =>
  headers.reduce(
    (sum, [name, content]) => sum + name.length + (content?.length ?? 0),
    (key?.length ?? 0) + (value?.length ?? 0),
  );

const framedBytes = ({ bytes, record }: Waiting): number =>
  bytes + framingBytes + framingBytesPerHeader * record.headers.length;

function newWaiting(partition: number, { id, fingerprint, record }: NewWaiting) {
  const { promise: settled, resolve } = Promise.withResolvers<AppendOutcome>();
  const bytes = recordBytes(record);
  const waiting: Waiting = {
    ...{ partition, id, fingerprint, record, bytes, settled },
    ...{ callers: 1, maybeAppended: false, outcome: undefined },
  };
  return { waiting, resolve };
}

/**
 * Appends per partition one batch at a time, each of what waits by then (up to 1,000,000 bytes with framing, 5,000
 * records), in the order of `push`. A failed append is sent again, the same records first, until nobody waits for them:
 * order is kept, a repeat is possible. Backs off from 50 ms to 2 s while the log does not answer.
 */
export function appendQueue(options: AppendQueueOptions): AppendQueue {
  const { log, clock, guard } = options;
  const lanes: LaneQueue[] = Array.from({ length: log.partitions }, (_, partition) => newLane(partition));
  const resolvers = new Map<Waiting, (outcome: AppendOutcome) => void>();
  let bytes = 0;

  function settle(lane: LaneQueue, waiting: Waiting, outcome: AppendOutcome): void {
    waiting.outcome = outcome;
    lane.bytes -= waiting.bytes;
    bytes -= waiting.bytes;
    const resolve = resolvers.get(waiting);
    resolvers.delete(waiting);
    options.onSettled(waiting, outcome);
    resolve?.(outcome);
  }

  /** What a record is left with that is not sent again. */
  function giveUp(lane: LaneQueue, waiting: Waiting): void {
    const fault =
      lane.lastFault ?? new Fault('LOG_UNAVAILABLE', { reason: 'no append was confirmed in time' });
    const detail = fault.message;
    settle(
      lane,
      waiting,
      waiting.maybeAppended
        ? { kind: 'unknown', detail }
        : { kind: 'not-appended', code: told(fault), detail },
    );
  }

  function failed(lane: LaneQueue, error: unknown): void {
    options.onFault(error, lane.partition);
    const fault =
      error instanceof Fault ? error : new Fault('APPEND_UNKNOWN', { reason: reasonOf(error) }, error);
    lane.lastFault = fault;
    lane.failures += 1;
    if (fault.code === 'APPEND_UNKNOWN') for (const waiting of lane.batch) waiting.maybeAppended = true;
    if (fault.code === 'RECORD_TOO_LARGE' && lane.batch.length > 1) {
      // The broker's own bound may be lower than ours.
      lane.waiting.unshift(...lane.batch.splice(Math.ceil(lane.batch.length / 2)));
      return;
    }
    const again = fault.remedy === 'retry' && fault.code !== 'EPOCH_CLOSED';
    const [kept, left] = partitioned(lane.batch, ({ callers }) => again && callers > 0);
    lane.batch = kept;
    for (const waiting of left) giveUp(lane, waiting);
  }

  /** Sends the batch once; answers its first offset, or undefined when it failed. */
  async function send(lane: LaneQueue): Promise<number | undefined> {
    lane.inFlight = true;
    try {
      const lookedAt = await guard.before();
      const records = lane.batch.map(({ record }) => record);
      const { first } = await log.append(lane.partition, records);
      await guard.after(lookedAt);
      return first;
    } catch (error) {
      failed(lane, error);
      return undefined;
    } finally {
      lane.inFlight = false;
    }
  }

  function appended(lane: LaneQueue, first: number): void {
    const { batch } = lane;
    [lane.batch, lane.failures, lane.lastFault] = [[], 0, undefined];
    for (const [i, waiting] of batch.entries())
      settle(lane, waiting, { kind: 'appended', offset: first + i });
  }

  async function run(lane: LaneQueue): Promise<void> {
    // What is pushed in the same turn goes in one batch.
    await Promise.resolve();
    for (;;) {
      if (lane.batch.length === 0) lane.batch = takeBatch(lane);
      if (lane.batch.length === 0) break;
      const first = await send(lane);
      if (first !== undefined) appended(lane, first);
      else if (lane.batch.length + lane.waiting.length > 0) await clock.wait(backoffMs(lane.failures));
    }
    lane.running = undefined;
  }

  function leaveLane(lane: LaneQueue): void {
    const isLeft = ({ callers }: Waiting): boolean => callers === 0;
    const [batch, leftInBatch] = lane.inFlight
      ? [lane.batch, []]
      : partitioned(lane.batch, (w) => !isLeft(w));
    const [waiting, left] = partitioned(lane.waiting, (w) => !isLeft(w));
    [lane.batch, lane.waiting] = [batch, waiting];
    for (const gone of [...leftInBatch, ...left]) giveUp(lane, gone);
  }

  return {
    push(partition, records) {
      const lane = lanes[partition]!;
      const made = records.map((record) => newWaiting(partition, record));
      const size = made.reduce((sum, { waiting }) => sum + waiting.bytes, 0);
      // Into an empty queue anything goes, else what is larger than the bound would never go.
      if (lane.bytes > 0 && lane.bytes + size > options.partitionBytesMax) return 'busy';
      if (bytes > 0 && bytes + size > options.bytesMax) return 'busy';
      bytes += size;
      lane.bytes += size;
      for (const { waiting, resolve } of made) {
        resolvers.set(waiting, resolve);
        lane.waiting.push(waiting);
      }
      lane.running ??= run(lane);
      return made.map(({ waiting }) => waiting);
    },
    leave(waiting) {
      for (const one of waiting) one.callers -= 1;
      for (const partition of new Set(waiting.map((one) => one.partition))) leaveLane(lanes[partition]!);
    },
    get records() {
      return resolvers.size;
    },
    get bytes() {
      return bytes;
    },
    failing: () =>
      new Map(
        lanes.flatMap(({ partition, lastFault }) =>
          lastFault === undefined ? [] : [[partition, lastFault.code] as const],
        ),
      ),
    async idle() {
      while (lanes.some(({ running }) => running !== undefined))
        await Promise.all(lanes.map(({ running }) => running));
    },
  };
}

/** What a caller can do about it: send it again later, or something about the event. */
const told = ({ code, remedy }: Fault): FaultCode =>
  remedy === 'retry' && code !== 'EPOCH_CLOSED' ? 'LOG_UNAVAILABLE' : code;

const newLane = (partition: number): LaneQueue => ({
  ...{ partition, waiting: [], batch: [], inFlight: false, bytes: 0, failures: 0 },
  ...{ lastFault: undefined, running: undefined },
});

function takeBatch(lane: LaneQueue): Waiting[] {
  let [count, size] = [0, 0];
  while (count < lane.waiting.length && count < batchRecordsMax) {
    size += framedBytes(lane.waiting[count]!);
    if (count > 0 && size > batchBytesMax) break;
    count += 1;
  }
  return lane.waiting.splice(0, count);
}

const backoffMs = (failures: number): number =>
  Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 1, 16));

function partitioned<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  const [kept, left]: [T[], T[]] = [[], []];
  for (const item of items) (belongs(item) ? kept : left).push(item);
  return [kept, left];
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
