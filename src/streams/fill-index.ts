import type { Cut } from '../domain/cut.ts';
import { offsetEnd, versionOf } from '../domain/position.ts';
import { entryBytes, type RootBuilder, rootOf } from '../formats/root.ts';
import { searchDigest } from '../formats/search-digest.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Document,
  LaneProgress,
  ModelDefinition,
  ModelIndex,
  TextDocument,
  Unsearchable,
} from '../ports/read-model.ts';
import { notFound, searchText, searchValues } from '../ports/search-values.ts';
import type { Projection } from '../projections/projection.ts';
import { foldsOf } from './archive-names.ts';
import { type FinishedUnit, finishedUnits, recordUnits, type UnitRecord } from './finished-units.ts';
import { chainOf, type FoldCounts, type FoldUnit, foldUnits, type History } from './fold-history.ts';
import { type BatchStore, batchStore } from './store-batches.ts';
import type { MemberDone } from './unit-claims.ts';

/** An index that a history is folded into, up to a cut. */
export interface FillTask {
  readonly projection: Projection;
  readonly until: Cut;
  readonly index: ModelIndex;
  readonly signal: AbortSignal;
  /** Of the rebuild it is for: finished units are passed over, and put on record as they end. */
  readonly record: UnitRecord;
  /** One share of several: everything it does is on record at its end, and it answers for nothing else. */
  readonly share?: FillShare;
  /** As of `foldUnits`. */
  readonly windowBytes?: number;
}

/** The chains whose number is `nth` modulo `of`. */
export interface FillShare {
  readonly nth: number;
  readonly of: number;
}

/** What was folded and stored: its root, counts, where the lanes ended, what the engine did not take. */
export interface Filled {
  readonly root: RootBuilder;
  readonly counts: FoldCounts;
  readonly lanes: readonly LaneProgress[];
  /** Records of each lane. */
  readonly folded: readonly LaneRecords[];
  readonly unindexable: readonly Unsearchable[];
  /** Digest of what searches should find. */
  readonly search: string;
  /** Who did what, where several processes shared it. */
  readonly members?: readonly MemberDone[];
}

export type FillIndex = (
  history: Omit<History, 'until'>,
  task: FillTask,
  onProgress: (done: FillProgress) => void,
) => Promise<Filled>;

/** What is done of an index so far, by earlier calls too. */
export interface FillProgress {
  /** Records folded. */
  readonly records: number;
  /** Documents given to the index. */
  readonly documents: number;
  readonly lanes: readonly LaneRecords[];
}

/** Records of a lane that are folded. */
export interface LaneRecords {
  readonly epoch: number;
  readonly partition: number;
  readonly records: number;
}

export const nothingFilled: FillProgress = { records: 0, documents: 0, lanes: [] };

/** Finished units are put on record together, so often at most: each time the index has to be made durable. */
export const recordEveryMs = 20_000;

/**
 * Folds a history and stores its final documents, unit by unit. Killed and called again it passes over the units on record; what
 * it does once more of the others is stored already and stays as it is. `onProgress` counts those of earlier calls too.
 */
export const fillIndex: FillIndex = async (history, task, onProgress) => {
  const { projection, until, index, record, share, windowBytes } = task;
  const { store } = history;
  const { clock, everyMs = recordEveryMs } = record;
  const takes = (chain: number): boolean => share === undefined || chain % share.of === share.nth;
  const onRecord = await finishedUnits(store.state, record.id);
  const finished = new Map([...onRecord].filter(([name]) => takes(chainOf(name))));
  let unrecorded: FinishedUnit[] = [];
  let recordedAt = clock.now();
  let done = plus(...[...finished.values()].map(progressOf));
  onProgress(done);
  const ground = storingInto(task);
  const { batches } = ground;

  async function fold(unit: FoldUnit): Promise<void> {
    const folded = await foldInto(ground, unit, (further) => onProgress(plus(done, further)));
    done = plus(done, progressOf(folded));
    finished.set(unit.name, folded);
    unrecorded.push(folded);
    if (clock.now() - recordedAt >= everyMs) await putOnRecord();
  }

  async function putOnRecord(): Promise<void> {
    await batches.idle();
    await index.refresh();
    await recordUnits(store.state, record.id, unrecorded);
    [unrecorded, recordedAt] = [[], clock.now()];
  }

  try {
    const place = { state: store.state, prefix: foldsOf(record.id) };
    const isDone = (name: string): boolean => finished.has(name);
    const options = { place, isDone, takes, ...(windowBytes === undefined ? {} : { windowBytes }) };
    for await (const unit of foldUnits(projection, { ...history, until }, options)) await fold(unit);
    await (share === undefined ? batches.idle() : putOnRecord());
  } finally {
    await batches.over();
  }
  return together(finished.values());
};

