import { isFault } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogReader } from '../ports/event-log.ts';
import type { SchemaRegistry } from '../ports/schema-registry.ts';
import type { Rules } from './admit.ts';
import {
  type BridgeLane,
  type BridgeLaneStatus,
  bridgeLane,
  type LaneWork,
  waitUnlessAborted,
} from './bridge-lane.ts';
import { bridgeStore } from './bridge-store.ts';
import { foreignSchemas } from './foreign-schemas.ts';
import type { Intake } from './submit.ts';
import type { Dialect } from './translate/translation.ts';

export interface BridgeOptions {
  /**
   * Names the bridge in progress, ids and refusals: `[A-Za-z0-9._-]+`, unlike that of any other bridge, to be changed when the
   * topic is made again.
   */
  readonly source: string;
  /** The foreign topic that `reader` reads. */
  readonly topic: string;
  readonly dialect: Dialect;
  /** Left open when the bridge stops. */
  readonly reader: LogReader;
  readonly registry: Pick<SchemaRegistry, 'lookup'>;
  readonly intake: Pick<Intake, 'submitEvents'>;
  /** `bridge:<dialect>`, with grants from the configuration. */
  readonly principal: Principal;
  /** Those of intake. */
  readonly rules: Rules;
  readonly state: StateStore;
  readonly clock: Clock;
  /** Everything that keeps the bridge from going on, also what is tried again; and what it lost. */
  readonly onFault: (fault: unknown, partition: number | undefined) => void;
}

/** Counts are of events (`refused`: of records) since the bridge was opened. */
export interface BridgeStatus {
  readonly source: string;
  readonly dialect: string;
  readonly topic: string;
  readonly appended: number;
  readonly repeated: number;
  readonly refused: number;
  /** Of the partitions held here. */
  readonly lanes: readonly BridgeLaneStatus[];
}

/** Carries a foreign topic into the log. */
export interface Bridge {
  /**
   * Reads the partitions its reader holds, one batch of each at a time, until `signal` aborts; then it resolves. Progress is
   * saved once everything before it is in the log or kept as refused, so a crash repeats and never loses. A partition that
   * cannot go on halts alone. Rejects only for what is no Fault: an error of ours. To be called once.
   */
  run(signal: AbortSignal): Promise<void>;
  status(): BridgeStatus;
}

const backoffMs = 1_000;

/** Lanes that run, one per partition. */
interface RunningLane {
  readonly lane: BridgeLane;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Throws a RangeError where `source` cannot stand in the name of a blob. */
export function openBridge(options: BridgeOptions): Bridge {
  const { source, topic, dialect, reader, clock, onFault } = options;
  const counts = { appended: 0, repeated: 0, refused: 0 };
  const lanes = new Map<number, RunningLane>();
  const work: LaneWork = {
    ...options,
    store: bridgeStore(options.state, { dialect: dialect.name, source, topic }),
    schemas: foreignSchemas(options.registry),
    onSettled(settled) {
      for (const name of ['appended', 'repeated', 'refused'] as const) counts[name] += settled[name];
    },
  };

  function start(partition: number, signal: AbortSignal, onCrash: (error: unknown) => void): void {
    const stop = new AbortController();
    const lane = bridgeLane(work, partition);
    const done = lane.run(AbortSignal.any([signal, stop.signal])).catch(onCrash);
    lanes.set(partition, { lane, stop, done });
  }

  /** Ends the lanes of partitions that are not in `held`. */
  async function keepOnly(held: ReadonlySet<number>): Promise<void> {
    const gone = [...lanes].filter(([partition]) => !held.has(partition));
    for (const [, { stop }] of gone) stop.abort();
    for (const [partition, { done }] of gone) {
      await done;
      lanes.delete(partition);
    }
  }

  /** Keeps a lane for each partition that the reader holds. */
  async function followAssignments(signal: AbortSignal, onCrash: (error: unknown) => void): Promise<void> {
    try {
      for await (const held of reader.assignments(signal)) {
        await keepOnly(held);
        for (const partition of held) if (!lanes.has(partition)) start(partition, signal, onCrash);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isFault(error)) throw error;
      onFault(error, undefined);
    }
    await waitUnlessAborted(clock, backoffMs, signal);
  }

  return {
    async run(signal) {
      const crash = new AbortController();
      const both = AbortSignal.any([signal, crash.signal]);
      try {
        while (!both.aborted) await followAssignments(both, (error) => crash.abort(error));
      } finally {
        await keepOnly(new Set());
      }
      if (crash.signal.aborted) throw crash.signal.reason;
    },
    status: () => ({
      ...{ source, topic, dialect: dialect.name, ...counts },
      lanes: [...lanes.values()].map(({ lane }) => lane.status()).sort((a, b) => a.partition - b.partition),
    }),
  };
}
