import type { ServerKind } from '../services/addresses.ts';

/** One line of the table: what was measured, beside what bounds it in the same run. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** The ceiling or peer; absent for an absolute, which only the machine bounds. */
  readonly beside?: string;
  /** Measured ÷ beside, median of rounds; absent for an absolute. */
  readonly ratio?: number;
  /** What it should be. */
  readonly target?: string;
}

export interface BenchContext {
  /** Small sizes, to see that it works. */
  readonly quick: boolean;
  readonly rounds: number;
  readonly events: number;
  /** The one side that is wanted of a row that has several; undefined for all. */
  readonly side: string | undefined;
  /** For what a row writes; removed at the end. */
  readonly folder: string;
  /** Address of a server of this run's own, started when first asked for. */
  server(kind: ServerKind): Promise<string>;
}

export interface Row {
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): Promise<readonly Figure[]>;
}
