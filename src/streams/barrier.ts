import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { barrierAckName, barrierAcksOf } from './archive-names.ts';
import { liveClaim } from './claim.ts';

/** Lanes of a projection that stand between two batches until they are released. */
export interface HeldLanes {
  /** Partitions of the open epoch that are read here. */
  readonly partitions: readonly number[];
  release(): void;
}

/** Where somebody claims a projection and other processes may project it. */
export interface BarrierGround {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly projection: string;
}

export interface BarrierOptions {
  /** Stops the lanes of this process, where it has any. */
  readonly hold: () => Promise<HeldLanes>;
  /** Whether other processes may have lanes too; they are then asked, and answer within a second or two. */
  readonly others: boolean;
  /** How long to wait for them. */
  readonly waitMs: number;
}

export interface AtBarrier<Result> {
  readonly result: Result;
  /** Partitions of the open epoch whose lanes nobody answered for: nothing reads them, or somebody who did not hear. */
  readonly silent: readonly number[];
  readonly heldMs: number;
}

/** No process holds its lanes longer for somebody else, who may be gone. */
export const holdMaxMs = 10_000;
const pollMs = 50;

export const barrierDefaults: BarrierOptions = {
  hold: async () => ({ partitions: [], release: () => undefined }),
  others: true,
  waitMs: 5_000,
};

/**
 * Runs `work` while every lane of a projection stands between two batches: no document is stored and no progress saved
 * meanwhile. Lanes of this process are held exactly; those of others are asked for through the claim (`announce`), and each
 * process says which it holds. Under the claim.
 */
export async function atBarrier<Result>(
  ground: BarrierGround,
  { hold, others, waitMs }: BarrierOptions,
  asked: {
    readonly id: string;
    readonly partitions: number;
    readonly announce: (barrier: string | undefined) => Promise<void>;
    readonly signal: AbortSignal;
  },
  work: () => Promise<Result>,
): Promise<AtBarrier<Result>> {
  const { clock } = ground;
  const own = await hold();
  const begun = clock.now();
  const left = new Set(Array.from({ length: asked.partitions }, (_, partition) => partition));
  for (const partition of own.partitions) left.delete(partition);
  const asks = others && left.size > 0;
  try {
    if (asks) {
      await asked.announce(asked.id);
      await answered(ground, asked.id, left, clock.now() + waitMs, asked.signal);
    }
    const result = await work();
    const heldMs = clock.now() - begun;
    // Whoever answered first may have let go by now.
    const isLate = asks && heldMs >= holdMaxMs;
    return { result, silent: !asks ? [] : isLate ? partitionsBut(asked.partitions, own) : [...left], heldMs };
  } finally {
    own.release();
    if (asks) await asked.announce(undefined);
  }
}

const partitionsBut = (count: number, { partitions }: HeldLanes): number[] =>
  Array.from({ length: count }, (_, partition) => partition).filter((one) => !partitions.includes(one));

/** Takes the partitions that were answered for out of `left`; resolves once none is left, or at the deadline. */
async function answered(
  { state, clock, projection }: BarrierGround,
  id: string,
  left: Set<number>,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    for await (const { name } of state.list(barrierAcksOf(projection, id))) {
      const found = await state.read(name);
      for (const partition of found === undefined ? [] : partitionsIn(found.bytes)) left.delete(partition);
    }
    if (left.size === 0 || clock.now() >= deadline) return;
    await clock.wait(pollMs, signal);
  }
}

function partitionsIn(bytes: Buffer): readonly number[] {
  try {
    const { partitions } = JSON.parse(bytes.toString('utf8')) as { partitions?: unknown };
    return Array.isArray(partitions) ? partitions : [];
  } catch (error) {
    // A torn answer is none yet.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Holds the lanes of this process for a barrier of somebody else's claim, says which, and lets them go on when it is over. */
export async function answerBarrier(
  { state, clock, projection }: BarrierGround,
  { barrier, member }: { readonly barrier: string; readonly member: string },
  hold: () => Promise<HeldLanes>,
  signal: AbortSignal,
): Promise<void> {
  const name = barrierAckName(projection, barrier, member);
  const { partitions, release } = await hold();
  const until = clock.now() + holdMaxMs;
  try {
    await state.replace(name, Buffer.from(JSON.stringify({ partitions })));
    while (clock.now() < until && !signal.aborted) {
      if ((await liveClaim(state, projection, clock))?.barrier !== barrier) break;
      await clock.wait(pollMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  } finally {
    release();
    await state.remove(name);
  }
}
