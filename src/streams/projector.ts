import { defer, EMPTY, finalize, lastValueFrom, type Observable, retry, throwError, timer } from 'rxjs';
import { type Fault, isFault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { LaneProgress, ModelIndex, ReadModel } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { mayBeCured, onlyAborted } from './after-halt.ts';
import { askedWait } from './asked-wait.ts';
import { answerBarrier, type HeldLanes } from './barrier.ts';
import { batchGate } from './batch-gate.ts';
import { liveClaim } from './claim.ts';
import { closedEpochs } from './closed-epochs.ts';
import { conditions } from './conditions.ts';
import { drain } from './drain.ts';
import { type Epoch, readEpochs } from './epochs.ts';
import type { EventDecoders } from './event-decoders.ts';
import { foldLimit, limitedSource } from './fold-limit.ts';
import { holdLanes } from './hold-lanes.ts';
import { type Ends, refuseProgressAhead, withEnds } from './index-ahead.ts';
import { foldOfIndex, type KeptFold } from './index-fold.ts';
import { type LaneSource, liveSource } from './lane-source.ts';
import { logEnds } from './log-ends.ts';
import { type ProjectContext, type ProjectPoint, projectSlice } from './project-slice.ts';
import type { ProjectorNotice, ProjectorStatus } from './projector-status.ts';

export interface ProjectorOptions {
  readonly projection: Projection;
  readonly model: ReadModel;
  readonly store: ArchiveStore;
  readonly decoders: EventDecoders;
  /** Folds of indexes that are of another version than `projection`. */
  readonly keptFold?: KeptFold;
  readonly clock: Clock;
  /** All epochs; the last one is open and `log` is its log. */
  readonly epochs: readonly Epoch[];
  readonly log: EventLog;
  /** As `LogHost.lateMs`. */
  readonly lateMs: number;
  /** Group of readers this projector is one of. */
  readonly group: string;
  /** The index to follow the log with; by default the one that serves. Another one answers for no lanes at a barrier. */
  readonly find?: () => Promise<ModelIndex | undefined>;
  /** Makes the first serving index where there is none, or waits for one. */
  readonly build: (signal: AbortSignal) => Promise<void>;
  readonly onNotice: (notice: ProjectorNotice) => void;
  /** How often to look whether another index is to be followed or somebody claims the projection. */
  readonly lookMs: number;
  readonly retryMs: number;
  readonly probe?: (point: ProjectPoint, lane: LaneProgress) => void | Promise<void>;
}

export interface Projector {
  status(): ProjectorStatus;
  /** Resolves once all before `next` of the open epoch shows in the serving index. */
  reach(next: readonly number[], signal: AbortSignal): Promise<void>;
  /** Lets the lanes stand between two batches, and resolves once they do; they keep what they hold of the log. */
  hold(): Promise<HeldLanes>;
  /** Stops the lanes and resolves once nothing is being stored; the function it gives lets them go on. */
  pause(): Promise<() => void>;
  stop(): Promise<void>;
}

/**
 * Follows the log with one projection, from where its index stands: closed epochs first, then live. Into an index of another
 * version the fold folds that made it, or none does: the lanes halt with `FOLD_NOT_KEPT`, until another index is to be followed.
 */
export function startProjector(options: ProjectorOptions): Projector {
  const { projection, model, store, clock, epochs, log, onNotice, lookMs, retryMs } = options;
  const name = projection.definition.projection;
  const open = epochs.at(-1)!;
  const told = (found: Fault): void => onNotice({ kind: 'fault', projection: name, fault: found });
  const find = options.find ?? (() => model.serving(projection.definition));
  const limit = foldLimit({ ...options, truth: store.truth, epoch: open, onFault: told });
  const stopping = new AbortController();
  const waiting = conditions();
  const lanes = new Map<string, LaneProgress>();
  const bounds = logEnds(log);
  let state: ProjectorStatus['state'] = 'starting';
  let fault: Fault | undefined;
  let index: ModelIndex | undefined;
  let pauses = 0;
  const [gate, heldHere] = [batchGate(), new Set<number>()];
  const member = crypto.randomUUID();
  let answered: string | undefined;
  let session: { readonly cancel: AbortController; readonly done: Promise<void> } | undefined;

  const moved = (lane: LaneProgress): void => {
    lanes.set(`${lane.epoch}-${lane.partition}`, lane);
    waiting.settle();
  };

  /** Runs until stopped, paused, or until another index serves. */
  async function runSession(signal: AbortSignal, builtElsewhere: boolean): Promise<void> {
    await bounds.look();
    index = await find();
    if (index === undefined) {
      state = 'starting';
      if (builtElsewhere) await clock.wait(lookMs, signal).catch(onlyAborted(signal));
      else await options.build(signal);
      return;
    }
    const serving = index;
    onNotice({ kind: 'session', projection: name, index: serving.name });
    lanes.clear();
    const saved = await serving.progress();
    if (await isInLaterEpoch(saved)) {
      // Another process has entered it; this one is about to.
      state = 'waiting';
      await clock.wait(lookMs, signal).catch(onlyAborted(signal));
      return;
    }
    refuseProgressAhead(serving.name, saved, epochs);
    const into = { index: serving, projection: await foldOfIndex(projection, serving, options.keptFold) };
    for (const lane of saved) moved(lane);
    state = 'running';
    fault = undefined;
    waiting.settle();
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const watching = watch(serving, until).finally(() => over.abort());
    // Told below, once no lane is storing any more.
    watching.catch(() => undefined);
    try {
      const entered = (): Iterable<LaneProgress> => lanes.values();
      const fold = (source: LaneSource): Observable<unknown> => live(into, source);
      const closed = closedEpochs({ store, epochs, entered, from: progressOf, fold }, until);
      await lastValueFrom(closed, { defaultValue: undefined });
      if (!until.aborted) {
        await using reader = await log.reader(options.group);
        await holdLanes(reader, until, (partition, signal) => {
          heldHere.add(partition);
          const from = (): LaneProgress => progressOf(open, partition);
          const source = liveSource({ store, reader, epoch: open, partition, from, signal });
          return live(into, limitedSource(source, partition, limit)).pipe(
            finalize(() => heldHere.delete(partition)),
          );
        });
      }
    } finally {
      over.abort();
      await watching;
    }
  }

  /** Whether others have entered an epoch that is open, and that this process does not know yet. */
  async function isInLaterEpoch(saved: readonly LaneProgress[]): Promise<boolean> {
    const entered = Math.max(0, ...saved.map(({ epoch }) => epoch));
    return entered > epochs.length && (await readEpochs(store.truth)).length >= entered;
  }

  /** Resolves when the session should end; keeps the log's ends fresh meanwhile. */
  async function watch(serving: ModelIndex, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await bounds.look();
      await limit.look();
      if (options.find === undefined)
        await answer((await liveClaim(store.state, name, clock))?.barrier, signal);
      if ((await find())?.name !== serving.name) return;
      await clock.wait(lookMs, signal).catch(onlyAborted(signal));
    }
  }

  async function hold(): Promise<HeldLanes> {
    const release = await gate.close();
    return { partitions: [...heldHere], release };
  }

  /** Stands still for a barrier that was not answered yet. */
  async function answer(barrier: string | undefined, signal: AbortSignal): Promise<void> {
    if (barrier === undefined || barrier === answered) return;
    answered = barrier;
    await answerBarrier({ state: store.state, clock, projection: name }, { barrier, member }, hold, signal);
  }

  function progressOf(epoch: Epoch, partition: number): LaneProgress {
    const saved = lanes.get(`${epoch.epoch}-${partition}`);
    return saved ?? { epoch: epoch.epoch, partition, next: 0, timeMax: epoch.previous?.timeMax ?? 0 };
  }

  /** Another process may know of an epoch that was opened a moment ago. */
  const endsNow = (source: LaneSource) => async (): Promise<Ends> => ({
    logEnd: source.epoch === open ? (await log.bounds())[source.progress().partition]!.end : 0,
    newestEpoch: (await readEpochs(store.truth)).length,
  });

  function live(
    into: Pick<ProjectContext, 'index' | 'projection'>,
    source: LaneSource,
  ): Observable<LaneProgress> {
    return drain(source.pull, ({ slice, logEnd }) =>
      gate.pass(async () => {
        const context = { ...options, ...into };
        const ends = { logEnd, newestEpoch: open.epoch };
        const after = await withEnds(ends, endsNow(source), (known) =>
          projectSlice(context, source.epoch, source.progress(), slice, known),
        );
        source.moved(after);
        moved(after);
        onNotice({ kind: 'progress', projection: name, lane: after, records: slice.records.length });
        return after;
      }),
    );
  }

  const running = lastValueFrom(
    defer(async () => {
      while (!stopping.signal.aborted) {
        const claim = await liveClaim(store.state, name, clock);
        if (pauses > 0) {
          state = 'paused';
          await clock.wait(Math.min(lookMs, 100), stopping.signal).catch(onlyAborted(stopping.signal));
          continue;
        }
        const cancel = new AbortController();
        const signal = AbortSignal.any([stopping.signal, cancel.signal]);
        const done = runSession(signal, claim !== undefined);
        // Told by `done` itself, below; who pauses only waits for the end.
        session = { cancel, done: done.catch(() => undefined) };
        try {
          await done;
        } catch (error) {
          // A pause ends a build as well: it is made once the lanes go on.
          if (isFault(error) || error !== cancel.signal.reason) throw error;
        } finally {
          session = undefined;
        }
      }
    }).pipe(
      retry({
        delay: (error: unknown) => {
          if (stopping.signal.aborted) return EMPTY;
          if (!isFault(error)) return throwError(() => error);
          // The group shared out anew: no fault, the next session takes what it holds then.
          if (error.code === 'LANE_REVOKED') return timer(retryMs);
          fault = error;
          onNotice({ kind: 'fault', projection: name, fault: error });
          state = error.remedy === 'retry' || error.code === 'REBUILD_RUNNING' ? 'waiting' : 'halted';
          waiting.settle();
          const busy = { clock, leastMs: retryMs, signal: stopping.signal };
          return state === 'waiting'
            ? askedWait(error, busy)
            : mayBeCured(
                { state: store.state, clock, find },
                projection,
                index?.name,
                lookMs,
                stopping.signal,
              );
        },
      }),
    ),
    { defaultValue: undefined },
  );
  running.catch((error: unknown) => {
    // A fault is told by `status`; anything else is a defect and must end the process.
    if (!isFault(error)) queueMicrotask(() => Promise.reject(error));
  });

  return {
    status() {
      const lag = bounds.lag((partition) => progressOf(open, partition).next);
      return { projection: name, state, index: index?.name, lanes: [...lanes.values()], lag, fault };
    },
    reach: (next, signal) =>
      waiting.until(() => {
        if (state === 'halted') throw fault;
        if (index === undefined) return false;
        return next.every((end, partition) => progressOf(open, partition).next >= end);
      }, signal),
    hold,
    async pause() {
      pauses += 1;
      session?.cancel.abort();
      await session?.done;
      let resumed = false;
      return () => {
        if (!resumed) pauses -= 1;
        resumed = true;
      };
    },
    async stop() {
      stopping.abort();
      await running.catch((error: unknown) => {
        if (!isFault(error)) throw error;
      });
    },
  };
}
