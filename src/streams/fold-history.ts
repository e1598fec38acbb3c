import type { Cut } from '../domain/cut.ts';
import type { EntityState } from '../domain/entity-state.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { Document, LaneProgress } from '../ports/read-model.ts';
import { foldingOf } from '../projections/folding.ts';
import type { Projection } from '../projections/projection.ts';
import { foldsOf } from './archive-names.ts';
import { type BucketPlace, type Buckets, bucketWriter, clearPlace, putsOf } from './buckets.ts';
import type { Epoch } from './epochs.ts';
import type { EventDecoders } from './event-decoders.ts';
import { countFor, gather } from './gather.ts';
import { addRecord, emptyWindow, followingIn, laneIn, type RecordWindow, recordIn } from './record-window.ts';

export interface History {
  readonly store: ArchiveStore;
  /** All epochs, oldest first. */
  readonly epochs: readonly Epoch[];
  /** Of the newest epoch; earlier ones end where the next one says. */
  readonly until: Cut;
  readonly decoders: EventDecoders;
  /** Which records are folded: all or none of a key; all by default. */
  readonly only?: (record: RecordView) => boolean;
  /** Of a process in which others live as well: they are heard between two slices. */
  readonly clock?: Clock;
}

export interface FoldCounts {
  /** Records read. */
  records: number;
  readonly outcomes: Partial<Record<Outcome, number>>;
  /** Records by lane of the chain that is folded, where somebody wants to know. */
  readonly byLane?: number[];
}

/** A lane of one epoch, up to `end`; `timeFloor` is where its running maximum of append times starts. */
export interface LaneSpan {
  readonly epoch: Epoch;
  readonly partition: number;
  readonly end: number;
  readonly timeFloor: number;
}

/** The lanes of a history: per epoch and partition, with the end that history gives them. */
export function laneSpans({ epochs, until }: Pick<History, 'epochs' | 'until'>): readonly LaneSpan[] {
  return epochs
    .filter((epoch) => epoch.epoch <= until.epoch)
    .flatMap((epoch, index) => {
      const end = epoch.epoch === until.epoch ? until.next : epochs[index + 1]!.previous!.next;
      const timeFloor = epoch.previous?.timeMax ?? 0;
      return end.map((next, partition) => ({ epoch, partition, end: next, timeFloor }));
    });
}

/**
 * Spans grouped so that no URN is in two groups: by partition while all epochs have the same number of partitions (a URN
 * then stays in its partition), else all together.
 */
export function chainsOf(spans: readonly LaneSpan[]): readonly (readonly LaneSpan[])[] {
  const counts = new Set(spans.map((span) => span.epoch.partitions));
  if (counts.size !== 1) return [spans];
  const byPartition = Map.groupBy(spans, (span) => span.partition);
  return [...byPartition.values()];
}

/** Decompressed records that are folded together. */
const windowBytesDefault = 64 * 1024 * 1024;
/** Few enough that their words are not moved by the collector. */
const documentsPerYield = 32;
const bodyBytesPerYield = 64 * 1024;
/** A bucket larger than this many windows is shared out again, by other bits, at most so many times. */
const [windowsPerBucketMax, depthMax] = [2, 3];

export interface FoldOptions {
  readonly windowBytes?: number;
  /**
   * Where what does not fit into a window is put down meanwhile, the caller's alone and cleared by it. What an earlier call has
   * put down there for the same history is taken up.
   */
  readonly place: BucketPlace;
  /** Where several processes may read one chain at once: what begins the names of what this one puts down of it. */
  readonly attempt?: string;
  /** Whether a unit of this name is done already: then it is not made. */
  readonly isDone?: (name: string) => boolean;
}

const chainName = 'chain-';

/** Names of units: of a whole chain, and of a bucket of it. */
export const chainNamed = (nth: number): string => `${chainName}${nth}`;
export const bucketNamed = (chain: string, bucket: number): string => `${chain}-${bucket}`;

