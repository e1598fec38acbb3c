import type { ServerOptions } from '../running-server.ts';
import type { ServerCommand } from './server-process.ts';

/** One try at starting a server: its own temporary folder, and ports that were free a moment ago. */
export interface Attempt {
  readonly folder: string;
  readonly ports: readonly number[];
  readonly options: ServerOptions;
}

export interface NativePlan {
  readonly address: string;
  readonly command: ServerCommand;
  /** Version of the software as its log tells it, where the protocol does not. */
  readonly softwareOf?: (log: string) => string | undefined;
}

/** How a server is run from packages. `prepare` fetches once what it needs; the rest is done for each try. */
export interface NativeRecipe {
  readonly portsCount: number;
  prepare(): Promise<(attempt: Attempt) => Promise<NativePlan>>;
}
