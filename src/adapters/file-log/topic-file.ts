import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { partitionMax } from '../../domain/position.ts';
import { type Disk, isErrno, makeFolders, readFile, writeNewFile } from './disk.ts';

const topicName = /^[A-Za-z0-9._-]{1,249}$/;

/** What `topic.json` says. */
export interface TopicFile {
  readonly partitions: number;
  /** Makes checksums of this topic unlike any other's. */
  readonly salt: string;
}

/** The topic's folder. RangeError for a name that is none. */
export function folderOf(dir: string, topic: string): string {
  if (!topicName.test(topic) || topic === '.' || topic === '..') throw new RangeError(`topic name ${topic}`);
  return join(dir, topic);
}

/** Rejects with TOPIC_MISSING, and with LOG_CORRUPT for a file that nobody wrote so. */
export async function readTopic(disk: Disk, dir: string, topic: string): Promise<TopicFile> {
  const path = join(folderOf(dir, topic), 'topic.json');
  const bytes = await readFile(disk, path);
  if (bytes === undefined) throw new Fault('TOPIC_MISSING', { topic, folder: dir });
  return parseTopic(bytes, path);
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

/** Makes the folders of a topic and, last and in one durable step, its `topic.json`. */
export async function createTopic(
  disk: Disk,
  dir: string,
  topic: string,
  partitions: number,
): Promise<'created' | 'exists'> {
  const folder = folderOf(dir, topic);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionMax + 1) {
    throw new RangeError(`${partitions} partitions`);
  }
  await makeFolders(disk, dir, folder);
  const path = join(folder, 'topic.json');
  if ((await readFile(disk, path)) !== undefined) return 'exists';
  for (let partition = 0; partition < partitions; partition++) {
    const partitionFolder = join(folder, String(partition));
    await disk.makeFolder(partitionFolder);
    // With a new salt all of it would look torn.
    if ((await disk.list(partitionFolder)).length > 0) {
      throw new Fault('LOG_CORRUPT', { file: path, reason: 'missing beside log files' });
    }
  }
  await disk.syncFolder(folder);
  const content: TopicFile = { partitions, salt: randomBytes(16).toString('hex') };
  return createWhole(disk, path, Buffer.from(`${JSON.stringify(content)}\n`));
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