/** Number of the chain a unit is of. */
export const chainOf = (unit: string): number => Number.parseInt(unit.slice(chainName.length), 10);

/** Work that needs no other: documents of some URNs and no others, each once. */
export interface FoldUnit {
  /** The same for the same history and window. */
  readonly name: string;
  /** Where the lanes of its chain end. */
  readonly lanes: readonly LaneProgress[];
  /** As they are at the end, or were at an earlier cut. To be read before the next unit is asked for. */
  documents(counts: FoldCounts, until?: Cut): Generator<readonly Document[], void>;
}

/**
 * Folds a history into the final documents of a projection, each once, in batches. Reads the archive and nothing else.
 * What is superseded is never rendered. `counts` grows while it runs; `onLane` tells where each lane ends.
 */
export async function* foldHistory(
  projection: Projection,
  history: History,
  counts: FoldCounts,
  onLane: (lane: LaneProgress) => void = () => undefined,
  windowBytes = windowBytesDefault,
): AsyncGenerator<readonly Document[], void> {
  const place = { state: history.store.state, prefix: foldsOf(crypto.randomUUID()) };
  try {
    const told = new Set<readonly LaneProgress[]>();
    for await (const unit of foldUnits(projection, history, { windowBytes, place })) {
      if (!told.has(unit.lanes)) for (const lane of unit.lanes) onLane(lane);
      told.add(unit.lanes);
      yield* unit.documents(counts);
    }
  } finally {
    await clearPlace(place);
  }
}

/**
 * A history as units. Records are folded URN after URN, a window of them at a time, so that what a fold makes on its way is
 * dropped while it is young. A chain of lanes that is larger than a window is shared out into buckets by key first: each is a
 * unit, and a URN is whole in one. So memory is a window, whatever the history holds; only one URN's own events may exceed it.
 * `takes`: whether the chain of this number is folded here; all are by default.
 */
export async function* foldUnits(
  projection: Projection,
  history: History,
  { takes = () => true, ...options }: FoldOptions & { readonly takes?: (chain: number) => boolean },
): AsyncGenerator<FoldUnit, void> {
  for (const [nth, chain] of chainsOf(laneSpans(history)).entries()) {
    if (!takes(nth) || options.isDone?.(chainNamed(nth)) === true) continue;
    const opened = await openChain(projection, history, { nth, chain }, options);
    yield* opened.units();
  }
}

/** A chain that was read. */
export interface OpenedChain {
  /** Numbers of the buckets that hold something; none where it fits into a window. */
  readonly buckets: readonly number[];
  /** All its units, or those of one bucket: one, but for a bucket that was too large. */
  units(bucket?: number): AsyncGenerator<FoldUnit, void>;
}

/** Reads the chain of a number into a window, or finds it, or puts it, in buckets. */
export async function openChain(
  projection: Projection,
  history: History,
  { nth, chain }: { readonly nth: number; readonly chain: readonly LaneSpan[] },
  { windowBytes = windowBytesDefault, place, attempt, isDone = () => false }: FoldOptions,
): Promise<OpenedChain> {
  const name = chainNamed(nth);
  const within = { state: place.state, prefix: `${place.prefix}${name}-` };
  const gathered = await gather(history, chain, within, windowBytes, attempt);
  const lanes = chain.map(({ epoch, partition, end }, at) => ({
    ...{ epoch: epoch.epoch, partition, next: end, timeMax: gathered.times[at]! },
  }));
  const unit = (of: string, window: RecordWindow): FoldUnit => ({
    ...{ name: of, lanes },
    documents: (counts, until) =>
      inBatches(foldWindow(projection, history, endingAt(chain, until), window, counts)),
  });
  if (gathered.window !== undefined) {
    const { window } = gathered;
    return {
      buckets: [],
      units: async function* () {
        yield unit(name, window);
      },
    };
  }
  const { buckets } = gathered;
  const work = { place: gathered.within, name, windowBytes, isDone, unit };
  return {
    buckets: [...buckets.blobs.keys()].filter((bucket) => buckets.blobs[bucket] !== 0),
    units: (bucket) => bucketUnits(buckets, work, 0, bucket),
  };
}

