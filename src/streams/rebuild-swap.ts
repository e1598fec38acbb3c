import { formatCut } from '../domain/cut.ts';
import type { ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { type Announce, handOver } from './handover.ts';
import { changeKept, readKept, swapOrSee } from './kept-indexes.ts';
import type { HeldJob, RebuildJob } from './rebuild-job.ts';
import type { RebuildContext } from './rebuild-plan.ts';

/** A proven index, and the record of the rebuild that made it. */
export interface Proven {
  readonly context: RebuildContext;
  readonly projection: Projection;
  readonly held: HeldJob;
  readonly index: ModelIndex;
  readonly announce: Announce;
  readonly signal: AbortSignal;
}

const builtTo = ({ proven, until }: RebuildJob): string => proven?.cut ?? formatCut(until);

/** The swap, on record before it happens; what serves already was swapped by whoever worked on this before. */
export async function swapIn({ context, projection, held, index, announce, signal }: Proven): Promise<void> {
  const { store, model, clock } = context;
  const { projection: name } = projection.definition;
  const { job } = held;
  const serving = await model.serving(projection.definition);
  if (serving?.name === index.name) return;
  const { replaces } = job;
  const { swap } = await readKept(store.state, name);
  // Under its fence, and once more right before: whoever lost the claim meanwhile does not come to swap.
  await held.note(swap?.to.index === index.name ? {} : { before: swap });
  if (serving === undefined || serving.name !== replaces)
    return swapOrSee(model, projection, replaces, index.name);
  const claim = { id: `${job.id}-${job.fence}`, announce, signal };
  await handOver(context, projection, { serving, index }, claim, async () => {
    const at = clock.now();
    const known = [swap?.to, swap?.from].find((one) => one?.index === replaces);
    const { version } = serving.definition;
    const from = { version, built: null, rebuild: null, ...known, index: replaces, at };
    const to = { index: index.name, version: job.version, built: builtTo(job), rebuild: job.id, at };
    await held.note({});
    await changeKept(store.state, name, ({ beside }) => ({ beside, swap: { from, to } }));
    await swapOrSee(model, projection, replaces, index.name);
  });
}

/** Leaves an index at a past cut where it is, on record. */
export async function leaveBeside({ context, held, index }: Proven): Promise<void> {
  const { job } = held;
  const kept = {
    ...{ index: index.name, version: job.version, built: builtTo(job), rebuild: job.id },
    at: context.clock.now(),
  };
  await changeKept(context.store.state, job.projection, ({ swap, beside }) => ({
    swap,
    beside: [...beside.filter((other) => other.index !== index.name), kept],
  }));
}
