import {
  catchError,
  defer,
  EMPTY,
  finalize,
  from,
  lastValueFrom,
  merge,
  type Observable,
  retry,
  throwError,
} from 'rxjs';
import { type Fault, isFault } from '../domain/fault.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { EventLog, LogReader } from '../ports/event-log.ts';
import { followLog } from './archive-follow.ts';
import { type ArchiveContext, yielded } from './archive-lane.ts';
import { askedWait, waitAfterMs } from './asked-wait.ts';
import { conditions } from './conditions.ts';
import { openEventDecoders } from './event-decoders.ts';
import { holdLanes } from './hold-lanes.ts';
import { keptTails } from './kept-tails.ts';
import { indexLane } from './lane-base.ts';
import { type LaneTree, laneTree, type TreeLimits } from './lane-tree.ts';
import { aside } from './tail-blocks.ts';
import type { TreeProgress } from './tree-files.ts';
import { laneTreeName } from './tree-names.ts';
import { turns } from './turns.ts';

/** What one lane of the archiver is doing. Positions are exclusive ends. */
export interface ArchiveStatus {
  readonly partition: number;
  /** Everything before it is durable in the archive. */
  readonly next: number;
  /** Everything before it stands in segments: what a log may forget. */
  readonly sealed: number;
  /** The log's end as last seen. */
  readonly logEnd: number;
  readonly state: 'waiting' | 'running' | 'halted';
  readonly fault: Fault | undefined;
  /** How far the lane's tree is, where this process keeps it, and what keeps it from going on. */
  readonly tree?:
    | { readonly progress: TreeProgress | undefined; readonly fault: Fault | undefined }
    | undefined;
}

export type ArchiveNotice =
  | { readonly kind: 'flushed'; readonly partition: number; readonly next: number; readonly logEnd: number }
  | {
      readonly kind: 'hole' | 'gap';
      readonly partition: number;
      readonly first: number;
      readonly next: number;
    }
  | { readonly kind: 'yielded'; readonly partition: number }
  | { readonly kind: 'fault'; readonly partition: number | undefined; readonly fault: Fault };

export interface ArchiverOptions extends ArchiveContext {
  readonly log: EventLog;
  /** The log's name, as in paths. */
  readonly name: string;
  /** Group of readers this archiver is one of; null = it archives all partitions, whoever else does. */
  readonly group: string | null;
  readonly onNotice: (notice: ArchiveNotice) => void;
  /** Waiting time after a fault that may pass by itself. */
  readonly retryMs: number;
  /** Blocks are compressed by threads of Node's pool, a few at a time; by default in this thread, one step after the other. */
  readonly withPool?: boolean;
  /** Trees over what is archived; none where it is absent. */
  readonly trees?: {
    /** Id of the log. */
    readonly log: string;
    readonly signer: NoteSigner | undefined;
    readonly limits: TreeLimits;
  };
}

export interface Archiver {
  status(): readonly ArchiveStatus[];
  /**
   * Resolves once all before `next`, per partition, is durable in the archive; what is buffered is flushed at once.
   * Rejects with the fault of a lane that halted, or once `signal` aborts.
   */
  reach(next: readonly number[], signal: AbortSignal): Promise<void>;
  /** Flushes what is buffered, then stops. */
  stop(): Promise<void>;
}

/** One lane's place, shared by the lane that writes it and those who ask. */
export interface LaneTask {
  next: number;
  sealed: number;
  logEnd: number;
  state: ArchiveStatus['state'];
  fault: Fault | undefined;
  /** Somebody waits for all before this offset: flush without delay. */
  wanted: number;
  /** Ends the lane's waiting. */
  wake: () => void;
  tree: LaneTree | undefined;
  treeFault: Fault | undefined;
}

/** Records of all lanes that wait for their flush; many lanes have a smaller share each. */
const waitingBytesMax = 128 * 1024 * 1024;
const shareBytesMin = 256 * 1024;
/** A tree that catches up holds a segment in memory, a seal a whole tail, a flush a block of it. */
const treesAtOnce = 2;
const sealsAtOnce = 1;
const flushesAtOnce = 4;

