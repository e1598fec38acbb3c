import { Fault } from '../../domain/fault.ts';
import {
  type Appended,
  appendBytesMax,
  type EpochTopic,
  type EventLog,
  type LogReader,
  type NewRecord,
} from '../../ports/event-log.ts';
import { errorType, reasonOf, unavailable } from './failures.ts';
import { kafkajs } from './kafkajs.ts';
import { type Link, openLink } from './link.ts';
import { type Produced, produceExchange } from './protocol.ts';
import { kafkaReader } from './reader.ts';
import { type KafkaSettings, times } from './settings.ts';
import { sharedLink } from './shared-link.ts';

/** Answers by which the broker says that it has not appended. */
const notAppended = new Set([
  'CORRUPT_MESSAGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]);
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** One epoch's topic on a Kafka endpoint. `first` is a link that is open already; the log owns it from now on. */
export function kafkaLog(
  settings: KafkaSettings,
  { epoch, topic, partitions }: EpochTopic,
  first: Link,
): EventLog {
  const { clock } = settings;
  const readers = new Set<LogReader>();
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const link = sharedLink(clock, () => openLink(settings, topic), first);

  const produce = async (partition: number, records: readonly NewRecord[]): Promise<Produced> => {
    const asked = produceExchange(topic, partition, records, {
      waitMs: times.produceTimeoutMs,
      now: clock.now(),
    });
    if (asked.body.length > appendBytesMax)
      throw new Fault('RECORD_TOO_LARGE', {
        topic,
        partition,
        bytes: asked.body.length,
        bytesMax: appendBytesMax,
      });
    let sent = false;
    try {
      return await link.use(async (opened) => {
        const answer = await opened.exchange(partition, asked, () => {
          sent = true;
        });
        if (answer.errorCode !== 0) throw kafkajs().errorOf(answer.errorCode);
        return answer;
      });
    } catch (error) {
      const facts = { topic, partition };
      const type = errorType(error) ?? '';
      if (tooLarge.has(type)) throw new Fault('RECORD_TOO_LARGE', { ...facts, reason: type }, error);
      if (!sent || notAppended.has(type)) throw unavailable(facts, error);
      throw new Fault('APPEND_UNKNOWN', { ...facts, reason: reasonOf(error) }, error);
    }
  };

  return {
    epoch,
    partitions,
    async append(partition, records): Promise<Appended> {
      if (!Number.isInteger(partition) || partition < 0 || partition >= partitions)
        throw new RangeError(`${topic} has partitions 0 to ${partitions - 1}, not ${partition}`);
      if (records.length === 0) throw new RangeError('an append of no records');
      const { baseOffset, logAppendTime } = await produce(partition, records);
      return { first: baseOffset, appendTime: logAppendTime };
    },
    async bounds() {
      for (let tries = 1; ; tries++) {
        try {
          return await link.use((opened) => opened.bounds(all));
        } catch (error) {
          if (tries > 1) throw unavailable({ topic }, error);
        }
      }
    },
    async reader(group) {
      const reader = kafkaReader(settings, { topic, group, partitions });
      readers.add(reader);
      return reader;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...readers].map((reader) => reader[Symbol.asyncDispose]()));
      await link.close();
    },
  };
}
