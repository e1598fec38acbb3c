/** Runs work, at most so many at a time; the rest waits in the order it came. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function turns(atOnceMax: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place passes on; it is given back where nobody waits.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
