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

/** How far a projection is, as its serving index and the log tell it; `projector`: where it runs in this process. */
export async function projectionStatus(
  world: {
    readonly store: ArchiveStore;
    readonly model: ReadModel;
    readonly log: EventLog;
    readonly epochs: readonly Epoch[];
  },
  projection: Projection,
  projector: ProjectorStatus | undefined,
): Promise<ProjectionStatus> {
  const { store, model, log, epochs } = world;
  const { projection: name, version } = projection.definition;
  const lanes = (await (await model.serving(projection.definition))?.visible()) ?? [];
  const indexes = await model.list();
  const found = indexes.find((index) => index.serving && index.projection === name);
  const open = epochs.at(-1)!;
  let lag = 0;
  for (const [partition, { end }] of (await log.bounds()).entries()) {
    const lane = lanes.find((known) => known.epoch === open.epoch && known.partition === partition);
    lag += Math.max(0, end - (lane?.next ?? 0));
  }
  const drift = await readDrift(store.state, name);
  return {
    projection: name,
    about: projection.about,
    version,
    state: stateOf(projector, found !== undefined),
    index: found?.name ?? null,
    documents: found?.documents ?? 0,
    unindexable: found?.unindexable ?? 0,
    bytes: found?.bytes ?? 0,
    cut: cutIn(lanes, epochs),
    lanes,
    lag,
    drift: drift?.index === found?.name ? (drift ?? null) : null,
    ...(await keptBeside(world, projection, indexes)),
    fault: projector?.fault ?? null,
  };
}

async function keptBeside(
  { store, model, epochs }: Pick<Parameters<typeof projectionStatus>[0], 'store' | 'model' | 'epochs'>,
  projection: Projection,
  indexes: readonly IndexFound[],
): Promise<Pick<ProjectionStatus, 'kept' | 'beside'>> {
  const { definition } = projection;
  const statusOf = async ({ index, version, at }: KeptIndex): Promise<KeptStatus[]> => {
    const found = indexes.find(({ name }) => name === index);
    const opened = found === undefined ? undefined : await model.open(index, definition);
    if (found === undefined || opened === undefined) return [];
    const cut = cutIn(await opened.visible(), epochs);
    return [{ index, version, cut, documents: found.documents, bytes: found.bytes, since: at }];
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
