import { isFault } from '../domain/fault.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { claimsSoFar, liveClaim } from './claim.ts';

/**
 * Resolves once what halted a projection may be cured: another index is to be followed than `halted`, or somebody claimed the
 * projection since and is done, as a rebuild or a repair does. Also once `signal` aborts.
 */
export async function mayBeCured(
  {
    state,
    clock,
    find,
  }: {
    readonly state: StateStore;
    readonly clock: Clock;
    readonly find: () => Promise<ModelIndex | undefined>;
  },
  { definition }: Projection,
  halted: string | undefined,
  lookMs: number,
  signal: AbortSignal,
): Promise<void> {
  let claims: number | undefined;
  for (;;) {
    try {
      const found = await find();
      if (found !== undefined && found.name !== halted) return;
      const soFar = await claimsSoFar(state, definition.projection);
      claims ??= soFar;
      if (soFar !== claims && (await liveClaim(state, definition.projection, clock)) === undefined) return;
    } catch (error) {
      // The halt is what is told.
      if (!isFault(error)) throw error;
    }
    await clock.wait(lookMs, signal).catch(onlyAborted(signal));
    if (signal.aborted) return;
  }
}

/** Swallows the rejection that an abort of `signal` makes, and nothing else. */
export const onlyAborted =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
