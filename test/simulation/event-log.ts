import { Fault } from '../../src/domain/fault.ts';
import {
  appendBytesMax,
  type Batch,
  type EpochTopic,
  type EventLog,
  type Lane,
  type LogHost,
  type LogReader,
  type NewRecord,
} from '../../src/ports/event-log.ts';
import { topic as newTopic, type Topic } from './broker.ts';
import type { Wire } from './wire.ts';

/** What the world may do to those who read; a calm one does nothing. */
export interface ReaderWorld {
  /** Partitions that a member of a group holds, and how it hears of others. */
  join(member: (held: ReadonlySet<number>) => void): ReadonlySet<number>;
  /** What becomes of an answer on its way: a connection may lose records without a word. */
  carried(batch: Batch): Batch;
}

export interface SimLogOptions {
  readonly topic: Topic;
  readonly epoch: number;
  readonly wire: Wire;
  readonly world?: ReaderWorld;
}

const unavailable = (): Fault => new Fault('LOG_UNAVAILABLE', { broker: 'memory' });

/** One process's handle of a topic in memory. */
export function simLog({ topic, epoch, wire, world }: SimLogOptions): EventLog {
  const all = new Set(Array.from({ length: topic.partitions }, (_, partition) => partition));
  return {
    epoch,
    partitions: topic.partitions,
    async append(partition, records) {
      if (records.reduce((sum, record) => sum + framedBytes(record), 0) > appendBytesMax)
        throw new Fault('RECORD_TOO_LARGE', { partition });
      const appendTime = wire.clock.now();
      const send = (): number => topic.append(partition, records, appendTime);
      const first = await wire.call('append records', send, () => new Fault('APPEND_UNKNOWN', { partition }));
      return { first, appendTime };
    },
    bounds: () => wire.call('ask bounds', () => topic.bounds(), unavailable),
    async reader(group) {
      const open = (): void => undefined;
      await wire.call('open reader', open, unavailable);
      return simReader(topic, wire, group === null || world === undefined ? { all } : { all, world });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const framedBytes = ({ key, value, headers }: NewRecord): number =>
  20 +
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  headers.reduce((sum, [name, content]) => sum + 4 + name.length + (content?.length ?? 0), 0);

function simReader(
  topic: Topic,
  wire: Wire,
  { all, world }: { readonly all: ReadonlySet<number>; readonly world?: ReaderWorld },
): LogReader {
  const lanes = new Map<number, (fault: Fault) => void>();
  let told = Promise.withResolvers<void>();
  let held = all;
  if (world !== undefined)
    held = world.join((now) =>
      wire.deliver(() => {
        for (const partition of held) if (!now.has(partition)) lanes.get(partition)?.(revoked(partition));
        held = now;
        told.resolve();
        told = Promise.withResolvers();
      }),
    );
  return {
    async *assignments(signal) {
      while (!signal.aborted) {
        const next = told.promise;
        yield held;
        await Promise.race([next, aborted(signal)]);
      }
    },
    lane(partition, next) {
      lanes.get(partition)?.(revoked(partition));
      const { lane, end } = simLane(topic, wire, { partition, next }, world);
      lanes.set(partition, end);
      return lane;
    },
    async [Symbol.asyncDispose]() {
      for (const [partition, end] of lanes) end(revoked(partition));
    },
  };
}

const revoked = (partition: number): Fault => new Fault('LANE_REVOKED', { partition });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

function simLane(
  topic: Topic,
  wire: Wire,
  { partition, next: from }: { readonly partition: number; readonly next: number },
  world: ReaderWorld | undefined,
): { readonly lane: Lane; readonly end: (fault: Fault) => void } {
  const { made } = topic;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined); // Told by the pull that waits, or the next one.
  let next = from;

  /** At the broker: what there is, or what comes. */
  function fetched(): Batch | Promise<Batch> {
    const look = (): Batch | undefined => {
      if (topic.made !== made) throw unavailable();
      return topic.read(partition, next);
    };
    const there = look();
    if (there !== undefined) return there;
    return new Promise((resolve, reject) => {
      topic.onGrown(() => {
        try {
          const found = look();
          if (found !== undefined) resolve(found);
          return found !== undefined;
        } catch (error) {
          reject(error);
          return true;
        }
      });
    });
  }

  return {
    end: (fault) => ended.reject(fault),
    lane: {
      partition,
      async pull(signal) {
        signal.throwIfAborted();
        const over = Promise.withResolvers<never>();
        const abort = (): void => over.reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        try {
          const asked = wire.call('pull records', fetched, unavailable);
          const batch = await Promise.race([ended.promise, over.promise, asked]);
          const last = batch.records.at(-1)!;
          next = last.offset + 1;
          return world === undefined ? batch : world.carried(batch);
        } catch (error) {
          ended.reject(error);
          throw error;
        } finally {
          signal.removeEventListener('abort', abort);
        }
      },
    },
  };
}

/** A host of topics in memory, all handles on one wire. */
export function simHost(wire: Wire): LogHost & { readonly topics: ReadonlyMap<string, Topic> } {
  const topics = new Map<string, Topic>();
  const found = (name: string): Topic => {
    const there = topics.get(name);
    if (there === undefined) throw new Fault('TOPIC_MISSING', { topic: name });
    return there;
  };
  return {
    topics,
    async create({ topic, partitions }) {
      if (topics.has(topic)) return 'exists';
      topics.set(topic, newTopic(partitions));
      return 'created';
    },
    async open({ topic, epoch, partitions }: EpochTopic) {
      const there = found(topic);
      if (there.partitions !== partitions)
        throw new Fault('TOPIC_MISMATCH', { topic, partitions: there.partitions });
      return simLog({ topic: there, epoch, wire });
    },
    partitions: async (name) => found(name).partitions,
    audit: async () => ({ faults: [], unfit: [], unknown: [] }),
    lateMs: 0,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
