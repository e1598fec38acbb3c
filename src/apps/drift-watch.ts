import type { Projection } from '../projections/projection.ts';
import { projections } from '../projections/registry.ts';
import { type DriftLimits, watchDrift } from '../streams/drift.ts';
import type { VerifyContext } from '../streams/look.ts';
import type { Log } from './runtime.ts';

/** Compares read models with the archive in the background; the function it gives ends that. */
export function startDriftWatch(
  context: (projection: Projection) => VerifyContext,
  limits: DriftLimits | undefined,
  say: Log,
): () => Promise<void> {
  if (limits === undefined || limits.documentsPerSecond === 0) return async () => undefined;
  const stopping = new AbortController();
  const watching = watchDrift(
    {
      ...{ context, projections, limits },
      onChecked(projection, { drifted, documents, index, cut, first }) {
        const named = drifted === 0 ? {} : { first: first.map(({ id, what }) => `${id}: ${what}`) };
        const facts = { projection, index, cut, documents, drifted, ...named };
        say(drifted === 0 ? 'info' : 'error', 'read model checked', facts);
      },
      onFault: (projection, { code, message }) =>
        say('warn', 'read model not checked', { projection, code, error: message }),
    },
    stopping.signal,
  );
  watching.catch((error: unknown) => queueMicrotask(() => Promise.reject(error)));
  return async () => {
    stopping.abort();
    await watching;
  };
}
