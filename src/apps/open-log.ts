import type { Ports } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import type { EventLog } from '../ports/event-log.ts';
import { type Epoch, openEpoch, readEpochs, topicOf } from '../streams/epochs.ts';
import { pendingImport } from '../streams/import-capture.ts';
import { archivedEnds, whyOther } from '../streams/lost-log.ts';
import { makeTopic, refuseUnfit } from '../streams/next-epoch.ts';

export interface LogSettings {
  /** The log's name; its topics are `<name>.e<epoch>`. */
  readonly name: string;
  /** Of the first epoch; later ones say their own. */
  readonly partitions: number;
  /** Id of a log that is made now. */
  readonly newLogId: () => string;
}

/** For reading the last archived record of each partition back from the log. */
const lookMs = 60_000;

type LogPorts = Pick<Ports, 'archive' | 'logHost' | 'clock'>;

/**
 * All epochs, the first one opened if there was none, and the log of the newest. The topic comes before the file that names
 * it, for a file of an epoch is for ever: an address that was wrong leaves nothing behind. Rejects with `TOPIC_MISMATCH`
 * for an archive of another name, a topic of another size, and a new log whose topic holds records already; with
 * `TOPIC_UNFIT` for a new log whose topic would lose or alter events; with `LOG_FORK` for a log that is not the archived one.
 */
export async function openLog(
  ports: LogPorts,
  settings: LogSettings,
): Promise<{ readonly epochs: readonly Epoch[]; readonly log: EventLog }> {
  const { archive, logHost } = ports;
  const found = await readEpochs(archive.truth);
  await refuseHalf(ports, found);
  const epoch = found.at(-1) ?? firstEpoch(ports, settings);
  refuseAnotherName(ports, epoch, settings.name);
  await makeTopic(logHost, epoch);
  const log = await logHost.open(epoch);
  try {
    const epochs = found.length > 0 ? found : [await openFirst(ports, epoch, log)];
    refuseAnotherName(ports, epochs.at(-1)!, settings.name);
    await refuseAnotherLog(ports, epoch, log);
    return { epochs, log };
  } catch (error) {
    await log[Symbol.asyncDispose]();
    throw error;
  }
}

const firstEpoch = ({ clock }: LogPorts, { name, partitions, newLogId }: LogSettings): Epoch => ({
  v: 1,
  epoch: 1,
  log: newLogId(),
  name,
  topic: topicOf(name, 1),
  partitions,
  partitioner: 'murmur2',
  previous: null,
  openedAt: new Date(clock.now()).toISOString(),
});

/** Of processes that do so at once one opens it, and all go by what it says. */
async function openFirst({ archive, logHost }: LogPorts, first: Epoch, log: EventLog): Promise<Epoch> {
  const { topic, partitions } = first;
  const isUsed = (await log.bounds()).some(({ end }) => end > 0);
  const [opened] = await readEpochs(archive.truth);
  if (isUsed && opened === undefined)
    throw new Fault('TOPIC_MISMATCH', {
      topic,
      archive: archive.place,
      reason: 'only the topic has records',
    });
  if (opened === undefined) await refuseUnfit(logHost, first);
  const epoch = opened ?? (await openEpoch(archive.truth, first));
  if (epoch.partitions !== partitions)
    throw new Fault('TOPIC_MISMATCH', { topic, partitions: epoch.partitions, found: partitions });
  return epoch;
}

/** Until an import is done, what it wrote is of no log. */
async function refuseHalf({ archive }: LogPorts, found: readonly Epoch[]): Promise<void> {
  const half = found.length > 1 ? undefined : await pendingImport(archive);
  if (half !== undefined)
    throw new Fault('DATA_NOT_EMPTY', { archive: archive.place, unfinished: `an import of ${half.place}` });
}

function refuseAnotherName({ archive }: LogPorts, { name: holds }: Epoch, configured: string): void {
  if (holds !== configured) throw new Fault('TOPIC_MISMATCH', { archive: archive.place, holds, configured });
}

/** A log that ends before its archive does, or holds another record at its end: made again, or another log's. */
async function refuseAnotherLog({ archive }: LogPorts, of: Epoch, log: EventLog): Promise<void> {
  const reason = await whyOther(log, of.topic, await archivedEnds(archive, of), AbortSignal.timeout(lookMs));
  if (reason !== undefined) throw new Fault('LOG_FORK', { topic: of.topic, reason });
}
