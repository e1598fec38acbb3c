import { Fault } from '../domain/fault.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LaneName } from './archive-names.ts';
import { archivedLeaves, type Leaf, leafOfMissing, leafOfRecord } from './archived-leaves.ts';
import { mendCheckpointTiles } from './checkpoint-tiles.ts';
import type { TreeProgress } from './tree-files.ts';
import type { TreeName } from './tree-names.ts';
import { type SignPoint, signTree } from './tree-signing.ts';
import { openTreeWriter, type TreePoint, type TreeWriter } from './tree-writer.ts';
import type { Turns } from './turns.ts';

export interface TreeLimits {
  /** Tiles trail what is archived by about so much. */
  readonly tilesMs: number;
  /** A tree that grew gets a checkpoint this often. */
  readonly signMs: number;
  /** Leaves that wait in memory, 32 bytes each; beyond, they are forgotten and read from the archive. */
  readonly leavesMax: number;
}

export const treeLimits: TreeLimits = { tilesMs: 60_000, signMs: 3_600_000, leavesMax: 65_536 };

/** What a lane's writer tells its tree of, once it is durable. */
export interface TreeFeed {
  /** The archive was found to end here. */
  opened(end: number): void;
  /** Records from `first` on, by the hashes of the bytes that the archive holds, 32 each. */
  flushed(first: number, hashes: Buffer): void;
  missing(kind: 'hole' | 'gap', first: number, next: number): void;
  /** A segment was made: the tree is to be signed. */
  sealed(): void;
}

export interface LaneTree extends TreeFeed {
  /** What is stored; undefined before the first look. */
  progress(): TreeProgress | undefined;
  /**
   * Keeps tiles and checkpoints up to date, until `over`; then brings them up to the end once more. Rejects with the fault
   * that it met; may be called again.
   */
  run(over: AbortSignal): Promise<void>;
}

export interface LaneTreeOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly limits: TreeLimits;
  readonly lane: LaneName;
  readonly tree: TreeName;
  /** Nobody signs where there is none. */
  readonly signer: NoteSigner | undefined;
  /** Shared by all trees of a process: reading an archive takes memory. */
  readonly turns: Turns;
  readonly probe?: (point: TreePoint | SignPoint) => void | Promise<void>;
  /** Other work on segments, at the first look and after each seal, hole and gap. */
  readonly onSegments?: () => Promise<void>;
  /** Tiles and checkpoints are up to date. */
  readonly onTended?: () => void;
}

/** This part of the leaves that may wait makes it worth not to wait for the next time. */
const duePart = 1 / 4;
/** Full tiles and bundles that wait before they are written: 2.5 MiB. */
const waitingMax = 128;
/** Some milliseconds of hashing at most. */
const leavesPerTurn = 256;

/** Leaves that wait, as much of them as is needed to make them. */
interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly leaves: () => Iterable<Leaf>;
}

const hashBytes = 32;

function chunkOfRecords(lane: LaneName, first: number, hashes: Buffer): Chunk {
  const count = hashes.length / hashBytes;
  return {
    first,
    count,
    *leaves() {
      for (let at = 0; at < count; at += 1)
        yield leafOfRecord(lane, first + at, hashes.subarray(at * hashBytes, (at + 1) * hashBytes));
    },
  };
}

