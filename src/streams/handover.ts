import type { Cut } from '../domain/cut.ts';
import { cutOf, type LaneProgress, type ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { atBarrier, barrierDefaults } from './barrier.ts';
import type { withClaim } from './claim.ts';
import { type Epoch, readEpochs } from './epochs.ts';
import { laneSpans } from './fold-history.ts';
import { archiveCut } from './history-cut.ts';
import { historyLane } from './history-lane.ts';
import { refuseEnded } from './index-ahead.ts';
import { projectSlice } from './project-slice.ts';
import type { RebuildContext } from './rebuild-plan.ts';

/** Lanes stand no longer for a swap: what the archive has not by then the new index gets from the log, after it. */
const standMs = 8_000;
const lookMs = 100;

export type Announce = Parameters<Parameters<typeof withClaim>[2]>[2];

/**
 * Brings an index that does not serve as far as a cut of the archive, as its lanes would: document after document, from its own
 * progress on. Gives the number of records.
 */
export async function followArchive(
  { store, epochs, decoders }: Pick<RebuildContext, 'store' | 'epochs' | 'decoders'>,
  projection: Projection,
  index: ModelIndex,
  until: Cut,
  signal: AbortSignal,
): Promise<number> {
  const saved = await index.progress();
  let records = 0;
  for (const { epoch, partition, end, timeFloor } of laneSpans({ epochs, until })) {
    const known = saved.find((lane) => lane.epoch === epoch.epoch && lane.partition === partition);
    let lane: LaneProgress = known ?? { epoch: epoch.epoch, partition, next: 0, timeMax: timeFloor };
    if (lane.next >= end) continue;
    const name = { topic: epoch.name, epoch: epoch.epoch, partition };
    for await (const slice of historyLane(store, name, lane.next, end)) {
      signal.throwIfAborted();
      const ends = { logEnd: end, newestEpoch: until.epoch };
      lane = await projectSlice({ projection, index, decoders }, epoch, lane, slice, ends);
      records += slice.records.length;
    }
  }
  return records;
}

/** The end of the archive, and the epochs it is told over. */
export interface Followed {
  readonly until: Cut;
  readonly epochs: readonly Epoch[];
  /** Records that were stored on the way. */
  readonly records: number;
}

/**
 * Brings an index as far as the archive goes, over the epochs that there are now: what came too late for one that ended
 * meanwhile is no part of the log. Rejects with `VERSION_AHEAD` where an epoch ended before what the index holds.
 */
export async function followToEnd(
  context: Pick<RebuildContext, 'store' | 'decoders'>,
  projection: Projection,
  index: ModelIndex,
  signal: AbortSignal,
): Promise<Followed> {
  const { store } = context;
  const epochs = await readEpochs(store.truth);
  const until = await archiveCut(store, epochs);
  if ((await readEpochs(store.truth)).length > epochs.length)
    return followToEnd(context, projection, index, signal);
  const records = await followArchive({ ...context, epochs }, projection, index, until, signal);
  await refuseEnded(store.truth, { index: index.name, until });
  return { until, epochs, records };
}

/**
 * Runs `swap` once `index` is as far as `serving`, so that no reader goes back in time: first from the archive while lanes go on,
 * then, where a barrier is given, while they stand. What reached `serving` and is not archived within 8 s is left to the lanes,
 * which read it from the log right after the swap; what `serving` has of an epoch that there is not is waited for no more. Rejects with `VERSION_AHEAD` where an epoch ended before what was folded.
 */
export async function handOver(
  context: RebuildContext,
  projection: Projection,
  between: { readonly serving: ModelIndex; readonly index: ModelIndex },
  claim: { readonly id: string; readonly announce: Announce; readonly signal: AbortSignal },
  swap: () => Promise<void>,
): Promise<void> {
  const { store, clock, barrier } = context;
  const { serving, index } = between;
  const { signal } = claim;
  const follow = (): Promise<Followed> => followToEnd(context, projection, index, signal);
  const { epochs } = await follow();
  if (barrier === undefined) return swap();
  const { partitions } = epochs.at(-1)!;
  const ground = { state: store.state, clock, projection: projection.definition.projection };
  const asked = { id: `${claim.id}-swap`, partitions, announce: claim.announce, signal };
  await atBarrier(ground, { ...barrierDefaults, ...barrier }, asked, async () => {
    const reached = cutOf(await serving.progress(), (epoch) => epochs[epoch - 1]?.partitions ?? partitions);
    const deadline = clock.now() + standMs;
    for (;;) {
      const { until, epochs: known } = await follow();
      const isOfNoEpoch = reached !== undefined && reached.epoch > known.at(-1)!.epoch;
      if (isBehind(reached, until) || isOfNoEpoch || clock.now() >= deadline) break;
      await clock.wait(lookMs, signal);
    }
    await swap();
  });
}

/** Whether all of `reached` lies before `until`; so does nothing. */
const isBehind = (reached: Cut | undefined, until: Cut): boolean =>
  reached === undefined ||
  reached.epoch < until.epoch ||
  (reached.epoch === until.epoch &&
    reached.next.every((next, partition) => next <= (until.next[partition] ?? 0)));
