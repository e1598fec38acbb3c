import type { Cut } from '../domain/cut.ts';
import { offsetEnd, versionOf } from '../domain/position.ts';
import { type RootBuilder, rootOf } from '../formats/root.ts';
import type { LaneProgress, ModelIndex, Unsearchable } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { foldsOf } from './archive-names.ts';
import { type FinishedUnit, finishedUnits, recordUnits, type UnitRecord } from './finished-units.ts';
import { type FoldCounts, type FoldUnit, foldUnits, type History } from './fold-history.ts';
import { type BatchStore, batchStore } from './store-batches.ts';

/** An index that a history is folded into, up to a cut. */
export interface FillTask {
  readonly projection: Projection;
  readonly until: Cut;
  readonly index: ModelIndex;
  readonly signal: AbortSignal;
  /** Of the rebuild it is for: finished units are passed over, and put on record as they end. */
  readonly record: UnitRecord;
  /** As of `foldUnits`. */
  readonly windowBytes?: number;
}

/** What was folded and stored: its root, counts, where the lanes ended, what the engine did not take. */
export interface Filled {
  readonly root: RootBuilder;
  readonly counts: FoldCounts;
  readonly lanes: readonly LaneProgress[];
  readonly unindexable: readonly Unsearchable[];
}

/** Finished units are put on record together, so often at most: each time the index has to be made durable. */
export const recordEveryMs = 20_000;

/**
 * Folds a history and stores its final documents, unit by unit. Killed and called again it passes over the units on record; what
 * it does once more of the others is stored already and stays as it is. `onRecords` gets the number of records folded, those of
 * earlier calls included.
 */
export async function fillIndex(
  history: Omit<History, 'until'>,
  { projection, until, index, signal, record, windowBytes }: FillTask,
  onRecords: (done: number) => void,
): Promise<Filled> {
  const { store } = history;
  const { clock, everyMs = recordEveryMs } = record;
  const finished = new Map(await finishedUnits(store.state, record.id));
  let unrecorded: FinishedUnit[] = [];
  let recordedAt = clock.now();
  let done = [...finished.values()].reduce((sum, { counts }) => sum + counts.records, 0);
  onRecords(done);
  const batches = batchStore(index, versionOf({ epoch: until.epoch, offset: offsetEnd - 1 }));

  async function fold(unit: FoldUnit): Promise<void> {
    const folded = await foldInto(batches, unit, signal, (records) => onRecords(done + records));
    done += folded.counts.records;
    finished.set(unit.name, folded);
    unrecorded.push(folded);
    if (clock.now() - recordedAt < everyMs) return;
    await batches.idle();
    await index.refresh();
    await recordUnits(store.state, record.id, unrecorded);
    [unrecorded, recordedAt] = [[], clock.now()];
  }

  try {
    const place = { state: store.state, prefix: foldsOf(record.id) };
    const isDone = (name: string): boolean => finished.has(name);
    const options = { place, isDone, ...(windowBytes === undefined ? {} : { windowBytes }) };
    for await (const unit of foldUnits(projection, { ...history, until }, options)) await fold(unit);
    await batches.idle();
  } finally {
    await batches.over();
  }
  return together(finished.values());
}

async function foldInto(
  batches: BatchStore,
  { name, lanes, documents }: FoldUnit,
  signal: AbortSignal,
  onRecords: (records: number) => void,
): Promise<FinishedUnit> {
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const root = rootOf();
  const unindexable: Unsearchable[] = [];
  for (const some of documents(counts)) {
    signal.throwIfAborted();
    for (const document of some) {
      root.add(document.id, document.version, document.body);
      if (!batches.take(document)) continue;
      await batches.send(unindexable);
      onRecords(counts.records);
    }
  }
  await batches.send(unindexable);
  onRecords(counts.records);
  return { name, counts, lanes, unindexable, entries: root.entries() };
}

function together(units: Iterable<FinishedUnit>): Filled {
  const root = rootOf();
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const lanes = new Map<string, LaneProgress>();
  const unindexable: Unsearchable[] = [];
  for (const unit of units) {
    root.addEntries(unit.entries);
    counts.records += unit.counts.records;
    for (const [outcome, count] of Object.entries(unit.counts.outcomes)) {
      const of = outcome as keyof typeof counts.outcomes;
      counts.outcomes[of] = (counts.outcomes[of] ?? 0) + count;
    }
    for (const lane of unit.lanes) lanes.set(`${lane.epoch}-${lane.partition}`, lane);
    unindexable.push(...unit.unindexable);
  }
  return { root, counts, lanes: [...lanes.values()], unindexable };
}
