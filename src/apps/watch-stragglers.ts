import type { Ports } from '../composition/compose.ts';
import { type Fault, isFault } from '../domain/fault.ts';
import { formatPosition } from '../domain/position.ts';
import { bridgeStore } from '../intake/bridge-store.ts';
import { republishStragglers, type Straggler, type StragglerWork } from '../intake/stragglers.ts';
import type { Intake } from '../intake/submit.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { EventDecoders } from '../streams/event-decoders.ts';
import { archivedEnds, whyOther } from '../streams/lost-log.ts';
import type { Log } from './runtime.ts';

/** Older ones are not looked at: whoever slept through so many epochs is stopped by its own look. */
const epochsLookedAt = 4;
const retireEveryMs = 60_000;

interface ClosedTopic {
  readonly epoch: Epoch;
  readonly end: readonly number[];
  log: EventLog | undefined;
  retiredAt: number;
  /** The topic is gone, or another one now: nothing of ours will come to it. */
  over: boolean;
}

export interface WatchOptions {
  readonly ports: Pick<Ports, 'archive' | 'logHost' | 'clock'>;
  /** All of them; the last one is open, `intake` is its intake and `log` its log. */
  readonly epochs: readonly Epoch[];
  readonly intake: Pick<Intake, 'republish'>;
  readonly log: EventLog;
  readonly decoders: EventDecoders;
  readonly lookMs: number;
  readonly say: Log;
  readonly onStraggler: () => void;
}

/**
 * Looks at the topics of closed epochs, now and then, for what still comes to them; lets a log that keeps records for our sake
 * alone forget what stands in segments. The function it gives ends it.
 */
export function watchStragglers(options: WatchOptions): () => Promise<void> {
  const { ports, epochs, say } = options;
  const { clock, logHost, archive } = ports;
  const stopping = new AbortController();
  const { signal } = stopping;
  const topics = epochs.slice(0, -1).map(
    (epoch, n): ClosedTopic => ({
      ...{ epoch, end: epochs[n + 1]!.previous!.next, log: undefined, retiredAt: 0, over: false },
    }),
  );
  const looked = topics.slice(-epochsLookedAt);

  async function opened(closed: ClosedTopic): Promise<EventLog | undefined> {
    if (closed.log !== undefined || closed.over) return closed.log;
    const { epoch } = closed;
    const log = await logHost.open(epoch).catch((error: unknown) => {
      if (!isFault(error, 'TOPIC_MISSING') && !isFault(error, 'TOPIC_MISMATCH')) throw error;
      return undefined;
    });
    const why =
      log === undefined
        ? `${epoch.topic} is gone`
        : await whyOther(log, epoch.topic, await archivedEnds(archive, epoch), signal);
    if (why !== undefined) {
      closed.over = true;
      await log?.[Symbol.asyncDispose]();
      say('info', 'closed topic not looked at', { topic: epoch.topic, reason: why });
      return undefined;
    }
    closed.log = log;
    return log;
  }

  async function look(closed: ClosedTopic): Promise<void> {
    const log = await opened(closed);
    if (log === undefined) return;
    const { epoch, end } = closed;
    await republishStragglers(workOf(closed, log), signal);
    if (log.retire === undefined || clock.now() - closed.retiredAt < retireEveryMs) return;
    closed.retiredAt = clock.now();
    const files = await log.retire({ archivedTo: end, now: clock.now() });
    if (files > 0) say('info', 'log files retired', { topic: epoch.topic, files });
  }

  const workOf = ({ epoch: { topic }, end }: ClosedTopic, log: EventLog): StragglerWork => ({
    ...{ topic, log, end, intake: options.intake, open: options.log, decoders: options.decoders },
    store: bridgeStore(archive.state, { dialect: 'straggler', source: topic, topic }),
    onStraggler({ at, id, position, refused }: Straggler) {
      options.onStraggler();
      say('error', refused === null ? 'straggler published again' : 'straggler refused', {
        ...{ topic, at: formatPosition(at), id, refused },
        position: position === null ? null : formatPosition(position),
      });
    },
  });

  const told = (closed: ClosedTopic, fault: Fault): void =>
    say('warn', 'closed topic not readable', {
      ...{ topic: closed.epoch.topic, code: fault.code, error: fault.message },
    });

  async function run(): Promise<void> {
    while (!signal.aborted) {
      for (const closed of looked) {
        try {
          await look(closed);
        } catch (error) {
          if (signal.aborted) return;
          if (!isFault(error)) throw error;
          told(closed, error);
        }
      }
      await clock.wait(options.lookMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  const running = run();
  running.catch((error: unknown) => queueMicrotask(() => Promise.reject(error)));
  return async () => {
    stopping.abort();
    await running;
    for (const { log } of looked) await log?.[Symbol.asyncDispose]();
  };
}