/** The tree of one lane: takes in what was archived, from memory where it can, from the archive where it must. */
export function laneTree(options: LaneTreeOptions): LaneTree {
  const { store, clock, limits, lane, tree, signer, turns } = options;
  let writer: TreeWriter | undefined;
  let pending: Chunk[] = [];
  let pendingCount = 0;
  let end: number | undefined;
  let sealed = false;
  /** A hole or gap came, which is a segment as well: nothing is signed for it. */
  let missed = false;
  let isFirst = true;
  let wake = (): void => undefined;

  function add(chunk: Chunk, next: number): void {
    if (chunk.first !== end || pendingCount + chunk.count > limits.leavesMax) forget();
    pending.push(chunk);
    pendingCount += chunk.count;
    end = next;
    if (isDue()) wake();
  }

  const isDue = (): boolean => sealed || pendingCount >= limits.leavesMax * duePart;

  function forget(): Chunk[] {
    const forgotten = pending;
    pending = [];
    pendingCount = 0;
    return forgotten;
  }

  /** Takes leaves in, and writes what is full now and then. Whoever else lives in this process is heard in between. */
  async function take(into: TreeWriter, leaves: Iterable<Leaf>): Promise<void> {
    let taken = 0;
    for (const { text, next } of leaves) {
      if (next <= into.next) continue;
      into.append(text, next);
      taken += 1;
      if (taken % leavesPerTurn === 0) await clock.wait(0);
      if (into.waiting >= waitingMax) await into.writeFull();
    }
  }

  async function integrate(): Promise<TreeWriter> {
    for (;;) {
      const into = writer ?? (await openTreeWriter({ state: store.state, tree, ...probed }));
      writer = into;
      // In memory there is what was archived last; what came before it, or was too much, is read again.
      for (let wanted = end!; into.next < (pending[0]?.first ?? end!); wanted = end!) {
        for await (const leaves of archivedLeaves(store, lane, into.next)) await take(into, leaves);
        if (into.next < wanted)
          throw new Fault('ARCHIVE_CORRUPT', {
            ...lane,
            reason: 'it ends before what was archived',
            next: into.next,
          });
      }
      for (const { leaves } of forget()) await take(into, leaves());
      const isNew = into.progress === undefined;
      const isStored = (await into.store()) === 'stored';
      const isSigned = isStored && isNew && (await mendCheckpointTiles(store, tree, into.size));
      if (isStored && (!isSigned || (await into.keep()) === 'stored')) return into;
      writer = undefined;
    }
  }

  async function tend(): Promise<void> {
    if (end === undefined) return;
    const [wanted, grown] = [sealed, missed];
    // What comes meanwhile is for the next time.
    [sealed, missed] = [false, false];
    try {
      await sign(await integrate(), wanted);
      if (wanted || grown || isFirst) await options.onSegments?.();
      isFirst = false;
      options.onTended?.();
    } catch (error) {
      // What it holds in memory may not be what is stored.
      writer = undefined;
      sealed ||= wanted;
      missed ||= grown;
      throw error;
    }
  }

  async function sign(into: TreeWriter, wanted: boolean): Promise<void> {
    const { progress } = into;
    if (signer === undefined || progress === undefined || progress.size === 0) return;
    const { signed, size } = progress;
    if (signed !== null && signed.size >= size) return;
    // Another machine's clock, or this one's before it went back, may tell of a time that is not yet.
    if (!wanted && signed !== null && Math.abs(clock.now() - signed.at) < limits.signMs) return;
    const done =
      (await into.keep()) === 'stored' &&
      (await signTree(store, tree, into.head(), signer, options.probe)) === 'signed' &&
      (await into.noteSigned(clock.now())) === 'stored';
    // Another writer went on: what is left to do it does, or the next look.
    if (!done) writer = undefined;
  }

  const probed = options.probe === undefined ? {} : { probe: options.probe };

  async function due(over: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const waited = clock.wait(limits.tilesMs, AbortSignal.any([over, woken.signal]));
    wake = () => woken.abort();
    try {
      await waited;
    } catch (error) {
      if (!over.aborted && !woken.signal.aborted) throw error;
    } finally {
      wake = () => undefined;
    }
  }

  return {
    progress: () => writer?.progress,
    opened(found) {
      if (end !== found) {
        forget();
        end = found;
      }
      wake();
    },
    flushed: (first, hashes) => add(chunkOfRecords(lane, first, hashes), first + hashes.length / hashBytes),
    missing(kind, first, next) {
      const leaf = leafOfMissing(lane, { kind, first, next });
      missed = true;
      add({ first, count: 1, leaves: () => [leaf] }, next);
    },
    sealed() {
      sealed = true;
      wake();
    },
    async run(over) {
      while (!over.aborted) {
        await turns(tend);
        if (!isDue()) await due(over);
      }
      await turns(tend);
    },
  };
}
