import type { Clock } from '../../ports/clock.ts';
import type { TokenSource } from '../../ports/token.ts';

export type KafkaCredentials =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      /** Asked again for each client, so that it may change; what it throws is told as the reason. */
      readonly password: () => string;
    }
  /** Asked again for every login. */
  | { readonly mechanism: 'oauthbearer'; readonly token: TokenSource };

/** Something worth a log line that is not a failure of a call: `what` is constant, facts carry units in their names. */
export interface KafkaNotice {
  readonly what:
    | 'group joined'
    | 'group lost, joining again'
    | 'lane reconnects'
    | 'lane gets nothing though the log has more'
    | 'the topic has more partitions than its epoch';
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface KafkaSettings {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  /** Present: TLS. `ca`: certificates (PEM) that vouch, in the place of the machine's own; asked again for each client. */
  readonly tls?: { readonly ca?: () => string };
  readonly sasl?: KafkaCredentials;
  /** How long topics made here keep records; −1 = for ever. Default 7 days. */
  readonly retentionMs?: number;
  /** How long the group waits for a member that says nothing before others get its partitions. Default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** Where a broker's advertised address is reached from here, behind a tunnel or a port forward. Default: as it says. */
  readonly reach?: (host: string, port: number) => { readonly host: string; readonly port: number };
  readonly onNotice?: (notice: KafkaNotice) => void;
}

/** Times that Event Hubs asks for; they suit Kafka too. */
export const times = {
  requestTimeoutMs: 60_000,
  connectionTimeoutMs: 10_000,
  /** Of connecting, authenticating and the first metadata together. */
  openTimeoutMs: 25_000,
  produceTimeoutMs: 30_000,
  /** Azure drops idle connections at 240 s. */
  idleMaxMs: 180_000,
  metadataAgeMaxMs: 180_000,
  sessionDefaultMs: 30_000,
  rebalanceTimeoutMs: 300_000,
  fetchWaitMs: 5_000,
  retentionDefaultMs: 7 * 24 * 3_600_000,
} as const;