/** Keeps the archive of one epoch up to date with its log: a lane for each partition that this process holds. */
export function startArchiver(options: ArchiverOptions): Archiver {
  const { clock, log, onNotice, retryMs } = options;
  const stopping = new AbortController();
  const waiting = conditions();
  const tasks = Array.from(
    { length: log.partitions },
    (): LaneTask => ({
      next: 0,
      sealed: 0,
      logEnd: 0,
      state: 'waiting',
      fault: undefined,
      wanted: 0,
      wake: () => undefined,
      tree: undefined,
      treeFault: undefined,
    }),
  );
  const inTurn = turns(treesAtOnce);
  const [flushes, seals] = [turns(flushesAtOnce), turns(sealsAtOnce)];
  const { tails = keptTails() } = options;
  const elsewhere = options.withPool === true ? aside() : undefined;
  const share = Math.max(shareBytesMin, Math.floor(waitingBytesMax / log.partitions));
  const limits = { ...options.limits, flushBytes: Math.min(options.limits.flushBytes, share) };
  const decoders = openEventDecoders(options.store.truth);

  /** A lane for as long as this process holds the partition, and the tree over what it archives. */
  function archive(reader: LogReader, partition: number, signal: AbortSignal): Observable<void> {
    const task = tasks[partition]!;
    const [stopped, over] = [new AbortController(), new AbortController()];
    task.tree = options.trees === undefined ? undefined : openTree(partition, options.trees);
    const lane = follow(reader, task, partition, AbortSignal.any([signal, stopped.signal]));
    if (task.tree === undefined) return lane;
    return merge(
      lane.pipe(finalize(() => over.abort())),
      from(keepTree(task, task.tree, partition, over.signal, stopped)),
    ).pipe(
      finalize(() => {
        task.tree = undefined;
        if (!stopped.signal.aborted) return;
        task.fault = task.treeFault;
        halt(task);
      }),
    );
  }

  function openTree(partition: number, trees: NonNullable<ArchiverOptions['trees']>): LaneTree {
    const { name, store, clock, probe } = options;
    const lane = { topic: name, epoch: log.epoch, partition };
    return laneTree({
      ...{ store, clock, lane, turns: inTurn, limits: trees.limits, signer: trees.signer },
      tree: laneTreeName(trees.log, lane),
      async onSegments() {
        await indexLane(store, { ...lane, partitions: log.partitions }, decoders);
      },
      onTended() {
        tasks[partition]!.treeFault = undefined;
      },
      ...(probe === undefined ? {} : { probe: (point) => probe(point, lane) }),
    });
  }

  /** Follows the log; starts again after what may pass by itself. */
  function follow(
    reader: LogReader,
    task: LaneTask,
    partition: number,
    signal: AbortSignal,
  ): Observable<void> {
    const { tree: feed } = task;
    return defer(() =>
      followLog({
        ...options,
        ...{ limits, flushes, seals, tails, elsewhere, feed, reader, partition, signal, task },
        settle: waiting.settle,
      }),
    ).pipe(
      finalize(() => {
        tails.leave(partition);
        if (task.state === 'running') task.state = 'waiting';
      }),
      retry({
        delay: (error: unknown) => {
          // Told also by a lane that is being left: the write that found another one's work was its last.
          if (error === yielded) onNotice({ kind: 'yielded', partition });
          if (signal.aborted) return EMPTY;
          if (error === yielded) return clock.wait(0);
          // The group shared out anew: either the signal aborts, or the partition is ours again.
          if (isFault(error, 'LANE_REVOKED')) return clock.wait(retryMs);
          if (!isFault(error)) return throwError(() => error);
          task.fault = error;
          onNotice({ kind: 'fault', partition, fault: error });
          const busy = { clock, leastMs: retryMs, signal };
          return error.remedy === 'retry' ? askedWait(error, busy) : throwError(() => error);
        },
      }),
      catchError((error: unknown) => {
        if (!isFault(error)) return throwError(() => error);
        halt(task);
        return EMPTY;
      }),
    );
  }

  function halt(task: LaneTask): void {
    task.state = 'halted';
    waiting.settle();
  }

  /**
   * Archiving does not wait for its tree: a fault of the tree ends the tree alone, except for a fork. That stops the lane, for
   * what it archives may not be what was signed.
   */
  async function keepTree(
    task: LaneTask,
    tree: LaneTree,
    partition: number,
    over: AbortSignal,
    stopped: AbortController,
  ): Promise<void> {
    for (;;) {
      try {
        await tree.run(over);
        return;
      } catch (error) {
        if (!isFault(error)) throw error;
        task.treeFault = error;
        onNotice({ kind: 'fault', partition, fault: error });
        if (error.code === 'ARCHIVE_FORK') stopped.abort();
        // What is left to do the next start finds in what is stored.
        if (error.remedy !== 'retry' || over.aborted) return;
        await clock.wait(waitAfterMs(error, retryMs), over).catch((reason: unknown) => {
          if (!over.aborted) throw reason;
        });
      }
    }
  }

  const done = lastValueFrom(
    defer(async () => {
      await using reader = await log.reader(options.group);
      await holdLanes(reader, stopping.signal, (partition, signal) => archive(reader, partition, signal));
    }).pipe(
      retry({
        delay: (error: unknown) => {
          if (stopping.signal.aborted) return EMPTY;
          if (!isFault(error)) return throwError(() => error);
          onNotice({ kind: 'fault', partition: undefined, fault: error });
          if (error.remedy === 'retry') return clock.wait(retryMs);
          for (const task of tasks) Object.assign(task, { state: 'halted', fault: error });
          waiting.settle();
          return EMPTY;
        },
      }),
    ),
    { defaultValue: undefined },
  );

  return {
    status: () =>
      tasks.map(({ next, sealed, logEnd, state, fault, tree, treeFault }, partition) => ({
        partition,
        next,
        sealed,
        logEnd,
        state,
        fault,
        tree: tree === undefined ? undefined : { progress: tree.progress(), fault: treeFault },
      })),
    async reach(next, signal) {
      for (const [partition, task] of tasks.entries()) {
        task.wanted = Math.max(task.wanted, next[partition] ?? 0);
        task.wake();
      }
      await waiting.until(() => {
        const behind = tasks.filter((task, partition) => task.next < (next[partition] ?? 0));
        const halted = behind.find((task) => task.state === 'halted');
        if (halted !== undefined) throw halted.fault;
        return behind.length === 0;
      }, signal);
    },
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
