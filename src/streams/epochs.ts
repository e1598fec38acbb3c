import { Fault } from '../domain/fault.ts';
import { epochMax, partitionMax } from '../domain/position.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { EpochTopic } from '../ports/event-log.ts';
import { epochName, epochsPrefix } from './archive-names.ts';

/** `epochs/<n>.json`, create-only: one topic made once, and where the epoch before it ended. */
export interface Epoch extends EpochTopic {
  readonly v: 1;
  /** Id of the log, the same in all its epochs. */
  readonly log: string;
  /** The log's name, as in paths. */
  readonly name: string;
  readonly partitioner: 'murmur2';
  readonly previous: EpochEnd | null;
  readonly openedAt: string;
}

/** The end cut of an epoch, and the greatest append time in it: the floor of the next epoch's running maximum. */
export interface EpochEnd {
  readonly epoch: number;
  readonly next: readonly number[];
  readonly timeMax: number;
}

export const topicOf = (name: string, epoch: number): string => `${name}.e${epoch}`;

/** All epochs, oldest first. Throws `EPOCH_INVALID` unless each follows the one before. */
export async function readEpochs(truth: TruthStore): Promise<readonly Epoch[]> {
  const names: string[] = [];
  for await (const { name } of truth.list(epochsPrefix))
    if (/^epochs\/[0-9]+\.json$/.test(name)) names.push(name);
  const epochs: Epoch[] = [];
  for (let number = 1; number <= names.length; number += 1) {
    const bytes = await truth.read(epochName(number));
    if (bytes === undefined) throw new Fault('EPOCH_INVALID', { blob: epochName(number), reason: 'missing' });
    epochs.push(parseEpoch(bytes, number, epochs.at(-1)));
  }
  return epochs;
}

/** Opens an epoch: of two processes doing so at once one creates the file and both get what it holds. */
export async function openEpoch(truth: TruthStore, epoch: Epoch): Promise<Epoch> {
  const body = Buffer.from(`${JSON.stringify(epoch, null, 2)}\n`);
  if ((await truth.create(epochName(epoch.epoch), body)) === 'created') return epoch;
  const bytes = await truth.read(epochName(epoch.epoch));
  if (bytes === undefined)
    throw new Fault('EPOCH_INVALID', { blob: epochName(epoch.epoch), reason: 'missing' });
  return parseEpoch(bytes, epoch.epoch, undefined);
}

function parseEpoch(bytes: Buffer, number: number, before: Epoch | undefined): Epoch {
  const invalid = (reason: string): Fault => new Fault('EPOCH_INVALID', { blob: epochName(number), reason });
  let found: Partial<Epoch>;
  try {
    found = JSON.parse(bytes.toString('utf8')) as Partial<Epoch>;
  } catch (error) {
    throw new Fault('EPOCH_INVALID', { blob: epochName(number), reason: 'not JSON' }, error);
  }
  const { v, epoch, log, name, topic, partitions, partitioner, previous, openedAt } = found;
  if (v !== 1 || epoch !== number || epoch > epochMax) throw invalid('another version or number');
  if (typeof log !== 'string' || typeof name !== 'string' || typeof openedAt !== 'string')
    throw invalid('log, name or openedAt is missing');
  if (topic !== topicOf(name, epoch) || partitioner !== 'murmur2') throw invalid('topic or partitioner');
  if (
    !Number.isInteger(partitions) ||
    partitions === undefined ||
    partitions < 1 ||
    partitions > partitionMax + 1
  )
    throw invalid('partitions');
  if (previous === undefined || (number === 1) !== (previous === null)) throw invalid('previous');
  if (before !== undefined && previous !== null) {
    if (before.log !== log || before.name !== name) throw invalid('it belongs to another log');
    if (previous.epoch !== before.epoch || previous.next.length !== before.partitions)
      throw invalid('its end cut is not one of the epoch before');
  }
  return { v, epoch, log, name, topic, partitions, partitioner, previous, openedAt };
}
