import { kafkajs } from '../adapters/kafka/kafkajs.ts';
import { partitionOf } from '../formats/partition.ts';
import type { KafkaEndpoint } from './endpoint.ts';
import { PublishError } from './publish-error.ts';

export interface InboxRecord {
  readonly key: string;
  readonly value: Buffer;
}

export interface InboxProducer {
  /** Appends all, or rejects: then some may stand there. Answers `<partition>-<offset>` for each, in order. */
  send(records: readonly InboxRecord[], signal: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  readonly endpoint: KafkaEndpoint;
  readonly topic: string;
  readonly clientId: string;
}

const noLog = 0;
const sendMs = 30_000;
const allReplicas = -1;

type Producer = ReturnType<InstanceType<ReturnType<typeof kafkajs>['Kafka']>['producer']>;
/**
 * A producer of one topic. No retries of its own, which would reorder; not idempotent, since that asks the broker for all topics,
 * which Event Hubs answers with a closed connection.
 */
export async function openProducer({ endpoint, topic, clientId }: ProducerOptions): Promise<InboxProducer> {
  const { Kafka } = kafkajs();
  const chosen = new Map<object, number>();
  const { brokers, tls, login } = endpoint;
  const kafka = new Kafka({
    ...{ clientId, brokers: [...brokers], logLevel: noLog, ssl: tls },
    ...{ connectionTimeout: 10_000, requestTimeout: sendMs + 5_000, retry: { retries: 0 } },
    ...(login === undefined ? {} : { sasl: { mechanism: 'plain', ...login } }),
  });
  let producer: Producer | undefined;

  async function connected(): Promise<Producer> {
    if (producer !== undefined) return producer;
    const next = kafka.producer({
      // Java's, as by all clients that go by Kafka's own; what it chose is remembered, for an answer tells partitions only.
      createPartitioner: () => (given) => {
        const partition = partitionOf(String(given.message.key), given.partitionMetadata.length);
        chosen.set(given.message, partition);
        return partition;
      },
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
    });
    await next.connect();
    producer = next;
    return next;
  }

  async function append(records: readonly InboxRecord[]): Promise<readonly string[]> {
    chosen.clear();
    const messages = records.map(({ key, value }) => ({ key, value }));
    const answers = await (await connected()).send({ topic, acks: allReplicas, timeout: sendMs, messages });
    const next = new Map(answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    return messages.map((message) => {
      const partition = chosen.get(message);
      const offset = partition === undefined ? undefined : next.get(partition);
      if (partition === undefined || offset === undefined)
        throw new Error('the broker did not tell where a record stands');
      next.set(partition, offset + 1);
      return `${partition}-${offset}`;
    });
  }

  async function close(): Promise<void> {
    const last = producer;
    producer = undefined;
    await last?.disconnect().catch(() => {}); // A connection that cannot be ended in order is ended all the same.
  }

  return {
    close,
    async send(records, signal) {
      const aborted = Promise.withResolvers<never>();
      const abort = (): void => aborted.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const appended = append(records);
      appended.catch(() => {}); // Whoever sent it is told, unless the signal was first.
      try {
        return await Promise.race([appended, aborted.promise]);
      } catch (error) {
        signal.throwIfAborted();
        // The next try begins with a connection of its own: this one may be the fault.
        await close();
        throw refusalOf(error, topic);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

interface KafkaError {
  readonly name: string;
  readonly type?: string;
  readonly message: string;
}

const refusals: Readonly<Record<string, 'RECORD_TOO_LARGE' | 'NOT_ALLOWED'>> = {
  MESSAGE_TOO_LARGE: 'RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'RECORD_TOO_LARGE',
  TOPIC_AUTHORIZATION_FAILED: 'NOT_ALLOWED',
  CLUSTER_AUTHORIZATION_FAILED: 'NOT_ALLOWED',
};

/** What the broker or the way to it did; a topic that is not there may be made, as a broker that is away may come back. */
function refusalOf(error: unknown, topic: string): PublishError {
  const { name, type = '', message } = error as KafkaError;
  const detail = `${topic}: ${type === '' ? '' : `${type}: `}${message}`;
  if (/SASLAuthentication/.test(name)) return new PublishError('UNAUTHENTICATED', { detail, cause: error });
  return new PublishError(refusals[type] ?? 'LOG_UNAVAILABLE', { detail, cause: error });
}