/** What all units on record amount to, once every share has ended. */
export const filledOnRecord = async (state: StateStore, id: string): Promise<Filled> =>
  together((await finishedUnits(state, id)).values());

export const progressOf = ({ counts, lanes, entries }: FinishedUnit): FillProgress => ({
  records: counts.records,
  documents: entries.length / entryBytes,
  lanes: byLane(lanes, counts),
});

const byLane = (lanes: readonly LaneProgress[], { byLane = [] }: FoldCounts): readonly LaneRecords[] =>
  lanes.map(({ epoch, partition }, nth) => ({ epoch, partition, records: byLane[nth] ?? 0 }));

/** Parts of an index together. */
export function plus(...parts: readonly FillProgress[]): FillProgress {
  let [records, documents] = [0, 0];
  const lanes = new Map<string, LaneRecords>();
  for (const part of parts) {
    records += part.records;
    documents += part.documents;
    for (const { epoch, partition, records: more } of part.lanes) {
      const known = lanes.get(`${epoch}-${partition}`)?.records ?? 0;
      lanes.set(`${epoch}-${partition}`, { epoch, partition, records: known + more });
    }
  }
  return { records, documents, lanes: [...lanes.values()] };
}

/** Where documents go, for `foldInto`. The caller awaits `batches.idle`, and in the end `batches.over`. */
export const storingInto = ({ projection, until, index, record, signal }: FillTask): FoldGround => ({
  fields: projection.definition.fields,
  batches: batchStore(index, versionOf({ epoch: until.epoch, offset: offsetEnd - 1 })),
  clock: record.clock,
  signal,
});

export interface FoldGround {
  readonly fields: ModelDefinition['fields'];
  readonly batches: BatchStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * A document with the text of its search values in place of them: those of documents that wait are many small ones. One that
 * nothing finds, or that cannot be searched, stays as it is.
 */
export function withSearchText(
  fields: ModelDefinition['fields'],
  document: Document,
): Document | TextDocument {
  const { id, version, body, search } = document;
  const values = search === null ? null : searchValues(fields, search);
  if (values === null || typeof values === 'string') return document;
  return { id, version, body, searchText: searchText(fields, values) };
}

/** What searches should find a document by, as a digest of them takes it. */
export const searchTextOf = (document: Document | TextDocument): Buffer =>
  'searchText' in document ? document.searchText : notFound;

/** Folds a unit and gives its documents to be stored. */
export async function foldInto(
  { fields, batches, clock, signal }: FoldGround,
  { name, lanes, documents }: FoldUnit,
  onProgress: (done: FillProgress) => void,
): Promise<FinishedUnit> {
  const counts: FoldCounts = { records: 0, outcomes: {}, byLane: lanes.map(() => 0) };
  const root = rootOf();
  const unindexable: Unsearchable[] = [];
  const search = searchDigest();
  const tell = (): void =>
    onProgress({ records: counts.records, documents: root.size, lanes: byLane(lanes, counts) });
  for (const some of documents(counts)) {
    // Whoever else lives in this process is heard between two of them.
    await clock.wait(0);
    signal.throwIfAborted();
    for (const folded of some) {
      const document = withSearchText(fields, folded);
      root.add(document.id, document.version, document.body);
      search.add(document.id, searchTextOf(document));
      if (!batches.take(document)) continue;
      await batches.send(unindexable);
      tell();
    }
  }
  await batches.send(unindexable);
  tell();
  return { name, counts, lanes, unindexable, search: search.hex(), entries: root.entries() };
}

function together(finished: Iterable<FinishedUnit>): Filled {
  const units = [...finished];
  const root = rootOf();
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const lanes = new Map<string, LaneProgress>();
  const unindexable: Unsearchable[] = [];
  const search = searchDigest();
  for (const unit of units) {
    search.join(unit.search);
    root.addEntries(unit.entries);
    counts.records += unit.counts.records;
    for (const [outcome, count] of Object.entries(unit.counts.outcomes)) {
      const of = outcome as keyof typeof counts.outcomes;
      counts.outcomes[of] = (counts.outcomes[of] ?? 0) + count;
    }
    for (const lane of unit.lanes) lanes.set(`${lane.epoch}-${lane.partition}`, lane);
    for (const one of unit.unindexable) unindexable.push(one);
  }
  const { lanes: folded } = plus(...units.map(progressOf));
  return { root, counts, lanes: [...lanes.values()], folded, unindexable, search: search.hex() };
}
