/** A source of choices that gives the same ones for the same seed. */
export type Draw = ReturnType<typeof drawFrom>;

/** Numbers from a seed (mulberry32). */
export function drawFrom(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (end: number): number => Math.floor(next() * end),
    between: (low: number, high: number): number => low + next() * (high - low),
    one: <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!,
    chance: (share: number): boolean => next() < share,
  };
}
