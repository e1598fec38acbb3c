import type { Ports } from '../composition/compose.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { EventLog } from '../ports/event-log.ts';
import { archiveEnd } from '../streams/chain.ts';
import { type Epoch, openEpoch, readEpochs, topicOf } from '../streams/epochs.ts';

export interface LogSettings {
  /** The log's name; its topics are `<name>.e<epoch>`. */
  readonly name: string;
  /** Of the first epoch; later ones say their own. */
  readonly partitions: number;
  /** Id of a log that is made now. */
  readonly newLogId: () => string;
}

/** All epochs, the first one opened if there was none, and the log of the newest. */
export async function openLog(
  { archive, logHost, clock }: Pick<Ports, 'archive' | 'logHost' | 'clock'>,
  settings: LogSettings,
): Promise<{ readonly epochs: readonly Epoch[]; readonly log: EventLog }> {
  let epochs = await readEpochs(archive.truth);
  if (epochs.length === 0) {
    const { name, partitions, newLogId } = settings;
    const first: Epoch = {
      v: 1,
      epoch: 1,
      log: newLogId(),
      name,
      topic: topicOf(name, 1),
      partitions,
      partitioner: 'murmur2',
      previous: null,
      openedAt: new Date(clock.now()).toISOString(),
    };
    epochs = [await openEpoch(archive.truth, first)];
  }
  const epoch = epochs.at(-1)!;
  if (epoch.name !== settings.name)
    throw new Fault('TOPIC_MISMATCH', {
      archive: archive.place,
      holds: epoch.name,
      configured: settings.name,
    });
  await makeTopic();
  const log = await logHost.open(epoch);
  await refuseAnotherLog(log);
  return { epochs, log };

  /** Where we may not make topics, somebody else has made it, or opening it says that it is missing. */
  async function makeTopic(): Promise<void> {
    try {
      await logHost.create(epoch);
    } catch (error) {
      if (!isFault(error, 'TOPIC_FORBIDDEN')) throw error;
    }
  }

  /** A log that ends before its archive does is not the one that was archived: made again, or another one. */
  async function refuseAnotherLog(opened: EventLog): Promise<void> {
    for (const [partition, { end }] of (await opened.bounds()).entries()) {
      const { next } = await archiveEnd(archive, { topic: epoch.name, epoch: epoch.epoch, partition });
      if (next <= end) continue;
      await opened[Symbol.asyncDispose]();
      throw new Fault('LOG_FORK', { topic: epoch.topic, partition, archived: next, logEnd: end });
    }
  }
}
