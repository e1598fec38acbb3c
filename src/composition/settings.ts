/** A secret itself, or the file that holds it, with white space around it that does not count. */
export type Secret = { readonly value: string } | { readonly file: string };

/** How brokers know who we are, and how we know them. */
export interface KafkaAccess {
  /** Undefined: in clear. Without a CA file the machine's usual certificates vouch. */
  readonly tls: { readonly caFile: string | undefined } | undefined;
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: Secret;
      }
    | {
        readonly mechanism: 'oauthbearer';
        readonly tokens:
          | { readonly from: 'azure'; readonly scope: string }
          | { readonly from: 'file'; readonly file: string };
      }
    | undefined;
}

/** The same for a server that is spoken to over HTTP. */
export interface HttpAccess {
  readonly caFile: string | undefined;
  readonly login:
    | { readonly apiKey: Secret }
    | { readonly username: string; readonly password: Secret }
    | undefined;
}

/** Which adapter answers each port, and what it needs. Each port is switched alone. Secrets stand here: never print it. */
export interface PortSettings {
  readonly log:
    | { readonly kind: 'file'; readonly dir: string }
    | {
        readonly kind: 'kafka';
        readonly brokers: readonly string[];
        readonly retentionMs: number;
        readonly sessionTimeoutMs?: number;
        readonly access?: KafkaAccess;
      };
  readonly archive:
    | { readonly kind: 'folder'; readonly dir: string }
    | { readonly kind: 'azure-blob'; readonly connectionString: string; readonly prefix: string }
    | { readonly kind: 'azure-blob'; readonly accountUrl: string; readonly prefix: string };
  readonly registry:
    | { readonly kind: 'embedded'; readonly dir: string }
    | { readonly kind: 'confluent'; readonly url: string; readonly access?: HttpAccess }
    | { readonly kind: 'azure'; readonly url: string; readonly group: string };
  readonly readModel:
    | { readonly kind: 'sqlite'; readonly dir: string }
    | {
        readonly kind: 'elasticsearch';
        readonly url: string;
        readonly prefix: string;
        readonly access?: HttpAccess;
      };
}
