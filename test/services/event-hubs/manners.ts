/**
 * The versions of Kafka's requests that Event Hubs has been seen to advertise, by API key (client logs; Microsoft publishes no
 * table). SyncGroup and CreateTopics stand in no log that was read: the versions given here are those of their time. Of
 * OffsetCommit (to 8) and FindCoordinator (to 4) the flexible ones are left out: the proxy does not read them.
 */
export const eventHubsVersions: ReadonlyMap<number, readonly [least: number, greatest: number]> = new Map([
  [0, [3, 7]], // Produce
  [1, [4, 6]], // Fetch
  [2, [0, 8]], // ListOffsets
  [3, [0, 5]], // Metadata
  [8, [0, 7]], // OffsetCommit
  [9, [0, 8]], // OffsetFetch
  [10, [0, 2]], // FindCoordinator
  [11, [0, 9]], // JoinGroup
  [12, [0, 4]], // Heartbeat
  [13, [0, 5]], // LeaveGroup
  [14, [0, 5]], // SyncGroup
  [17, [0, 1]], // SaslHandshake
  [18, [0, 2]], // ApiVersions; 4 made it reset the connection, 3 is told to ask in an older one
  [19, [0, 3]], // CreateTopics
  [32, [0, 2]], // DescribeConfigs
  [36, [0, 1]], // SaslAuthenticate
  [37, [0, 1]], // CreatePartitions
  [42, [0, 0]], // DeleteGroups
]);

/** How Event Hubs differs from a broker of Apache Kafka. Each can be switched, also while connections are open. */
export interface Manners {
  /** A larger request, its length prefix not counted, closes the connection; null: none is too large. */
  requestBytesMax: number | null;
  /** What a Metadata request that names no topic gets. */
  emptyMetadata: 'closed' | 'answered';
  /** Only these versions are told, and any other closes the connection; null: what the broker speaks. */
  versions: ReadonlyMap<number, readonly [least: number, greatest: number]> | null;
  /**
   * A connection on which nothing is asked and nothing awaited for so long is `closed`, or `forgotten` as a load balancer
   * does it: it stays open, and what is sent on it goes nowhere. null: none is.
   */
  idle: { readonly afterMs: number; readonly fate: 'closed' | 'forgotten' } | null;
  /** `throttled`: answers hold no records and no error, at once, with the log's true end. */
  fetches: 'answered' | 'throttled';
  /** `throttled`: nothing is appended, the answer is POLICY_VIOLATION. */
  appends: 'answered' | 'throttled';
  /** Commits of one group for one partition beyond that are answered later; null: all at once. */
  commitsPerSecondMax: number | null;
  topicCreation: 'forbidden' | 'allowed';
  /** `untold`: a description of a topic's settings has none in it. */
  topicSettings: 'untold' | 'told';
  /** Every broker and coordinator is told to be at the proxy's address. */
  oneAddress: boolean;
}

/** Azure drops idle connections at 240 s. */
export const eventHubs: Readonly<Manners> = {
  requestBytesMax: 1_046_528,
  emptyMetadata: 'closed',
  versions: eventHubsVersions,
  idle: { afterMs: 240_000, fate: 'forgotten' },
  fetches: 'answered',
  appends: 'answered',
  commitsPerSecondMax: 4,
  topicCreation: 'forbidden',
  topicSettings: 'untold',
  oneAddress: true,
};

/**
 * For tests that do to a broker what nobody can do to Event Hubs: they make and delete topics and records, write transactions
 * and ask for all topics. What our own client asks for is as narrow as ever.
 */
export const eventHubsForTests: Readonly<Manners> = {
  ...eventHubs,
  emptyMetadata: 'answered',
  topicCreation: 'allowed',
  topicSettings: 'told',
  // DeleteTopics, DeleteRecords, InitProducerId, AddPartitionsToTxn, EndTxn.
  versions: new Map([...eventHubsVersions, ...[20, 21, 22, 24, 26].map((key) => [key, [0, 1]] as const)]),
};

/** As the broker behind it: nothing is different but the address. */
export const noManners: Readonly<Manners> = {
  requestBytesMax: null,
  emptyMetadata: 'answered',
  versions: null,
  idle: null,
  fetches: 'answered',
  appends: 'answered',
  commitsPerSecondMax: null,
  topicCreation: 'allowed',
  topicSettings: 'told',
  oneAddress: true,
};
