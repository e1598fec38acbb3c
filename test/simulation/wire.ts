import type { Clock } from '../../src/ports/clock.ts';

/** Between a process and what it talks to. */
export interface Wire {
  /**
   * Sends a request: `effect` is what it does where it arrives, at one blow, or a promise of what it waits for there. `lost` is
   * what the caller is told where no answer comes.
   */
  call<T>(step: string, effect: () => T | PromiseLike<T>, lost: () => Error): Promise<T>;
  /** Runs `act` in the process, as soon as that goes on. */
  deliver(act: () => void): void;
  readonly clock: Clock;
}

/** A wire on which nothing is lost and nothing waits: what stands at its end is judged alone. */
export const calmWire: Wire = {
  call: async (_step, effect) => effect(),
  deliver: (act) => act(),
  clock: { now: () => 1_763_600_000_000, wait: () => new Promise(() => undefined) },
};
