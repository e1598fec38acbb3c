import { formatCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import type { IndexSnapshot } from '../ports/index-snapshot.ts';
import { cutOf, type ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { atBarrier, type BarrierOptions, barrierDefaults } from './barrier.ts';
import { withClaim } from './claim.ts';
import { type Compared, compareModel, type Difference } from './compare-model.ts';
import { readEpochs } from './epochs.ts';
import { refuseProgressAhead } from './index-ahead.ts';
import type { SearchProof } from './prove-searchable.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import type { RebuildContext } from './rebuild-plan.ts';
import { type RepairReport, repairModel } from './repair-model.ts';

export interface VerifyReport {
  readonly id: string;
  readonly projection: string;
  readonly index: string;
  readonly cut: string;
  readonly events: number;
  readonly documents: number;
  readonly expectedRoot: string;
  readonly foundRoot: string;
  /** That a search finds what is there. */
  readonly search: SearchProof;
  /** Equal roots, and a search finds what is there. */
  readonly equal: boolean;
  /** At most 100 of them. */
  readonly differences: readonly Difference[];
  readonly differing: number;
  /** How long the lanes stood, and partitions whose lanes nobody answered for. */
  readonly heldMs: number;
  readonly silent: readonly number[];
  /** What was repaired before this was found; null where nothing was, or nothing was asked for. */
  readonly repair: RepairReport | null;
  readonly durationMs: number;
}

export interface VerifyContext extends RebuildContext {
  readonly barrier?: Partial<BarrierOptions>;
  /** Waits until the archive holds all before `next` of the open epoch. Without it, it has to hold it already. */
  readonly archivedTo?: (next: readonly number[], signal: AbortSignal) => Promise<void>;
}

const differencesMax = 100;
const looksMax = 2;
const repairsMax = 3;

interface Look {
  readonly compared: Compared;
  readonly cut: string;
  readonly heldMs: number;
  readonly silent: readonly number[];
}

/**
 * Compares the serving index of a projection, document by document, with the fold of the archive at a barrier: all lanes
 * stand between two batches while a snapshot is taken, about a second where other processes have lanes, and go on while it
 * is compared. Where a lane did not answer, or a version is beyond what the lanes had come to, somebody may have been storing:
 * a difference then counts only if a second look finds it again.
 *
 * With `repair`, what differs is written anew from the fold, and verified again. Rejects with `ARCHIVE_BEHIND` where the
 * archive does not reach the cut, `VERSION_AHEAD` where the history does not have it, `REPAIR_TOO_LARGE`.
 */
export async function verify(
  context: VerifyContext,
  projection: Projection,
  id: string,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
  { repair = false }: { readonly repair?: boolean } = {},
): Promise<VerifyReport> {
  const { store, model, clock } = context;
  const open = context.epochs.at(-1)!;
  const name = projection.definition.projection;
  const started = clock.now();
  const ground = { state: store.state, clock, projection: name };
  return withClaim(ground, { id, kind: 'verify' }, async (lost, _fence, announce) => {
    const until = AbortSignal.any([signal, lost]);
    const index = await model.serving(projection.definition);
    if (index === undefined)
      throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'no index serves yet' });
    const options = { ...barrierDefaults, ...context.barrier };
    let barriers = 0;
    const stand = <Result>(work: () => Promise<Result>) => {
      const asked = {
        id: `${id}-${++barriers}`,
        partitions: open.partitions,
        announce,
        signal: until,
      };
      return atBarrier(ground, options, asked, work);
    };

    async function look(): Promise<Look> {
      const { result: snapshot, silent, heldMs } = await stand(() => index!.snapshot());
      await using held: IndexSnapshot = snapshot;
      const lanes = held.progress;
      // Whoever is in a later epoch than this process knows had its file before.
      const epochs = await readEpochs(store.truth);
      refuseProgressAhead(index!.name, lanes, epochs);
      const cut = cutOf(lanes, (epoch) => epochs[epoch - 1]!.partitions);
      if (cut === undefined)
        throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'it has no progress yet' });
      if (cut.epoch === open.epoch) await context.archivedTo?.(cut.next, until);
      const history = { ...context, epochs, until: cut };
      const comparison = {
        history,
        projection,
        index: index!.name,
        snapshot: held,
        signal: until,
        onProgress,
      };
      return { compared: await compareModel(comparison), cut: formatCut(cut), silent, heldMs };
    }

    async function sureLook(): Promise<Look> {
      for (let looks = 1; ; looks += 1) {
        const looked = await look();
        if (looked.compared.equal || looks === looksMax || !isDoubtful(looked, options.others)) return looked;
      }
    }

    let looked = await sureLook();
    let repaired: RepairReport | null = null;
    for (let round = 0; repair && !looked.compared.equal && round < repairsMax; round += 1) {
      repaired = joined(repaired, await repairModel(index as ModelIndex, looked.compared, stand));
      looked = await sureLook();
    }
    const { compared, ...at } = looked;
    const { differences, expected: _, ...told } = compared;
    return {
      ...{ id, projection: name, index: index.name, ...at, ...told },
      differences: differences.slice(0, differencesMax),
      differing: differences.length,
      repair: repaired,
      durationMs: clock.now() - started,
    };
  });
}

const isDoubtful = ({ silent, compared }: Look, others: boolean): boolean =>
  silent.length > 0 || (others && compared.differences.some(({ what }) => what === 'version-ahead'));

const joined = (before: RepairReport | null, after: RepairReport): RepairReport =>
  before === null
    ? after
    : { ...before, written: before.written + after.written, removed: before.removed + after.removed };
