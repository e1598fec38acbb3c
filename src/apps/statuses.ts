import type { Cut } from '../domain/cut.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { EventLog } from '../ports/event-log.ts';
import { cutOf, type IndexFound, type LaneProgress, type ReadModel } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { readDrift } from '../streams/drift.ts';
import type { Epoch } from '../streams/epochs.ts';
import { type KeptIndex, predecessor, readKept } from '../streams/kept-indexes.ts';
import type { ProjectorStatus } from '../streams/projector-status.ts';
import type { KeptStatus, ProjectionStatus } from './annal.ts';

/** The cut that lanes' progress amounts to; null before the first one. */
export const cutIn = (lanes: readonly LaneProgress[], epochs: readonly Epoch[]): Cut | null =>
  cutOf(lanes, (epoch) => epochs[epoch - 1]?.partitions ?? partitionsIn(lanes, epoch)) ?? null;

/** An index may be further than this process knows epochs: it says so, and is shown as it is. */
const partitionsIn = (lanes: readonly LaneProgress[], of: number): number =>
  Math.max(...lanes.map(({ epoch, partition }) => (epoch === of ? partition + 1 : 0)));

/**
 * How far a projection is, as its serving index and the log tell it; `projector` and `follower` (of the kept index): where they
 * run in this process.
 */
export async function projectionStatus(
  world: {
    readonly store: ArchiveStore;
    readonly model: ReadModel;
    readonly log: EventLog;
    readonly epochs: readonly Epoch[];
  },
  projection: Projection,
  projector: ProjectorStatus | undefined,
  follower?: ProjectorStatus,
): Promise<ProjectionStatus> {
  const { store, model, log, epochs } = world;
  const { projection: name, version: programVersion } = projection.definition;
  const lanes = (await (await model.serving(projection.definition))?.visible()) ?? [];
  const indexes = await model.list();
  const found = indexes.find((index) => index.serving && index.projection === name);
  const ends = (await log.bounds()).map(({ end }) => end);
  const { epoch } = epochs.at(-1)!;
  const { kept, beside } = await keptBeside(world, projection, indexes);
  const drift = await readDrift(store.state, name);
  return {
    projection: name,
    about: projection.about,
    version: found?.version ?? programVersion,
    programVersion,
    state: stateOf(projector, found !== undefined),
    index: found?.name ?? null,
    documents: found?.documents ?? 0,
    unindexable: found?.unindexable ?? 0,
    bytes: found?.bytes ?? 0,
    cut: cutIn(lanes, epochs),
    lanes,
    lag: lagOf(lanes, epoch, ends),
    drift: drift?.index === found?.name ? (drift ?? null) : null,
    kept:
      kept === null
        ? null
        : { ...kept.status, lag: lagOf(kept.lanes, epoch, ends), fault: follower?.fault ?? null },
    beside: beside.map(({ status }) => status),
    fault: projector?.fault ?? null,
  };
}

/** Offsets between progress and the log's end. */
function lagOf(lanes: readonly LaneProgress[], epoch: number, ends: readonly number[]): number {
  const next = (partition: number): number =>
    lanes.find((known) => known.epoch === epoch && known.partition === partition)?.next ?? 0;
  return ends.reduce((sum, end, partition) => sum + Math.max(0, end - next(partition)), 0);
}

interface Beside {
  readonly status: KeptStatus;
  readonly lanes: readonly LaneProgress[];
}

async function keptBeside(
  { store, model, epochs }: Pick<Parameters<typeof projectionStatus>[0], 'store' | 'model' | 'epochs'>,
  projection: Projection,
  indexes: readonly IndexFound[],
): Promise<{ readonly kept: Beside | null; readonly beside: readonly Beside[] }> {
  const { definition } = projection;
  const statusOf = async ({ index, version, at }: KeptIndex): Promise<Beside[]> => {
    const found = indexes.find(({ name }) => name === index);
    const opened = found === undefined ? undefined : await model.open(index, definition);
    if (found === undefined || opened === undefined) return [];
    const lanes = await opened.visible();
    const cut = cutIn(lanes, epochs);
    const { documents, bytes } = found;
    return [{ status: { index, version, cut, documents, bytes, since: at }, lanes }];
  };
  const before = await predecessor({ store, model }, projection);
  const [kept = null] = before === undefined ? [] : await statusOf(before.kept);
  const { beside } = await readKept(store.state, definition.projection);
  return { kept, beside: (await Promise.all(beside.map(statusOf))).flat() };
}

function stateOf(projector: ProjectorStatus | undefined, serves: boolean): ProjectionStatus['state'] {
  if (projector?.state === 'halted') return 'halted';
  if (!serves) return 'starting';
  return projector?.state === 'paused' ? 'paused' : 'following';
}
