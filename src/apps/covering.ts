import { isFault } from '../domain/fault.ts';
import { coverCut } from '../streams/cover-cut.ts';
import type { RebuildContext } from '../streams/rebuild-plan.ts';
import type { Log } from './runtime.ts';

/**
 * Rebuilds whose reports name a checkpoint over their cut, made for them where nobody made one yet; only who signs may. What
 * keeps it from being made is told, and keeps no index from serving.
 */
export function covering(context: RebuildContext, say: Log): RebuildContext {
  const { store, clock, signer } = context;
  if (signer === undefined) return context;
  return {
    ...context,
    async cover(epochs, cut, signal) {
      try {
        return await coverCut({ store, clock, signer }, epochs, cut, signal);
      } catch (error) {
        if (!isFault(error)) throw error;
        say('warn', 'checkpoint not made', { code: error.code, error: error.message });
        return null;
      }
    },
  };
}
