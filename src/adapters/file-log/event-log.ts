import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EpochTopic, EventLog, LogHost } from '../../ports/event-log.ts';
import { type Disk, nodeDisk } from './disk.ts';
import type { TornTail } from './log-file.ts';
import { openPartition, type Partition } from './partition.ts';
import { fileReader } from './reader.ts';
import { type Retention, retirable } from './retention.ts';
import { createTopic, folderOf, readTopic, type TopicFile } from './topic-file.ts';
import { reasonOf } from './writer.ts';

export interface FileLogOptions {
  /** Owned by this process alone: see `takeOwnerLock`. Made if missing. */
  readonly dir: string;
  readonly disk?: Disk;
  readonly clock?: Pick<Clock, 'now'>;
  /** Size at which a new file begins, default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Told about a torn tail that opening cut off: a crash, nothing acknowledged was lost. */
  readonly onTorn?: (torn: TornTail) => void;
}

/** An event log in files, with what the archiver may ask of it. */
export interface FileLog extends EventLog {
  /** Removes whole files whose records all have offsets below `next`; answers how many. */
  removeBefore(partition: number, next: number): Promise<number>;
  /**
   * Removes files whose records are in segments (`archivedTo`: exclusive end per partition), once they are
   * older than 7 days or the log exceeds 1 GiB (`retention`). `now` in UTC milliseconds. Answers how many
   * went.
   */
  retire(
    known: { readonly archivedTo: readonly number[]; readonly now: number },
    retention?: Retention,
  ): Promise<number>;
}

export interface FileLogHost extends LogHost {
  open(topic: EpochTopic): Promise<FileLog>;
}

interface OpenTopic {
  readonly partitions: Promise<readonly Partition[]>;
  readonly logs: Set<FileLog>;
  closing?: Promise<void>;
}

/**
 * Topics as folders `<dir>/<topic>/<partition>` of files `<first offset, 20 digits>.log`, beside one
 * `topic.json`. A topic opened twice is one log with two handles. Opening rejects with LOG_CORRUPT as
 * `openPartition` does.
 */
export function fileLogHost({
  dir,
  disk = nodeDisk,
  clock = { now: Date.now },
  segmentBytesMax = 64 * 1024 * 1024,
  onTorn = () => {},
}: FileLogOptions): FileLogHost {
  const opened = new Map<string, OpenTopic>();

  async function checkTopic({ topic, partitions }: EpochTopic): Promise<TopicFile> {
    const found = await readTopic(disk, dir, topic);
    if (found.partitions === partitions) return found;
    throw new Fault('TOPIC_MISMATCH', { topic, partitions: found.partitions, expected: partitions });
  }

  async function openPartitions(topic: EpochTopic): Promise<readonly Partition[]> {
    const { salt } = await checkTopic(topic);
    const folder = folderOf(dir, topic.topic);
    await disk.syncFolder(folder);
    return openAll(
      Array.from({ length: topic.partitions }, (_, partition) =>
        openPartition({
          folder: join(folder, String(partition)),
          salt: `${salt}/${partition}`,
          ...{ disk, clock, segmentBytesMax, onTorn },
        }),
      ),
    );
  }

  /** The topic as it is open now, or opened now; one that is being closed is waited for. */
  async function share(topic: EpochTopic): Promise<OpenTopic> {
    for (;;) {
      const known = opened.get(topic.topic);
      if (known?.closing === undefined) {
        const shared = known ?? { partitions: openPartitions(topic), logs: new Set() };
        opened.set(topic.topic, shared);
        return shared;
      }
      await known.closing;
    }
  }

  /** Closes the files of a topic with its last handle. */
  async function leave(name: string, shared: OpenTopic, log: FileLog): Promise<void> {
    shared.logs.delete(log);
    if (shared.logs.size > 0) return;
    shared.closing ??= (async () => {
      for (const partition of await shared.partitions) await partition[Symbol.asyncDispose]();
      opened.delete(name);
    })();
    await shared.closing;
  }

  return {
    lateMs: 0,
    create: ({ topic, partitions }) => onDisk(() => createTopic(disk, dir, topic, partitions)),
    partitions: (topic) => onDisk(async () => (await readTopic(disk, dir, topic)).partitions),
    open: (topic) =>
      onDisk(async () => {
        await checkTopic(topic);
        for (;;) {
          const shared = await share(topic);
          const partitions = await shared.partitions.catch((error: unknown) => {
            if (opened.get(topic.topic) === shared) opened.delete(topic.topic);
            throw error;
          });
          if (shared.closing !== undefined) continue;
          const log = logOf(topic, partitions, (closed) => leave(topic.topic, shared, closed));
          shared.logs.add(log);
          return log;
        }
      }),
    audit: (topic) =>
      onDisk(async () => {
        await checkTopic(topic);
        return { faults: [], unfit: [], unknown: [] };
      }),
    async [Symbol.asyncDispose]() {
      for (const { logs } of [...opened.values()])
        for (const log of [...logs]) await log[Symbol.asyncDispose]();
    },
  };
}

/** All of them, or none left open. */
async function openAll(opening: readonly Promise<Partition>[]): Promise<readonly Partition[]> {
  const answers = await Promise.allSettled(opening);
  const partitions = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed === undefined) return partitions;
  for (const partition of partitions) await partition[Symbol.asyncDispose]();
  throw failed.reason;
}

/** Runs `work`; what the file system refuses becomes LOG_UNAVAILABLE. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault || error instanceof RangeError) throw error;
    throw new Fault('LOG_UNAVAILABLE', { reason: reasonOf(error) }, error);
  }
}

function logOf(
  topic: EpochTopic,
  partitions: readonly Partition[],
  close: (log: FileLog) => Promise<void>,
): FileLog {
  const readers = new Set<AsyncDisposable>();
  const partitionAt = (partition: number): Partition => {
    const found = partitions[partition];
    if (found === undefined) throw new RangeError(`partition ${partition} of ${partitions.length}`);
    return found;
  };
  let closing: Promise<void> | undefined;
  const log: FileLog = {
    epoch: topic.epoch,
    partitions: topic.partitions,
    append: async (partition, records) => partitionAt(partition).append(records),
    bounds: async () => partitions.map((partition) => partition.bounds()),
    async reader() {
      const reader = fileReader(partitions);
      readers.add(reader);
      return reader;
    },
    removeBefore: async (partition, next) => partitionAt(partition).removeBefore(next),
    async retire(known, retention) {
      const before = retirable(
        partitions.map((partition) => partition.files()),
        known,
        retention,
      );
      let removed = 0;
      for (const [i, partition] of partitions.entries()) removed += await partition.removeBefore(before[i]!);
      return removed;
    },
    [Symbol.asyncDispose]() {
      closing ??= (async () => {
        for (const reader of readers) await reader[Symbol.asyncDispose]();
        await close(log);
      })();
      return closing;
    },
  };
  return log;
}
