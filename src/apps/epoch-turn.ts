import type { Ports } from '../composition/compose.ts';
import { formatCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { formatTime } from '../domain/moment.ts';
import { closingLookMs, type EventLog } from '../ports/event-log.ts';
import { type ClosingWorld, closeEpoch, type TurnPhase, type TurnPoint } from '../streams/close-epoch.ts';
import { type Epoch, type EpochEnd, nextOf, readClosing, readEpochs } from '../streams/epochs.ts';
import { whyLost } from '../streams/lost-log.ts';
import { makeNextTopic, openNextEpoch } from '../streams/next-epoch.ts';

export interface TurnRequest {
  /** `open` closes as well, where that is not done yet. */
  readonly action: 'close' | 'open';
  /** The epoch that ends; by default the newest. Where it has ended in the way that is asked, nothing is left to do. */
  readonly after?: number;
  /** Of the epoch that is opened; by default those of the topic that was made for it, else as many as before. */
  readonly partitions?: number;
  /** The log of the epoch is gone: it ends where its archive does. */
  readonly lost?: boolean;
}

/** What a turn will do, told before anything changes. */
export interface TurnPlan {
  readonly action: TurnRequest['action'];
  readonly log: string;
  /** The epoch that ends. */
  readonly epoch: number;
  readonly topic: string;
  readonly partitions: number;
  /** It takes nothing in any more. */
  readonly closed: boolean;
  readonly opens: {
    readonly epoch: number;
    readonly topic: string;
    readonly partitions: number;
  } | null;
  /** Nothing is left to do: somebody has done what is asked. */
  readonly done: boolean;
  /** Intake stands still at least so long. */
  readonly waitMs: number;
  readonly lost: {
    /** In words. */
    readonly why: string;
    /** What was acknowledged so long before the loss may not be in the archive. */
    readonly windowMs: number;
  } | null;
}

export interface TurnReport {
  readonly epoch: number;
  /** Where it ended, as text of a cut. */
  readonly end: string;
  readonly events: number;
  /** Append time of its last event, UTC; null where it has none. */
  readonly lastAppendAt: string | null;
  /** The epoch that is open now; null while there is none. */
  readonly opened: { readonly epoch: number; readonly topic: string; readonly partitions: number } | null;
  readonly tookMs: number;
}

export interface TurnWorld {
  readonly ports: Pick<Ports, 'archive' | 'logHost' | 'clock'>;
  /** A record waits at most so long for its archive. */
  readonly flushMs: number;
  /** Opens what the epoch that ends is worked on with, its log to be closed then; not called for a lost one. */
  readonly working: (epoch: Epoch) => Promise<Pick<ClosingWorld, 'drain' | 'archiveTo'> & { log: EventLog }>;
  readonly onPhase: (phase: TurnPhase) => void;
  readonly probe?: (point: TurnPoint) => void | Promise<void>;
}

/**
 * Rejects with `EPOCH_TAKEN` where the epoch has ended otherwise than asked; with `LOG_PRESENT` for a log that is called lost
 * and is not, with `TOPIC_MISMATCH` where the topic of the next epoch is there with other partitions, and with `EPOCH_LIMIT`.
 */
export async function planTurn(
  world: Pick<TurnWorld, 'ports' | 'flushMs'>,
  request: TurnRequest,
  signal: AbortSignal,
): Promise<TurnPlan> {
  const { archive, logHost } = world.ports;
  const epochs = await readEpochs(archive.truth);
  const newest = epochs.at(-1);
  if (newest === undefined) throw new Fault('ARCHIVE_EMPTY', { archive: archive.place });
  const last = epochs[(request.after ?? newest.epoch) - 1];
  if (last === undefined) throw new Fault('EPOCH_TAKEN', { asked: request.after, newest: newest.epoch });
  const told = {
    action: request.action,
    ...{ log: last.log, epoch: last.epoch, topic: last.topic, partitions: last.partitions },
    waitMs: logHost.lateMs === 0 || request.lost === true ? 0 : logHost.lateMs + closingLookMs,
  };
  const next = epochs[last.epoch];
  if (next !== undefined) {
    refuseOther(next, request);
    const { epoch, topic, partitions } = next;
    const opens = request.action === 'open' ? { epoch, topic, partitions } : null;
    return { ...told, closed: true, opens, done: true, lost: null };
  }
  const lost = request.lost === true ? await lossOf(world, last, signal) : null;
  const closed = (await readClosing(archive.truth, last)) !== undefined;
  const opens =
    request.action === 'open'
      ? { ...nextOf(last), partitions: await partitionsFor(world, last, request.partitions) }
      : null;
  return { ...told, closed, opens, done: false, lost };
}

function refuseOther({ epoch, partitions }: Epoch, request: TurnRequest): void {
  const asked = request.partitions ?? partitions;
  if (asked !== partitions) throw new Fault('EPOCH_TAKEN', { epoch, partitions, asked });
}

async function lossOf(
  { ports: { logHost, archive }, flushMs }: Pick<TurnWorld, 'ports' | 'flushMs'>,
  last: Epoch,
  signal: AbortSignal,
): Promise<TurnPlan['lost']> {
  const why = await whyLost(logHost, archive, last, signal);
  if (why === undefined) throw new Fault('LOG_PRESENT', { topic: last.topic });
  return { why, windowMs: flushMs };
}

async function partitionsFor(
  { ports: { logHost } }: Pick<TurnWorld, 'ports'>,
  last: Epoch,
  asked: number | undefined,
): Promise<number> {
  const { topic } = nextOf(last);
  const found = await logHost.partitions(topic).catch((error: unknown) => {
    if (isFault(error, 'TOPIC_MISSING')) return undefined;
    throw error;
  });
  const partitions = asked ?? found ?? last.partitions;
  if (found !== undefined && found !== partitions)
    throw new Fault('TOPIC_MISMATCH', { topic, partitions: found, asked: partitions });
  return partitions;
}

/**
 * Closes an epoch and, for `open`, opens the next one. Done again after a crash, or by two at once, it goes on where it was.
 * Rejects with what `planTurn`, `makeNextTopic` and `closeEpoch` reject with.
 */
export async function turnEpoch(
  world: TurnWorld,
  request: TurnRequest,
  signal: AbortSignal,
): Promise<TurnReport> {
  const { ports, onPhase, probe } = world;
  const { archive, clock, logHost } = ports;
  const started = clock.now();
  const plan = await planTurn(world, request, signal);
  const epochs = await readEpochs(archive.truth);
  const last = epochs[plan.epoch - 1]!;
  if (plan.done) return reportOf(epochs[last.epoch]!.previous!, plan.opens, clock.now() - started);
  if (plan.opens !== null) {
    await makeNextTopic({ host: logHost, truth: archive.truth }, last, plan.opens.partitions);
    await probe?.('topic-made');
  }
  const working =
    plan.lost === null
      ? await world.working(last)
      : { log: undefined, drain: async () => undefined, archiveTo: async () => undefined };
  await using _log = working.log;
  const closing: ClosingWorld = {
    ...{ store: archive, clock, epoch: last, lateMs: logHost.lateMs, onPhase },
    ...working,
    ...(probe === undefined ? {} : { probe }),
  };
  const end = await closeEpoch(closing, signal);
  if (plan.opens === null) return reportOf(end, null, clock.now() - started);
  onPhase('open');
  const openedAt = new Date(clock.now()).toISOString();
  const { partitions } = plan.opens;
  const opened = await openNextEpoch(archive.truth, last, end, { partitions, openedAt });
  await probe?.('opened');
  // Of two who open it the file of one counts, and with it the end that it names.
  return reportOf(opened.previous!, plan.opens, clock.now() - started);
}

const reportOf = (
  { epoch, next, timeMax }: EpochEnd,
  opened: TurnReport['opened'],
  tookMs: number,
): TurnReport => ({
  epoch,
  end: formatCut({ epoch, next }),
  events: next.reduce((sum, end) => sum + end, 0),
  lastAppendAt: timeMax === 0 ? null : formatTime(timeMax),
  opened,
  tookMs,
});
