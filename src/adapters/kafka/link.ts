import net from 'node:net';
import tls from 'node:tls';
import type { Cluster, Kafka, KafkaConfig, SASLOptions } from 'kafkajs';
import { kafkajs, type WireBroker } from './kafkajs.ts';
import type { Exchange } from './protocol.ts';
import { type KafkaCredentials, type KafkaSettings, times } from './settings.ts';

const keepAliveMs = 60_000;

/** A kafkajs client whose connections we can end at once. */
export interface Client {
  readonly kafka: Kafka;
  /** Until when its logins hold, a margin left; undefined where they do not end. */
  readonly fitUntil: number | undefined;
  /** Ends all its connections; requests under way fail. */
  close(): void;
}

/** A connection is given up so long before its token ends, or a tenth of the token's time. */
const tokenMarginMs = 60_000;

const saslOf = (
  credentials: KafkaCredentials,
  now: () => number,
  onEnd: (fitUntil: number) => void,
): SASLOptions => {
  if (credentials.mechanism !== 'oauthbearer') return { ...credentials, password: credentials.password() };
  const { token } = credentials;
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => {
      const { value, endsAt } = await token();
      if (endsAt !== undefined) onEnd(endsAt - Math.min(tokenMarginMs, (endsAt - now()) / 10));
      return { value };
    },
  };
};

/** kafkajs retries nothing (its retries reorder and hide) and logs nothing: failures reach our callers as faults. */
export function kafkaClient(settings: KafkaSettings, loginAheadMs = 0): Client {
  const sockets = new Set<net.Socket>();
  let closed = false;
  let fitUntil: number | undefined;
  const { tls: secured, sasl, clock } = settings;
  const config: KafkaConfig = {
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: times.connectionTimeoutMs,
    requestTimeout: times.requestTimeoutMs,
    reauthenticationThreshold: loginAheadMs,
    // Each broker of the list is tried once.
    retry: { retries: settings.brokers.length - 1, initialRetryTime: 50 },
    logCreator: () => () => {},
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const at = settings.reach?.(host, port) ?? { host, port };
      const socket: net.Socket = ssl
        ? tls.connect({ ...at, ...(net.isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
        : net.connect(at, onConnect);
      socket.setKeepAlive(true, keepAliveMs);
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (closed) socket.destroy(new Error('the client was closed'));
      return socket;
    },
    ...(secured === undefined ? {} : { ssl: secured.ca === undefined ? true : { ca: secured.ca() } }),
    ...(sasl === undefined
      ? {}
      : {
          sasl: saslOf(sasl, clock.now, (until) => {
            fitUntil = Math.min(fitUntil ?? until, until);
          }),
        }),
  };
  return {
    kafka: new (kafkajs().Kafka)(config),
    get fitUntil() {
      return fitUntil;
    },
    close() {
      closed = true;
      for (const socket of sockets) socket.destroy(new Error('the client was closed'));
    },
  };
}

export interface Bounds {
  readonly first: number;
  readonly end: number;
}

/** A connected client for one topic. Any failure of a call makes it unfit: close it and open another one. */
export interface Link {
  /** As the metadata tells. */
  readonly partitions: number;
  /** Sends to the partition's leader; `onSend` is called just before the first byte may leave. */
  exchange<Answer>(partition: number, exchange: Exchange<Answer>, onSend?: () => void): Promise<Answer>;
  /** First and end offset of each partition asked for, in that order. */
  bounds(partitions: readonly number[]): Promise<Bounds[]>;
  readonly client: Client;
  /** Ends its connections; calls under way reject. */
  close(): void;
}

/** Whether a link that was used at `usedAt` may be used now: clouds forget idle connections, and logins end. */
export const isFit = ({ client }: Link, usedAt: number, now: number): boolean =>
  now - usedAt <= times.idleMaxMs && now < (client.fitUntil ?? Number.POSITIVE_INFINITY);

/** The one public door to a cluster of kafkajs: what it hands to the assigner of a consumer, here one that never runs. */
function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined;
  kafka.consumer({
    groupId: 'never-joined',
    allowAutoTopicCreation: false,
    readUncommitted: true,
    metadataMaxAge: times.metadataAgeMaxMs,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  if (found === undefined) throw new Error('kafkajs gave no cluster');
  return found;
}

/**
 * Connects and reads the metadata of `topic` and of no other: an empty metadata request makes Event Hubs close the
 * connection. Rejects with whatever kafkajs says, `UNKNOWN_TOPIC_OR_PARTITION` for a missing topic.
 */
export async function openLink(settings: KafkaSettings, topic: string): Promise<Link> {
  const client = kafkaClient(settings);
  const cluster = clusterOf(client.kafka);
  let late: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      cluster.addTargetTopic(topic),
      new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error('no answer while connecting')), times.openTimeoutMs);
      }),
    ]);
  } catch (error) {
    client.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
  return linkOver(client, cluster, topic);
}

function linkOver(client: Client, cluster: Cluster, topic: string): Link {
  const { Encoder } = kafkajs();
  const offsetsAt = async (
    partitions: readonly number[],
    fromTimestamp: number,
  ): Promise<Map<number, number>> => {
    const asked = { topic, partitions: partitions.map((partition) => ({ partition })), fromTimestamp };
    const [answer] = await cluster.fetchTopicsOffset([asked]);
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  return {
    client,
    partitions: cluster.findTopicPartitionMetadata(topic).length,
    async exchange(partition, { apiKey, apiVersion, apiName, body, read }, onSend) {
      await cluster.refreshMetadataIfNecessary();
      const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
      if (leader === undefined) throw new Error(`partition ${partition} has no leader`);
      const broker = (await cluster.findBroker({ nodeId: leader })) as WireBroker;
      const encode = async () => {
        onSend?.();
        return new Encoder(body.length + 1).writeBuffer(body);
      };
      // A link makes one request at a time or none that wait: one connection is enough for it.
      const connection = await broker.connectionPool.getConnection(0);
      return connection.send({
        request: { apiKey, apiVersion, apiName, encode },
        response: { decode: async (answer) => read(answer), parse: async (answer) => answer },
        requestTimeout: times.requestTimeoutMs,
        logResponseError: false,
      });
    },
    async bounds(partitions) {
      await cluster.refreshMetadataIfNecessary();
      const [firsts, ends] = [await offsetsAt(partitions, -2), await offsetsAt(partitions, -1)];
      return partitions.map((partition) => {
        const [first, end] = [firsts.get(partition), ends.get(partition)];
        if (first === undefined || end === undefined) throw new Error(`no offsets of partition ${partition}`);
        return { first, end };
      });
    },
    close: () => client.close(),
  };
}
