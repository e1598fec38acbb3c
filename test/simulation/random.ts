/** Chance that is the same each time: all of a run follows from its seed. */
export interface Random {
  /** At least 0, below `n`. */
  below(n: number): number;
  /** Both ends are among them. */
  between(least: number, most: number): number;
  chance(part: number): boolean;
  pick<T>(of: readonly T[]): T;
}

/** Mulberry32: 32 bits of state, good enough to choose with. */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e37_79b9) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (part) => next() < part,
    pick: (of) => of[below(of.length)]!,
  };
}
