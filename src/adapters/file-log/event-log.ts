import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { partitionMax } from '../../domain/position.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EpochTopic, EventLog, LogHost } from '../../ports/event-log.ts';
import { type Disk, isErrno, makeFolders, nodeDisk, readFile, writeNewFile } from './disk.ts';
import type { TornTail } from './log-file.ts';
import { openPartition, type Partition } from './partition.ts';
import { fileReader } from './reader.ts';
import { type Retention, retirable } from './retention.ts';

const topicName = /^[A-Za-z0-9._-]{1,249}$/;

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
   * Removes files whose records are in segments (`archivedTo`: exclusive end per partition), once they are older than 7
   * days or the log exceeds 1 GiB (`retention`). `now` in UTC milliseconds. Answers how many went.
   */
  retire(
    known: { readonly archivedTo: readonly number[]; readonly now: number },
    retention?: Retention,
  ): Promise<number>;
}

export interface FileLogHost extends LogHost {
  open(topic: EpochTopic): Promise<FileLog>;
}

interface TopicFile {
  readonly partitions: number;
  /** Makes checksums of this topic unlike any other's. */
  readonly salt: string;
}

interface OpenTopic {
  handles: number;
  readonly partitions: Promise<readonly Partition[]>;
}

/**
 * Topics as folders `<dir>/<topic>/<partition>` of files `<first offset, 20 digits>.log`, beside one `topic.json`. A topic
 * opened twice is one log with two handles. Opening rejects with LOG_CORRUPT as `openPartition` does.
 */
export function fileLogHost({
  dir,
  disk = nodeDisk,
  clock = { now: Date.now },
  segmentBytesMax = 64 * 1024 * 1024,
  onTorn = () => {},
}: FileLogOptions): FileLogHost {
  const opened = new Map<string, OpenTopic>();

  async function findTopic(topic: string): Promise<TopicFile> {
    const path = join(folderOf(dir, topic), 'topic.json');
    const bytes = await readFile(disk, path);
    if (bytes === undefined) throw new Fault('TOPIC_MISSING', { topic, folder: dir });
    return parseTopic(bytes, path);
  }

  async function readTopic({ topic, partitions }: EpochTopic): Promise<TopicFile> {
    const found = await findTopic(topic);
    if (found.partitions !== partitions) {
      throw new Fault('TOPIC_MISMATCH', { topic, partitions: found.partitions, expected: partitions });
    }
    return found;
  }

  async function openPartitions(topic: EpochTopic): Promise<readonly Partition[]> {
    const { salt } = await readTopic(topic);
    await disk.syncFolder(folderOf(dir, topic.topic));
    const folders = Array.from({ length: topic.partitions }, (_, partition) => partition);
    const answers = await Promise.allSettled(
      folders.map((partition) =>
        openPartition(join(folderOf(dir, topic.topic), String(partition)), `${salt}/${partition}`, {
          disk,
          clock,
          segmentBytesMax,
          onTorn,
        }),
      ),
    );
    const partitions = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed === undefined) return partitions;
    await Promise.all(partitions.map((partition) => partition[Symbol.asyncDispose]()));
    throw failed.reason;
  }

  async function close(name: string, topic: OpenTopic): Promise<void> {
    topic.handles -= 1;
    if (topic.handles > 0) return;
    for (const partition of await topic.partitions) await partition[Symbol.asyncDispose]();
    if (opened.get(name) === topic) opened.delete(name);
  }

  return {
    async create({ topic, partitions }) {
      const folder = folderOf(dir, topic);
      if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionMax + 1) {
        throw new RangeError(`${partitions} partitions`);
      }
      await makeFolders(disk, dir, folder);
      if ((await readFile(disk, join(folder, 'topic.json'))) !== undefined) return 'exists';
      for (let partition = 0; partition < partitions; partition++) {
        const path = join(folder, String(partition));
        await disk.makeFolder(path);
        // With a new salt all of it would look torn.
        if ((await disk.list(path)).length > 0) {
          throw new Fault('LOG_CORRUPT', {
            file: join(folder, 'topic.json'),
            reason: 'missing beside log files',
          });
        }
      }
      await disk.syncFolder(folder);
      const content: TopicFile = { partitions, salt: randomBytes(16).toString('hex') };
      return createWhole(disk, join(folder, 'topic.json'), Buffer.from(`${JSON.stringify(content)}\n`));
    },

    partitions: async (topic) => (await findTopic(topic)).partitions,

    async open(topic) {
      await readTopic(topic);
      let shared = opened.get(topic.topic);
      if (shared === undefined) {
        shared = { handles: 0, partitions: openPartitions(topic) };
        opened.set(topic.topic, shared);
      }
      const { partitions } = shared;
      shared.handles += 1;
      try {
        return logOf(topic, await partitions, () => close(topic.topic, shared));
      } catch (error) {
        if (opened.get(topic.topic) === shared) opened.delete(topic.topic);
        throw error;
      }
    },

    async audit(topic) {
      await readTopic(topic);
      return { faults: [], unknown: [] };
    },

    async [Symbol.asyncDispose]() {
      for (const [name, topic] of [...opened]) {
        topic.handles = 1;
        await close(name, topic);
      }
    },
  };
}

function logOf(topic: EpochTopic, partitions: readonly Partition[], close: () => Promise<void>): FileLog {
  const readers = new Set<AsyncDisposable>();
  const partitionAt = (partition: number): Partition => {
    const found = partitions[partition];
    if (found === undefined) throw new RangeError(`partition ${partition} of ${partitions.length}`);
    return found;
  };
  let closing: Promise<void> | undefined;
  return {
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
        await close();
      })();
      return closing;
    },
  };
}

function folderOf(dir: string, topic: string): string {
  if (!topicName.test(topic) || topic === '.' || topic === '..') throw new RangeError(`topic name ${topic}`);
  return join(dir, topic);
}

function parseTopic(bytes: Buffer, file: string): TopicFile {
  try {
    const found: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof found === 'object' && found !== null && 'partitions' in found && 'salt' in found) {
      const { partitions, salt } = found;
      if (typeof partitions === 'number' && typeof salt === 'string') return { partitions, salt };
    }
  } catch (error) {
    throw new Fault('LOG_CORRUPT', { file, reason: 'not JSON' }, error);
  }
  throw new Fault('LOG_CORRUPT', { file, reason: 'no topic description' });
}

/** Makes `path` with this content in one durable step, unless it is there. */
async function createWhole(disk: Disk, path: string, bytes: Buffer): Promise<'created' | 'exists'> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  await writeNewFile(disk, temporary, bytes);
  try {
    await disk.link(temporary, path);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'exists';
    throw error;
  } finally {
    await disk.remove(temporary);
    await disk.syncFolder(dirname(path));
  }
  return 'created';
}
