import { isFault } from '../domain/fault.ts';
import type { Projection } from '../projections/projection.ts';
import { type Epoch, readEpochs } from './epochs.ts';
import { rebuild } from './rebuild.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import { type AsOf, planRebuild, type RebuildContext, type RebuildPlan } from './rebuild-plan.ts';
import type { RebuildReport } from './rebuild-report.ts';

/** What a process knows of epochs may be as old as its last look for a new one. */
export type AnyEpochs = Omit<RebuildContext, 'epochs'>;

/**
 * The plan of a rebuild over the epochs that there are now, and these. An epoch that ends meanwhile ends where the next one
 * says: its archive may hold more, which came too late and is no part of the log. Rejects as `planRebuild`.
 */
export async function planPresent(
  context: AnyEpochs,
  projection: Projection,
  asOf?: AsOf,
): Promise<{ readonly plan: RebuildPlan; readonly epochs: readonly Epoch[] }> {
  const { truth } = context.store;
  for (;;) {
    const epochs = await readEpochs(truth);
    const plan = await planRebuild({ ...context, epochs }, projection, asOf);
    if ((await readEpochs(truth)).length === epochs.length) return { plan, epochs };
  }
}

/** One rebuild as `rebuild` takes it. */
export interface RebuildAsked {
  readonly projection: Projection;
  readonly id: string;
  readonly asOf?: AsOf | undefined;
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * As `rebuild`, over the epochs that there are now. Where one ended before what was folded while it was, nothing is swapped, and
 * it is done again: once for each epoch that opens.
 */
export async function rebuildPresent(
  context: AnyEpochs,
  { projection, id, asOf, onProgress, signal }: RebuildAsked,
): Promise<RebuildReport> {
  for (;;) {
    const { plan, epochs } = await planPresent(context, projection, asOf);
    try {
      return await rebuild({ ...context, epochs }, projection, plan, id, onProgress, signal);
    } catch (error) {
      if (!isFault(error, 'VERSION_AHEAD')) throw error;
      if ((await readEpochs(context.store.truth)).length === epochs.length) throw error;
    }
  }
}
