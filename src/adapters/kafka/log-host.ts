import { Fault } from '../../domain/fault.ts';
import type { EpochTopic, LogHost } from '../../ports/event-log.ts';
import { errorType, reasonOf, unavailable } from './failures.ts';
import { kafkaClient, type Link, openLink } from './link.ts';
import { kafkaLog } from './log.ts';
import { type KafkaSettings, times } from './settings.ts';
import { configFaults, describeTopic } from './topic-config.ts';

const auditMs = 10_000;
const untold = (): undefined => undefined;
const servedTries = 50;
const servedWaitMs = 100;
const missing = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION']);
const notYet = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);

/**
 * Topics on a Kafka endpoint: Apache Kafka from 0.11 on, or Azure Event Hubs. kafkajs is loaded by the first call. Nothing is
 * kept open but what `open` gave; the broker may come and go, and calls after its return work again.
 */
export function kafkaLogHost(settings: KafkaSettings): LogHost {
  const logs = new Set<AsyncDisposable>();

  /** Undefined where the topic is missing. */
  const link = async (topic: string): Promise<Link | undefined> => {
    try {
      return await openLink(settings, topic);
    } catch (error) {
      if (missing.has(errorType(error) ?? '')) return undefined;
      throw unavailable({ topic }, error);
    }
  };

  return {
    lateMs: times.produceTimeoutMs,
    async create(asked) {
      const { topic } = asked;
      const found = await link(topic);
      found?.close();
      if (found !== undefined) return 'exists';
      const created = await createTopic(settings, asked);
      if (created === 'created') await waitUntilServed(settings, asked);
      return created;
    },
    async open(asked) {
      const { topic, partitions } = asked;
      const found = await link(topic);
      if (found === undefined) throw new Fault('TOPIC_MISSING', { topic });
      if (found.partitions !== partitions) {
        found.close();
        throw new Fault('TOPIC_MISMATCH', { topic, partitions, found: found.partitions });
      }
      const log = kafkaLog(settings, asked, found);
      logs.add(log);
      return log;
    },
    async partitions(topic) {
      const found = await link(topic);
      if (found === undefined) throw new Fault('TOPIC_MISSING', { topic });
      found.close();
      return found.partitions;
    },
    async audit({ topic }) {
      const found = await link(topic);
      if (found === undefined) throw new Fault('TOPIC_MISSING', { topic });
      const over = new AbortController();
      try {
        // Settings are no reason to keep anybody waiting: a broker that does not answer does not tell.
        const late = settings.clock.wait(auditMs, over.signal).then(untold, untold);
        return configFaults(await Promise.race([describeTopic(found.client, topic), late]));
      } finally {
        over.abort();
        found.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...logs].map((log) => log[Symbol.asyncDispose]()));
    },
  };
}

async function createTopic(
  settings: KafkaSettings,
  { topic, partitions }: EpochTopic,
): Promise<'created' | 'exists'> {
  const { kafka, close } = kafkaClient(settings);
  const admin = kafka.admin();
  const config = {
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(settings.retentionMs ?? times.retentionDefaultMs),
    'retention.bytes': '-1',
    // Whatever a stranger sends, what is kept can be read without his codec.
    'compression.type': 'uncompressed',
  };
  try {
    const made = await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: -1,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        },
      ],
      waitForLeaders: false,
      timeout: times.produceTimeoutMs,
    });
    return made ? 'created' : 'exists';
  } catch (error) {
    // The endpoint has just answered for this topic: what it does not do now, it does not let us do.
    const lost = error instanceof Error && /ECONNREFUSED|timed out/i.test(error.message);
    const code = lost ? 'LOG_UNAVAILABLE' : 'TOPIC_FORBIDDEN';
    throw new Fault(code, { topic, reason: reasonOf(error) }, error);
  } finally {
    close();
  }
}

/** Brokers learn of a topic one after the other, and name its leaders before these answer for it. */
async function waitUntilServed(settings: KafkaSettings, { topic, partitions }: EpochTopic): Promise<void> {
  for (let tries = 1; ; tries++) {
    let link: Link | undefined;
    try {
      link = await openLink(settings, topic);
      await link.bounds(Array.from({ length: partitions }, (_, partition) => partition));
      return;
    } catch (error) {
      if (tries >= servedTries || !notYet.has(errorType(error) ?? '')) throw unavailable({ topic }, error);
      await settings.clock.wait(servedWaitMs);
    } finally {
      link?.close();
    }
  }
}
