import { formatCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import type { IndexSnapshot } from '../ports/index-snapshot.ts';
import { cutOf, type ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import type { AtBarrier, BarrierOptions } from './barrier.ts';
import { type Compared, type Comparison, compareModel } from './compare-model.ts';
import { readEpochs } from './epochs.ts';
import { refuseProgressAhead } from './index-ahead.ts';
import { foldOfIndex } from './index-fold.ts';
import type { RebuildContext } from './rebuild-plan.ts';

export interface VerifyContext extends RebuildContext {
  readonly barrier?: Partial<BarrierOptions>;
  /** Waits until the archive holds all before `next` of the open epoch. Without it, it has to hold it already. */
  readonly archivedTo?: (next: readonly number[], signal: AbortSignal) => Promise<void>;
}

/** One comparison of an index with the archive, at the cut at which its lanes stood. */
export interface Look {
  readonly compared: Compared;
  readonly cut: string;
  readonly heldMs: number;
  readonly silent: readonly number[];
}

export interface LookWork
  extends Pick<Comparison, 'projection' | 'signal' | 'onProgress'>,
    Partial<Pick<Comparison, 'pace'>> {
  readonly context: VerifyContext;
  readonly projection: Projection;
  readonly index: ModelIndex;
  /** Takes the snapshot at a barrier. */
  readonly snapshot: () => Promise<AtBarrier<IndexSnapshot>>;
  /** Whether other processes may have lanes. */
  readonly others: boolean;
}

const looksMax = 2;

/**
 * Compares an index with the fold of the archive up to the index's own progress. Where a lane did not answer, or a version is
 * beyond what the lanes had come to, somebody may have been storing: a difference then counts only if a second look finds it
 * again. Rejects with `FOLD_NOT_KEPT` for an index that none of the folds there are has made.
 */
export async function lookAt(asked: LookWork): Promise<Look> {
  const { context, index } = asked;
  const work = { ...asked, projection: await foldOfIndex(asked.projection, index, context.keptFold) };
  for (let looks = 1; ; looks += 1) {
    const looked = await lookOnce(work);
    if (looked.compared.equal || looks === looksMax || !isDoubtful(looked, work.others)) return looked;
  }
}

async function lookOnce(work: LookWork): Promise<Look> {
  const { context, index, signal, snapshot, others: _, ...comparing } = work;
  const open = context.epochs.at(-1)!;
  const { projection: name } = work.projection.definition;
  const { result, silent, heldMs } = await snapshot();
  await using held = result;
  const lanes = held.progress;
  // Whoever is in a later epoch than this process knows had its file before.
  const epochs = await readEpochs(context.store.truth);
  refuseProgressAhead(index.name, lanes, epochs);
  const cut = cutOf(lanes, (epoch) => epochs[epoch - 1]!.partitions);
  if (cut === undefined)
    throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'it has no progress yet' });
  if (cut.epoch === open.epoch) await context.archivedTo?.(cut.next, signal);
  const history = { ...context, epochs, until: cut };
  // Whoever else lives in this process is heard between two batches.
  const pace = work.pace ?? (() => context.clock.wait(0));
  const documents = (await context.model.list()).find(({ name: one }) => one === index.name)?.documents ?? 0;
  const compared = await compareModel({
    ...comparing,
    ...{ pace, documents },
    history,
    index: index.name,
    snapshot: held,
    signal,
  });
  return { compared, cut: formatCut(cut), silent, heldMs };
}

const isDoubtful = ({ silent, compared }: Look, others: boolean): boolean =>
  silent.length > 0 || (others && compared.differences.some(({ what }) => what === 'version-ahead'));
