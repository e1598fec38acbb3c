import { Fault } from '../domain/fault.ts';
import type { Projection } from '../projections/projection.ts';
import { atBarrier, barrierDefaults } from './barrier.ts';
import { withClaim } from './claim.ts';
import type { Compared } from './compare-model.ts';
import { keepDrift } from './drift.ts';
import { type Look, lookAt, type VerifyContext } from './look.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import { type RepairReport, repairModel } from './repair-model.ts';

export interface VerifyReport extends Omit<Compared, 'expected'> {
  readonly id: string;
  readonly projection: string;
  readonly index: string;
  readonly cut: string;
  /** All of them; `differences` names 100 at most. */
  readonly differing: number;
  /** How long the lanes stood, and partitions whose lanes nobody answered for. */
  readonly heldMs: number;
  readonly silent: readonly number[];
  /** What was repaired before this was found; null where nothing was, or nothing was asked for. */
  readonly repair: RepairReport | null;
  readonly durationMs: number;
}

const differencesMax = 100;
const repairsMax = 3;

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

    const look = (): Promise<Look> =>
      lookAt({
        ...{ context, projection, index, onProgress, signal: until, others: options.others },
        snapshot: () => stand(() => index.snapshot()),
      });

    let looked = await look();
    let repaired: RepairReport | null = null;
    for (let round = 0; repair && !looked.compared.equal && round < repairsMax; round += 1) {
      repaired = joined(repaired, await repairModel(index, looked.compared, stand));
      looked = await look();
    }
    await keepDrift(store.state, projection, index.name, looked, {
      startedAt: started,
      endedAt: clock.now(),
    });
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

const joined = (before: RepairReport | null, after: RepairReport): RepairReport =>
  before === null
    ? after
    : { ...before, written: before.written + after.written, removed: before.removed + after.removed };