/** The lanes of a chain, none further than a cut. */
const endingAt = (chain: readonly LaneSpan[], until: Cut | undefined): readonly LaneSpan[] =>
  until === undefined
    ? chain
    : chain.map((span) => {
        const { epoch } = span.epoch;
        if (epoch < until.epoch) return span;
        return { ...span, end: epoch === until.epoch ? (until.next[span.partition] ?? 0) : 0 };
      });

interface BucketWork {
  readonly place: BucketPlace;
  readonly name: string;
  readonly windowBytes: number;
  readonly isDone: (name: string) => boolean;
  readonly unit: (name: string, window: RecordWindow) => FoldUnit;
}

async function* bucketUnits(
  { blobs, bytes }: Buckets,
  work: BucketWork,
  depth: number,
  only?: number,
): AsyncGenerator<FoldUnit, void> {
  const { place, windowBytes, isDone, unit } = work;
  for (const [bucket, count] of blobs.entries()) {
    const name = bucketNamed(work.name, bucket);
    if (count === 0 || (only !== undefined && bucket !== only) || isDone(name)) continue;
    const size = bytes[bucket]!;
    if (size > windowsPerBucketMax * windowBytes && depth < depthMax) {
      const within = { state: place.state, prefix: `${place.prefix}${bucket}-` };
      const writer = bucketWriter(within, countFor(size, windowBytes), depth + 1);
      for await (const puts of putsOf(place, bucket, count)) {
        for (const put of puts) writer.add(put);
        await writer.drain();
      }
      yield* bucketUnits(await writer.end(), { ...work, place: within, name }, depth + 1);
      continue;
    }
    const window = emptyWindow();
    for await (const puts of putsOf(place, bucket, count))
      for (const { record, lane, time } of puts) addRecord(window, record, lane, time);
    yield unit(name, window);
  }
}

/** All documents of the URNs in a window that holds all events of each. */
function* foldWindow(
  projection: Projection,
  { decoders }: History,
  chain: readonly LaneSpan[],
  window: RecordWindow,
  counts: FoldCounts,
): Generator<Document> {
  const places = chain.map(({ epoch, partition }) => ({
    ...{ epoch: epoch.epoch, partition, partitions: epoch.partitions },
  }));
  const { firsts, times } = window;
  const { readRecord, foldNext } = foldingOf(projection);
  const { byLane = [] } = counts;
  for (const first of firsts) {
    let state: EntityState | undefined;
    for (let at = first; at >= 0; at = followingIn(window, at)) {
      const lane = laneIn(window, at);
      const record = recordIn(window, at);
      if (record.offset >= chain[lane]!.end) continue;
      const read = readRecord(record, places[lane]!, times[at]!, decoders.decode, 'shared');
      counts.records += 1;
      byLane[lane]! += 1;
      if (read.kind === 'quarantined') {
        count(counts, read.record.outcome);
        for (const draft of projection.quarantined(read.record)) yield draft.render();
        continue;
      }
      // A record reaches a fold only if its key is its URN: this is the one URN of the group.
      const step = foldNext(state, read);
      if (step === undefined) continue;
      state = step.after;
      count(counts, step.outcome);
      for (const draft of projection.settled(step)) yield draft.render();
    }
    if (state === undefined) continue;
    for (const draft of projection.open(state)) yield draft.render();
    yield projection.stateDocument(state);
  }
}

function* inBatches(documents: Iterable<Document>): Generator<readonly Document[]> {
  let batch: Document[] = [];
  let bytes = 0;
  for (const document of documents) {
    batch.push(document);
    bytes += document.body.length;
    if (batch.length < documentsPerYield && bytes < bodyBytesPerYield) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

function count(counts: FoldCounts, outcome: Outcome): void {
  counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
}
