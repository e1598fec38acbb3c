import type { ServerKind } from './addresses.ts';

/** How a server was come by: given in the environment, run by a Docker engine, or run from packages as a process. */
export type Route = 'address' | 'testcontainers' | 'native';

export interface ServerOptions {
  /**
   * True for a test that stops, kills or pauses it: an address from the environment is then not used, because that
   * server is shared.
   */
  readonly own?: boolean;
  /** Takes this route alone. Without it: an address, else testcontainers where an engine answers, else native. */
  readonly route?: 'testcontainers' | 'native';
  /** Java heap, MiB: 512 for Kafka and the registry, 1024 for Elasticsearch unless told. Azurite has none. */
  readonly heapMiB?: number;
  /** Further broker properties of Kafka or settings of elasticsearch.yml; they win over the harness's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Kafka natively only: further listeners by name, with their ports; what they ask for stands in `settings`. */
  readonly listeners?: Readonly<Record<string, number>>;
  /** Kafka natively only: names that SCRAM knows from the start, with their passwords. */
  readonly scramUsers?: Readonly<Record<string, string>>;
  /** Azurite only: keeps blobs in a folder, so that they outlive a kill and a restart. In memory unless told. */
  readonly keepsBlobs?: boolean;
}

/**
 * A real server that answered. `address` is what its variable in addresses.ts holds. All but `stop` fail on one given
 * by address.
 */
export interface RunningServer extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly route: Route;
  readonly address: string;
  /** What the server tells of itself. */
  readonly version: string;
  /** Process id, natively and while it runs. */
  readonly pid: number | undefined;
  /** For good: ends it and removes its data. Leaves a server given by address alone. May be called again. */
  stop(): Promise<void>;
  /** Ends it as a power cut would (SIGKILL); its data stay. `restart` brings it back. */
  kill(): Promise<void>;
  /** Ends it in an orderly way; its data stay. `restart` brings it back. */
  end(): Promise<void>;
  /** Ends it in an orderly way if it runs, starts it at the same address on the same data, waits until it answers. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing is answered. `resume` ends that. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}
