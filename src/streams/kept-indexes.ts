import { Fault, isFault } from '../domain/fault.ts';
import type { ArchiveStore, ETag, StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LaneProgress, ModelIndex, ReadModel } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { keptName } from './archive-names.ts';
import { withClaim } from './claim.ts';
import { foldOfIndex, type KeptFold } from './index-fold.ts';
import { readJob } from './rebuild-job.ts';

/** An index that was proven, by the rebuild that made it. */
export interface KeptIndex {
  readonly index: string;
  readonly version: number;
  /** Text of the cut that it was built to. */
  readonly built: string | null;
  /** Id of the rebuild; null = it was there before such records were. */
  readonly rebuild: string | null;
  /** When it was put beside what serves, UTC ms. */
  readonly at: number;
}

/**
 * What stays beside the index that serves. A swap writes its two ends before it happens: whichever of them does not serve
 * while the other does is the predecessor, so the record is right whether the swap happened or not, and a way back needs no
 * new one. What serves is recorded in the read model alone.
 */
export interface Kept {
  readonly swap: { readonly from: KeptIndex; readonly to: KeptIndex } | null;
  /** Indexes at a past cut. */
  readonly beside: readonly KeptIndex[];
}

/** So long a way back waits for an index that follows: it takes less than a second as a whole. */
const [followMs, followLookMs] = [500, 25];

const nothing: Kept = { swap: null, beside: [] };

export async function readKept(state: StateStore, projection: string): Promise<Kept> {
  return (await readRecord(state, projection)).kept;
}

async function readRecord(
  state: StateStore,
  projection: string,
): Promise<{ readonly kept: Kept; readonly etag: ETag | null }> {
  const blob = keptName(projection);
  const found = await state.read(blob);
  if (found === undefined) return { kept: nothing, etag: null };
  try {
    const { v, swap, beside } = JSON.parse(found.bytes.toString('utf8')) as Partial<Kept> & { v?: unknown };
    if (v === 1 && swap !== undefined && Array.isArray(beside))
      return { kept: { swap, beside }, etag: found.etag };
  } catch (error) {
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'not JSON' }, error);
  }
  throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no record of indexes' });
}

