import { Fault } from '../domain/fault.ts';
import { epochMax, offsetEnd, partitionMax } from '../domain/position.ts';
import { isRestoredTopic } from '../domain/restored-topic.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { EpochTopic } from '../ports/event-log.ts';
import { closingName, epochName, epochsPrefix } from './archive-names.ts';

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

/**
 * `epochs/<n>.closing`, create-only: the epoch takes nothing in any more, for good. Intakes look for it before they append;
 * where the epoch ended is said by the file of the next one.
 */
export interface Closing {
  readonly v: 1;
  readonly epoch: number;
  readonly log: string;
  /** The topic was lost: what was not archived by then is lost with it. */
  readonly lost: boolean;
  readonly closedAt: string;
}

export const topicOf = (name: string, epoch: number): string => `${name}.e${epoch}`;

/** Number and topic of the epoch after this one. Throws `EPOCH_LIMIT`. */
export function nextOf({ name, epoch }: Epoch): Pick<Epoch, 'epoch' | 'topic'> {
  if (epoch >= epochMax) throw new Fault('EPOCH_LIMIT', { log: name, epoch });
  return { epoch: epoch + 1, topic: topicOf(name, epoch + 1) };
}

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
  if (isRestoredTopic(epoch.name) || isRestoredTopic(epoch.topic))
    throw new Fault('EPOCH_INVALID', { topic: epoch.topic, reason: 'a restored topic is no epoch' });
  const body = Buffer.from(`${JSON.stringify(epoch, null, 2)}\n`);
  if ((await truth.create(epochName(epoch.epoch), body)) === 'created') return epoch;
  const bytes = await truth.read(epochName(epoch.epoch));
  if (bytes === undefined)
    throw new Fault('EPOCH_INVALID', { blob: epochName(epoch.epoch), reason: 'missing' });
  return parseEpoch(bytes, epoch.epoch, undefined);
}

/** Closes an epoch; of several who do so one writes the file, and all get what it holds. */
export async function markClosing(truth: TruthStore, closing: Closing): Promise<Closing> {
  const body = Buffer.from(`${JSON.stringify(closing, null, 2)}\n`);
  if ((await truth.create(closingName(closing.epoch), body)) === 'created') return closing;
  const found = await readClosing(truth, closing);
  if (found === undefined)
    throw new Fault('EPOCH_INVALID', { blob: closingName(closing.epoch), reason: 'missing' });
  return found;
}

/** The mark that an epoch is closed, if there is one. Throws `EPOCH_INVALID` for one of another log. */
export async function readClosing(
  truth: TruthStore,
  { epoch, log }: Pick<Epoch, 'epoch' | 'log'>,
): Promise<Closing | undefined> {
  const blob = closingName(epoch);
  const bytes = await truth.read(blob);
  if (bytes === undefined) return undefined;
  const found = parseJson(bytes, blob) as Partial<Closing>;
  const { v, lost, closedAt } = found;
  if (v !== 1 || found.epoch !== epoch || typeof lost !== 'boolean' || typeof closedAt !== 'string')
    throw new Fault('EPOCH_INVALID', { blob, reason: 'another version or number' });
  if (found.log !== log) throw new Fault('EPOCH_INVALID', { blob, reason: 'it belongs to another log' });
  return { v, epoch, log, lost, closedAt };
}

function parseJson(bytes: Buffer, blob: string): object {
  let found: unknown;
  try {
    found = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Fault('EPOCH_INVALID', { blob, reason: 'not JSON' }, error);
  }
  if (typeof found !== 'object' || found === null)
    throw new Fault('EPOCH_INVALID', { blob, reason: 'not a JSON object' });
  return found;
}

function parseEpoch(bytes: Buffer, number: number, before: Epoch | undefined): Epoch {
  const blob = epochName(number);
  const invalid = (reason: string): Fault => new Fault('EPOCH_INVALID', { blob, reason });
  const found = parseJson(bytes, blob) as Partial<Epoch>;
  const { v, epoch, log, name, topic, partitions, partitioner, previous, openedAt } = found;
  if (v !== 1 || epoch !== number || epoch > epochMax) throw invalid('another version or number');
  if (typeof log !== 'string' || typeof name !== 'string' || typeof openedAt !== 'string')
    throw invalid('log, name or openedAt is missing');
  if (isRestoredTopic(name) || isRestoredTopic(topic ?? '')) throw invalid('a restored topic is no epoch');
  if (topic !== topicOf(name, epoch) || partitioner !== 'murmur2') throw invalid('topic or partitioner');
  if (!isWhole(partitions, 1, partitionMax + 1)) throw invalid('partitions');
  if (previous === undefined || (number === 1) !== (previous === null)) throw invalid('previous');
  if (previous !== null && !isEnd(previous)) throw invalid('previous is no end of an epoch');
  if (before !== undefined && previous !== null) {
    if (before.log !== log || before.name !== name) throw invalid('it belongs to another log');
    if (previous.epoch !== before.epoch || previous.next.length !== before.partitions)
      throw invalid('its end cut is not one of the epoch before');
    if (previous.timeMax < (before.previous?.timeMax ?? 0)) throw invalid('its time goes backwards');
  }
  return { v, epoch, log, name, topic, partitions, partitioner, previous, openedAt };
}

const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

/** What a file says is anybody's until it was looked at. */
function isEnd(value: EpochEnd): boolean {
  if (typeof value !== 'object') return false;
  const { epoch, next, timeMax } = value as { readonly [Member in keyof EpochEnd]: unknown };
  return (
    isWhole(epoch, 1, epochMax) &&
    isWhole(timeMax, 0, Number.MAX_SAFE_INTEGER) &&
    Array.isArray(next) &&
    next.length <= partitionMax + 1 &&
    next.every((end) => isWhole(end, 0, offsetEnd))
  );
}
