import type { ArchiveLimits } from '../../src/streams/archive-lane.ts';
import type { TreeLimits } from '../../src/streams/lane-tree.ts';
import { type Cell, cells } from './fates.ts';
import { type Random, randomFrom } from './random.ts';

/** What a seed makes of a run, before it begins. */
export interface Plan {
  readonly seed: number;
  readonly random: Random;
  readonly target: Cell;
  /** The target's fate comes when its step is taken for the nth time. */
  readonly nth: number;
  /** Of all calls: how many go wrong besides. */
  readonly faultPart: number;
  readonly archivers: number;
  readonly partitions: number;
  /** Appends to each partition, and records to one of them at most. */
  readonly appends: number;
  readonly recordsMax: number;
  readonly limits: ArchiveLimits;
  readonly trees: TreeLimits;
  readonly cuts: { readonly everyMs: number; readonly lookMs: number };
  readonly retryMs: number;
  /** Events come until then; afterwards the world is mended. */
  readonly healedAt: number;
  /** How likely an append leaves offsets out, and how many times retention takes the head. */
  readonly sparsePart: number;
  readonly trims: number;
  readonly clockJumps: number;
  readonly rebalances: number;
  readonly terminations: number;
  /** Of the batches that come to a group's reader: those that lost records on the way. */
  readonly skipPart: number;
  /** The log is another one from then on. */
  readonly remadeAt: number | undefined;
  /** Somebody else writes a segment where the next one goes. */
  readonly strangerAt: number | undefined;
  /** Blocks of tails that a process keeps for its seals; the others it reads back. */
  readonly keptBytes: number;
}

const day = 24 * 60 * 60 * 1000;
export const clockJumpMs = [-day, -60_000, -3_000, 3_000, 60_000, day] as const;

/** Of published cuts, and of looks for the lease. */
const cutTimes = [
  { everyMs: 200, lookMs: 80 },
  { everyMs: 900, lookMs: 300 },
  { everyMs: 3_000, lookMs: 900 },
] as const;

export function planOf(seed: number): Plan {
  const random = randomFrom(seed);
  const target = cells[seed % cells.length]!;
  const needs = (...words: readonly string[]): boolean => words.some((word) => target.step.includes(word));
  const some = (part: number, most: number): number => (random.chance(part) ? random.between(1, most) : 0);
  const isBig = needs('list tiles', 'write tile', 'remove tile') || random.chance(0.04);
  const trims = needs('gap') ? 6 : some(0.3, 4);
  const healedAt = random.between(4_000, 12_000);
  const sometime = (part: number): number | undefined =>
    random.chance(part) ? random.between(500, healedAt - 500) : undefined;
  return {
    ...{ seed, random, target, healedAt },
    nth: needs('hole', 'gap', 'list tiles', 'release') ? 1 : random.pick([1, 1, 1, 2, 2, 3, 4, 6, 9]),
    faultPart: random.pick([0, 0.002, 0.005, 0.01, 0.03]),
    archivers: random.between(2, 3),
    partitions: isBig ? 1 : random.between(1, 2),
    appends: isBig ? random.between(25, 40) : random.between(5, 30),
    recordsMax: isBig ? 24 : random.pick([1, 3, 6]),
    limits: {
      flushBytes: isBig ? 10_000 : random.pick([300, 1_200, 5_000]),
      flushMs: random.pick([50, 300, 1_000]),
      sealBytes: isBig ? random.pick([3_000, 40_000]) : random.pick([1, 1_500, 6_000, 20_000]),
      sealMs: random.pick([400, 2_000, 60_000]),
    },
    trees: {
      tilesMs: random.pick([100, 400, 1_500]),
      signMs: random.pick([0, 500, 2_000]),
      leavesMax: random.pick([4, 30, 1_000]),
    },
    cuts: needs('cut', 'meta', 'lease') ? cutTimes[0] : random.pick(cutTimes),
    retryMs: random.pick([10, 50, 300]),
    sparsePart: needs('hole', 'open reader', 'ask bounds') ? 0.2 : random.pick([0, 0, 0.05, 0.2]),
    trims,
    clockJumps: some(0.3, 4),
    rebalances: some(0.25, 4),
    terminations: needs('release') ? 5 : some(0.2, 3),
    skipPart: random.pick([0, 0, 0, 0.05]),
    remadeAt: sometime(0.07),
    // What retention took proves nothing: who is to tell another's segment needs the log.
    strangerAt: trims > 0 ? undefined : sometime(0.06),
    keptBytes: random.pick([0, 500, 1_000_000]),
  };
}