/** Changes the record; only under the claim of the projection, so a change by somebody else is one of a lost claim. */
export async function changeKept(
  state: StateStore,
  projection: string,
  change: (kept: Kept) => Kept,
): Promise<void> {
  const { kept, etag } = await readRecord(state, projection);
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...change(kept) })}\n`);
  if ((await state.write(keptName(projection), bytes, etag)) === 'changed')
    throw new Fault('REBUILD_RUNNING', { projection, reason: 'the claim was taken over' });
}

/** The end of the last swap that does not serve, while the other one does. */
function predecessorIn(swap: Kept['swap'], serving: string | undefined): KeptIndex | undefined {
  if (swap === null || serving === undefined) return undefined;
  if (swap.to.index === serving) return swap.from;
  return swap.from.index === serving ? swap.to : undefined;
}

/** Names of all that stays, whatever serves. */
const namesIn = ({ swap, beside }: Kept): ReadonlySet<string> =>
  new Set([...(swap === null ? [] : [swap.from.index, swap.to.index]), ...beside.map(({ index }) => index)]);

export interface KeptContext {
  readonly store: ArchiveStore;
  readonly model: ReadModel;
  readonly clock: Clock;
  readonly keptFold?: KeptFold;
}

/** The index that served before the present one. Undefined where none is kept. */
export async function predecessor(
  { store, model }: Pick<KeptContext, 'store' | 'model'>,
  { definition }: Projection,
): Promise<{ readonly kept: KeptIndex; readonly index: ModelIndex } | undefined> {
  const { swap } = await readKept(store.state, definition.projection);
  const serving = (await model.serving(definition))?.name;
  const job = await readJob(store.state, definition.projection);
  // A rebuild that stopped just before its swap: what is on record is the swap that it would make.
  const isAhead = job !== undefined && job.index === swap?.to.index && job.index !== serving;
  const kept = predecessorIn(isAhead ? job.before : swap, serving);
  const index = kept === undefined ? undefined : await model.open(kept.index, definition);
  return kept === undefined || index === undefined ? undefined : { kept, index };
}

export interface RolledBack {
  readonly projection: string;
  /** It serves now, and goes on following from where it stands. */
  readonly index: string;
  readonly version: number;
  readonly lanes: readonly LaneProgress[];
  /** It served until now, and is kept: the same again goes back to it. */
  readonly replaced: string;
  readonly tookMs: number;
}

/**
 * Lets the index serve again that served before: the swap in the other direction. Its lanes follow the log, by the fold that made
 * it; where they do not, it serves from where it stands. Rejects with `INDEX_NOT_KEPT`, with `REBUILD_RUNNING` while somebody
 * rebuilds or verifies it, with `SWAP_REFUSED` where another index serves than was seen, and with `FOLD_NOT_KEPT` where nothing could
 * fold into it any more.
 */
export async function rollback(
  context: KeptContext,
  projection: Projection,
  id: string,
): Promise<RolledBack> {
  const { store, model, clock } = context;
  const { projection: name } = projection.definition;
  const started = clock.now();
  return withClaim({ state: store.state, clock, projection: name }, { id, kind: 'rollback' }, async () => {
    const serving = await model.serving(projection.definition);
    const found = await predecessor(context, projection);
    if (serving === undefined || found === undefined) throw new Fault('INDEX_NOT_KEPT', { projection: name });
    await foldOfIndex(projection, found.index, context.keptFold);
    const { version } = found.index.definition;
    const lanes = await caughtUp(found.index, await serving.visible(), clock);
    await swapOrSee(model, projection, serving.name, found.index.name);
    const tookMs = clock.now() - started;
    return { projection: name, index: found.index.name, version, lanes, replaced: serving.name, tookMs };
  });
}

/** Waits for lanes of the kept index to come as far as what serves: they follow, or stand still and come no further. */
async function caughtUp(
  index: ModelIndex,
  reached: readonly LaneProgress[],
  clock: Clock,
): Promise<readonly LaneProgress[]> {
  const deadline = clock.now() + followMs;
  for (;;) {
    const lanes = await index.progress();
    const behind = reached.some(({ epoch, partition, next }) => {
      const lane = lanes.find((known) => known.epoch === epoch && known.partition === partition);
      return (lane?.next ?? 0) < next;
    });
    if (!behind || clock.now() >= deadline) return lanes;
    await clock.wait(followLookMs);
  }
}

/**
 * Drops an index that is kept: the predecessor, or the named one of those at a past cut. Rejects with `INDEX_NOT_KEPT`, and
 * with `REBUILD_RUNNING` while somebody rebuilds or verifies the projection. Gives the name of what is gone.
 */
export async function retire(
  context: KeptContext,
  projection: Projection,
  id: string,
  named?: string,
): Promise<string> {
  const { store, model, clock } = context;
  const { projection: name } = projection.definition;
  return withClaim({ state: store.state, clock, projection: name }, { id, kind: 'retire' }, async () => {
    const serving = (await model.serving(projection.definition))?.name;
    const before = (await predecessor(context, projection))?.index.name;
    const gone = named ?? before;
    const { beside } = await readKept(store.state, name);
    const isBeside = beside.some(({ index }) => index === gone);
    if (gone === undefined || gone === serving || (gone !== before && !isBeside))
      throw new Fault('INDEX_NOT_KEPT', {
        projection: name,
        ...(named === undefined ? {} : { index: named }),
      });
    await model.drop(gone);
    // Only now: a crash before leaves the name on record, and the same again.
    await changeKept(store.state, name, ({ swap, beside }) => ({
      swap: gone === before ? null : swap,
      beside: beside.filter(({ index }) => index !== gone),
    }));
    return gone;
  });
}

/** Swaps; where the answer is lost, what serves then tells whether it happened. */
export async function swapOrSee(
  model: ReadModel,
  { definition }: Projection,
  from: string | null,
  to: string,
): Promise<void> {
  try {
    await model.swap(definition.projection, from, to);
  } catch (error) {
    if (!isFault(error) || error.remedy !== 'retry') throw error;
    if ((await model.serving(definition))?.name !== to) throw error;
  }
}

/**
 * Drops what rebuilds that are over have left: indexes of this log that do not serve, are not kept, and that no rebuild under
 * way names. Only under the claim.
 */
export async function dropLeftovers(context: KeptContext, { definition }: Projection): Promise<void> {
  const { store, model } = context;
  const { projection: name } = definition;
  const stays = new Set(namesIn(await readKept(store.state, name)));
  const job = await readJob(store.state, name);
  for (const index of [job?.index, job?.before?.from.index, job?.before?.to.index])
    if (index !== undefined) stays.add(index);
  for (const { name: index, projection, serving } of await model.list()) {
    if (serving || projection !== name || stays.has(index)) continue;
    try {
      if ((await model.open(index, definition)) !== undefined) await model.drop(index);
    } catch (error) {
      if (!isFault(error, 'MODEL_OF_ANOTHER_LOG')) throw error;
    }
  }
}
