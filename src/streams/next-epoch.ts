import { Fault, isFault } from '../domain/fault.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { EpochTopic, LogHost } from '../ports/event-log.ts';
import { type Epoch, type EpochEnd, nextOf, openEpoch, readEpochs } from './epochs.ts';

/**
 * Makes the topic of the epoch after `last`, or takes the one that somebody made for it, before anything is closed: what is
 * wrong with it then costs nothing. Rejects with `EPOCH_LIMIT`; with `TOPIC_MISSING` where nobody made it and we may not; with
 * `TOPIC_MISMATCH` for another number of partitions and for one that holds records; with `TOPIC_UNFIT` for settings that lose
 * or alter events.
 */
export async function makeNextTopic(
  { host, truth }: { readonly host: LogHost; readonly truth: TruthStore },
  last: Epoch,
  partitions: number,
): Promise<EpochTopic> {
  const topic: EpochTopic = { ...nextOf(last), partitions };
  await makeTopic(host, topic);
  await using log = await host.open(topic);
  const isUsed = (await log.bounds()).some(({ end }) => end > 0);
  // Opened by somebody else a moment ago, it may be in use already.
  if (isUsed && (await readEpochs(truth)).length === last.epoch)
    throw new Fault('TOPIC_MISMATCH', {
      topic: topic.topic,
      reason: 'it holds records before its epoch is open',
    });
  await refuseUnfit(host, topic);
  return topic;
}

/** Where we may not make topics, somebody else has made it, or opening it says that it is missing. */
export async function makeTopic(host: LogHost, topic: EpochTopic): Promise<void> {
  try {
    await host.create(topic);
  } catch (error) {
    if (!isFault(error, 'TOPIC_FORBIDDEN')) throw error;
  }
}

/** Rejects with `TOPIC_UNFIT`; what the broker does not tell passes. */
export async function refuseUnfit(host: LogHost, topic: EpochTopic): Promise<void> {
  const { unfit } = await host.audit(topic);
  if (unfit.length > 0) throw new Fault('TOPIC_UNFIT', { topic: topic.topic, settings: unfit.join('; ') });
}

/**
 * Opens the epoch after one that ended: of several who do so at once one creates its file, and all go by what that says.
 * Rejects with `EPOCH_TAKEN` where it has another number of partitions than asked.
 */
export async function openNextEpoch(
  truth: TruthStore,
  last: Epoch,
  end: EpochEnd,
  options: { readonly partitions: number; readonly openedAt: string },
): Promise<Epoch> {
  const { epoch, topic } = nextOf(last);
  const opened = await openEpoch(truth, { ...last, ...options, epoch, topic, previous: end });
  const { partitions } = options;
  if (opened.partitions !== partitions)
    throw new Fault('EPOCH_TAKEN', { epoch, partitions: opened.partitions, asked: partitions });
  return opened;
}
