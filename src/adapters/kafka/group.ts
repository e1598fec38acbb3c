import type { Consumer } from 'kafkajs';
import { reasonOf, unlessAborted } from './failures.ts';
import { type Client, kafkaClient } from './link.ts';
import { type KafkaSettings, times } from './settings.ts';

const watchMs = 5_000;
const heartbeatsPerSession = 10;
const backoffMs = { first: 500, max: 10_000 } as const;
const leaveTimeoutMs = 5_000;
/** A member stays where it is while logins end: it logs in again so long before, which Kafka takes once a second at most. */
const loginAheadMs = 10_000;

export interface Membership extends AsyncDisposable {
  /** Undefined until the group has answered for the first time. */
  held(): ReadonlySet<number> | undefined;
}

export interface GroupPlace {
  readonly topic: string;
  readonly group: string;
  readonly partitions: number;
}

/**
 * Membership in a consumer group, and nothing else: a kafkajs consumer with every partition paused, so that it never
 * fetches. `onHeld` is called with each answer of the group. A consumer that crashes, falls silent or cannot join is
 * replaced, with a growing wait, until disposed; the partitions held last stay held meanwhile.
 */
export function joinGroup(
  settings: KafkaSettings,
  place: GroupPlace,
  onHeld: (held: ReadonlySet<number>) => void,
): Membership {
  const leaving = new AbortController();
  let held: ReadonlySet<number> | undefined;

  const assigned = (partitions: readonly number[]): void => {
    const within = partitions.filter((partition) => partition < place.partitions);
    const facts = { topic: place.topic, group: place.group, partitions: within };
    if (within.length < partitions.length)
      settings.onNotice?.({ what: 'the topic has more partitions than its epoch', facts });
    settings.onNotice?.({ what: 'group joined', facts });
    held = new Set(within);
    onHeld(held);
  };

  const supervise = async (): Promise<void> => {
    let waitMs: number = backoffMs.first;
    while (!leaving.signal.aborted) {
      const startedAt = settings.clock.now();
      try {
        await belong(settings, place, assigned, leaving.signal);
      } catch (error) {
        if (leaving.signal.aborted) return;
        settings.onNotice?.({
          what: 'group lost, joining again',
          facts: { topic: place.topic, group: place.group, reason: reasonOf(error) },
        });
        const settled = settings.clock.now() - startedAt > 2 * backoffMs.max;
        waitMs = settled ? backoffMs.first : Math.min(2 * waitMs, backoffMs.max);
        await settings.clock.wait(waitMs, leaving.signal).catch(() => {}); // Only leaving ends the wait early.
      }
    }
  };
  const supervised = supervise();

  return {
    held: () => held,
    async [Symbol.asyncDispose]() {
      leaving.abort(new Error('the reader was closed'));
      await supervised;
    },
  };
}

/** One consumer's life: rejects when it is of no use any more, or when `leaving` aborts and it has left the group. */
async function belong(
  settings: KafkaSettings,
  { topic, group }: GroupPlace,
  assigned: (partitions: readonly number[]) => void,
  leaving: AbortSignal,
): Promise<void> {
  const { clock, sessionTimeoutMs = times.sessionDefaultMs } = settings;
  // Heartbeats are missed for so long only by a consumer that has stopped; while a group assembles there are none.
  const silentMaxMs = 2 * sessionTimeoutMs;
  const joiningMaxMs = silentMaxMs + times.rebalanceTimeoutMs;
  const client = kafkaClient(settings, loginAheadMs);
  const consumer = groupConsumer(client, groupIdOf(group, topic), sessionTimeoutMs);
  const crashed = new AbortController();
  const watched = new AbortController();
  let seenAt = clock.now();
  let patienceMs: number = silentMaxMs;
  const seen = (nextPatienceMs: number): void => {
    [seenAt, patienceMs] = [clock.now(), nextPatienceMs];
  };
  const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    consumer.pause([{ topic }]); // Before the first fetch: kafkajs tells of the join and fetches after.
    seen(silentMaxMs);
    assigned(payload.memberAssignment[topic] ?? []);
  });
  consumer.on(HEARTBEAT, () => seen(silentMaxMs));
  consumer.on(REBALANCING, () => seen(joiningMaxMs));
  consumer.on(CRASH, ({ payload }) => crashed.abort(payload.error));

  const run = async (): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    seen(joiningMaxMs);
    const eachBatch = async ({ pause }: { pause: () => unknown }) => void pause();
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
  };
  const watch = async (): Promise<void> => {
    for (;;) {
      await clock.wait(watchMs, watched.signal);
      const silentMs = clock.now() - seenAt;
      if (silentMs > patienceMs) throw new Error(`the consumer has been silent for ${silentMs} ms`);
    }
  };
  try {
    await unlessAborted(Promise.all([run(), watch()]), [crashed.signal, leaving]);
  } finally {
    watched.abort();
    await leave(settings, consumer);
    client.close();
  }
}

/** Members of one Kafka group must read the same topics, and epochs are topics: so a group is one per topic. */
const groupIdOf = (group: string, topic: string): string => `${group}.${topic}`;

const groupConsumer = ({ kafka }: Client, group: string, sessionTimeoutMs: number): Consumer =>
  kafka.consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.floor(sessionTimeoutMs / heartbeatsPerSession),
    rebalanceTimeout: times.rebalanceTimeoutMs,
    metadataMaxAge: times.metadataAgeMaxMs,
    allowAutoTopicCreation: false,
    readUncommitted: true,
    maxWaitTimeInMs: 250, // With everything paused this is how often kafkajs looks whether to send a heartbeat.
    retry: { retries: 3, initialRetryTime: 200, restartOnFailure: async () => false },
  });

/** Tells the group, so that it need not wait for the session to run out; not for longer than a person would wait. */
async function leave(settings: KafkaSettings, consumer: Consumer): Promise<void> {
  const left = new AbortController();
  await Promise.race([
    consumer.disconnect().catch(() => {}), // The connection is going away either way.
    settings.clock.wait(leaveTimeoutMs, left.signal).catch(() => {}), // Ended early: it has left.
  ]);
  left.abort();
}
