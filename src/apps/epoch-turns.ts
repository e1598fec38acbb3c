import { v7 as uuidV7 } from 'uuid';
import type { Ports } from '../composition/compose.ts';
import { formatCut } from '../domain/cut.ts';
import { isFault } from '../domain/fault.ts';
import type { EventLog } from '../ports/event-log.ts';
import { archiveLimits } from '../streams/archive-lane.ts';
import { startArchiver } from '../streams/archiver.ts';
import type { TurnPhase, TurnPoint } from '../streams/close-epoch.ts';
import { type Epoch, readClosing, readEpochs } from '../streams/epochs.ts';
import {
  planTurn,
  type TurnPlan,
  type TurnReport,
  type TurnRequest,
  type TurnWorld,
  turnEpoch,
} from './epoch-turn.ts';
import { operations, type Underway } from './operations.ts';
import type { Log, Runtime } from './runtime.ts';

/** A turn that was started here. */
export interface TurnOperation extends Underway {
  readonly action: TurnRequest['action'];
  readonly phase: TurnPhase | null;
  readonly report: TurnReport | null;
}

export interface ListedEpoch {
  readonly epoch: number;
  readonly topic: string;
  readonly partitions: number;
  /** closed: it takes nothing in any more, and the next one is not open yet; ended: the next one says where. */
  readonly state: 'open' | 'closed' | 'ended';
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** Its topic was lost: what was not archived by then is missing. */
  readonly lost: boolean;
  /** Where it ended, as text of a cut. */
  readonly end: string | null;
  readonly events: number | null;
}

/** Epochs as people ask for them. */
export interface EpochTurns extends AsyncDisposable {
  list(): Promise<readonly ListedEpoch[]>;
  plan(request: TurnRequest): Promise<TurnPlan>;
  /** Starts a turn; rejects like `plan`. */
  start(request: TurnRequest): Promise<TurnOperation>;
  find(id: string): TurnOperation | undefined;
  /** Rejects with `OPERATION_UNKNOWN`. */
  ended(id: string): Promise<TurnOperation>;
}

/** An operator's question waits no longer than this for a log that is looked at. */
const planMs = 60_000;

export async function listEpochs(truth: Ports['archive']['truth']): Promise<readonly ListedEpoch[]> {
  const epochs = await readEpochs(truth);
  const marks = await Promise.all(epochs.map((epoch) => readClosing(truth, epoch)));
  return epochs.map(({ epoch, topic, partitions, openedAt }, n) => {
    const end = epochs[n + 1]?.previous;
    const mark = marks[n];
    return {
      ...{ epoch, topic, partitions, openedAt },
      state: end != null ? 'ended' : mark === undefined ? 'open' : 'closed',
      closedAt: mark?.closedAt ?? null,
      lost: mark?.lost ?? false,
      end: end == null ? null : formatCut({ epoch, next: end.next }),
      events: end == null ? null : end.next.reduce((sum, next) => sum + next, 0),
    };
  });
}

/** Turns of epochs by this process, which may be working on the one that ends. */
export function epochTurns(world: {
  readonly ports: Ports;
  readonly flushMs: number;
  readonly say: Log;
  /** What this process runs over the newest epoch. */
  readonly current: () => Runtime;
  /** Looks for a newer epoch and goes over to it. */
  readonly goOn: () => Promise<void>;
  readonly probe?: (point: TurnPoint) => void | Promise<void>;
}): EpochTurns {
  const { ports, flushMs, say, current, goOn, probe } = world;
  const running = operations<TurnOperation>();

  /** With a log of its own: this process may go over to the next epoch meanwhile, if somebody else opens it. */
  async function working(epoch: Epoch): ReturnType<TurnWorld['working']> {
    await goOn();
    const log = await ports.logHost.open(epoch);
    return {
      log,
      async drain() {
        const { log: own, intake } = current();
        if (own.epoch === epoch.epoch) await intake?.closeEpoch();
      },
      archiveTo: (next, signal) => archiveAll(log, epoch, next, signal),
    };
  }

  /** Archives a whole log, whoever else does: every write is conditional. */
  async function archiveAll(
    log: EventLog,
    { name }: Epoch,
    next: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const archiver = startArchiver({
      ...{ store: ports.archive, clock: ports.clock, log, name, group: null, retryMs: 200 },
      withPool: true,
      limits: archiveLimits,
      onNotice: ({ kind, ...facts }) => {
        if (kind === 'hole' || kind === 'gap') say('error', `archive ${kind}`, facts);
      },
    });
    try {
      await archiver.reach(next, signal);
    } finally {
      await archiver.stop();
    }
  }

  const turnWorld = (onPhase: (phase: TurnPhase) => void): TurnWorld => ({
    ...{ ports, flushMs, working, onPhase },
    ...(probe === undefined ? {} : { probe }),
  });

  return {
    list: () => listEpochs(ports.archive.truth),
    plan: (request) => planTurn({ ports, flushMs }, request, AbortSignal.timeout(planMs)),
    async start(request) {
      const plan = await planTurn({ ports, flushMs }, request, AbortSignal.timeout(planMs));
      const begun: TurnOperation = {
        ...{ id: uuidV7(), action: request.action, phase: null, report: null, fault: null },
        state: 'running',
      };
      // What was planned is what is done: an epoch that somebody opened meanwhile is not ended as well.
      const asked = { ...request, after: plan.epoch };
      return running.start(begun, async (change, signal) => {
        try {
          const report = await turnEpoch(
            turnWorld((phase) => change({ phase })),
            asked,
            signal,
          );
          say('info', 'epoch turned', { ...report });
          await goOn();
          return { report };
        } catch (error) {
          const code = isFault(error) ? { code: error.code } : {};
          say('error', 'epoch not turned', { epoch: plan.epoch, ...code, error: String(error) });
          throw error;
        }
      });
    },
    find: (id) => running.find(id),
    ended: (id) => running.ended(id),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
