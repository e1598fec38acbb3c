/** Which adapter answers each port, and what it needs. Each port is switched alone. Secrets stand here: never print it. */
export interface PortSettings {
  readonly log:
    | { readonly kind: 'file'; readonly dir: string }
    | {
        readonly kind: 'kafka';
        readonly brokers: readonly string[];
        readonly retentionMs: number;
        readonly sessionTimeoutMs?: number;
      };
  readonly archive:
    | { readonly kind: 'folder'; readonly dir: string }
    | { readonly kind: 'azure-blob'; readonly connectionString: string; readonly prefix: string }
    | { readonly kind: 'azure-blob'; readonly accountUrl: string; readonly prefix: string };
  readonly registry:
    | { readonly kind: 'embedded'; readonly dir: string }
    | { readonly kind: 'confluent'; readonly url: string };
  readonly readModel:
    | { readonly kind: 'sqlite'; readonly dir: string }
    | { readonly kind: 'elasticsearch'; readonly url: string; readonly prefix: string };
}
