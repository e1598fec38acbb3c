import type { Cut } from '../domain/cut.ts';
import type { EntityState } from '../domain/entity-state.ts';
import type { Outcome } from '../domain/outcome.ts';
import { AvroReader } from '../formats/avro-bytes.ts';
import { RecordView } from '../formats/record-view.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Document } from '../ports/read-model.ts';
import { foldNext } from '../projections/fold-batch.ts';
import type { Projection } from '../projections/projection.ts';
import { readRecord } from '../projections/read-record.ts';
import type { Epoch } from './epochs.ts';
import type { EventDecoders } from './event-decoders.ts';
import { historyLane } from './history-lane.ts';

export interface History {
  readonly store: ArchiveStore;
  /** All epochs, oldest first. */
  readonly epochs: readonly Epoch[];
  /** Of the newest epoch; earlier ones end where the next one says. */
  readonly until: Cut;
  readonly decoders: EventDecoders;
}

export interface FoldCounts {
  /** Records read. */
  records: number;
  readonly outcomes: Partial<Record<Outcome, number>>;
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
 * then stays in its partition), else all together. The states of one group are in memory at a time.
 */
function chainsOf(spans: readonly LaneSpan[]): readonly (readonly LaneSpan[])[] {
  const counts = new Set(spans.map((span) => span.epoch.partitions));
  if (counts.size !== 1) return [spans];
  const byPartition = Map.groupBy(spans, (span) => span.partition);
  return [...byPartition.values()];
}

/** Decompressed records that are folded together. */
const windowBytesDefault = 64 * 1024 * 1024;
const documentsPerYield = 250;
const bodyBytesPerYield = 256 * 1024;

/**
 * Folds a history into the final documents of a projection, each once, in batches. Reads the archive and nothing else.
 * What is superseded is never rendered. `counts` grows while it runs; `onTime` tells each span's running maximum at its
 * end, which is part of a lane's progress.
 *
 * Records are folded URN after URN, a window of them at a time, so that what a fold makes on its way is dropped while it is
 * young; what is left of a URN after the last window is final and rendered there. In memory: a window, and the states of
 * the URNs that earlier windows touched.
 */
export async function* foldHistory(
  projection: Projection,
  history: History,
  counts: FoldCounts,
  onTime: (span: LaneSpan, timeMax: number) => void,
  windowBytes = windowBytesDefault,
): AsyncGenerator<readonly Document[], void> {
  for (const chain of chainsOf(laneSpans(history))) {
    const states = new Map<string, EntityState>();
    for (const span of chain) {
      let time = span.timeFloor;
      for await (const window of windows(history, span, windowBytes)) {
        time = window.times.at(-1) ?? time;
        const last = span === chain.at(-1) && window.next >= span.end;
        yield* inBatches(foldWindow(projection, history.decoders, span, states, window, last, counts));
      }
      onTime(span, time);
    }
    yield* inBatches(finals(projection, states.values()));
  }
}

/**
 * Records that are folded together, as columns: of each record where its bytes lie and its append time made monotone. Views of
 * all of them would be promoted by the garbage collector, one after the other.
 */
interface Window {
  readonly blocks: Buffer[];
  readonly starts: number[];
  readonly ends: number[];
  readonly times: number[];
  /** Records linked by equal keys: the first of each key, and the one that follows each record, -1 = none. */
  readonly firsts: number[];
  readonly following: number[];
  /** Offset behind the last record. */
  next: number;
}

const emptyWindow = (): Window => ({
  ...{ blocks: [], starts: [], ends: [], times: [], firsts: [], following: [], next: 0 },
});

async function* windows(
  { store, decoders }: History,
  { epoch, partition, end, timeFloor }: LaneSpan,
  windowBytes: number,
): AsyncGenerator<Window, void> {
  const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
  const newest = new Map<string, number>();
  let window = emptyWindow();
  let [bytes, time] = [0, timeFloor];
  for await (const slice of historyLane(store, lane, 0, end)) {
    await decoders.ensure(slice.records, epoch.epoch);
    for (const record of slice.records) {
      time = Math.max(time, record.appendTime);
      add(window, newest, record, time);
      bytes += record.end - record.start;
    }
    window.next = slice.next;
    if (bytes < windowBytes && slice.next < end) continue;
    yield window;
    window = emptyWindow();
    newest.clear();
    bytes = 0;
  }
}

/** Adds a record; `newest` = the last one of each key, by its bytes. */
function add(window: Window, newest: Map<string, number>, record: RecordView, time: number): void {
  const { block, start, end, keyStart, keyEnd } = record;
  const at = window.starts.length;
  window.blocks.push(block);
  window.starts.push(start);
  window.ends.push(end);
  window.times.push(time);
  window.following.push(-1);
  const key = keyStart < 0 ? '' : block.toString('latin1', keyStart, keyEnd);
  const known = newest.get(key);
  if (known === undefined) window.firsts.push(at);
  else window.following[known] = at;
  newest.set(key, at);
}

const recordIn = ({ blocks, starts, ends }: Window, at: number): RecordView =>
  new RecordView(new AvroReader(blocks[at]!, starts[at]!, ends[at]!));

/**
 * Documents that nothing later changes: with `last` those of every URN that the window or an earlier one touched, since
 * nothing comes after it. `states` of URNs that come again hold bytes of their own.
 */
function* foldWindow(
  projection: Projection,
  decoders: EventDecoders,
  { epoch, partition }: LaneSpan,
  states: Map<string, EntityState>,
  window: Window,
  last: boolean,
  counts: FoldCounts,
): Generator<Document> {
  const place = { epoch: epoch.epoch, partition, partitions: epoch.partitions };
  const { firsts, following, times } = window;
  for (const first of firsts) {
    let before: EntityState | undefined;
    let state: EntityState | undefined;
    for (let at = first; at >= 0; at = following[at]!) {
      const read = readRecord(recordIn(window, at), place, times[at]!, decoders.decode, 'shared');
      counts.records += 1;
      if (read.kind === 'quarantined') {
        count(counts, read.record.outcome);
        for (const draft of projection.quarantined(read.record)) yield draft.render();
        continue;
      }
      // A record reaches a fold only if its key is its URN: this is the one URN of the group.
      if (state === undefined) state = before = states.get(read.event.urn);
      const step = foldNext(state, read);
      if (step === undefined) continue;
      state = step.after;
      count(counts, step.outcome);
      for (const draft of projection.settled(step)) yield draft.render();
    }
    if (state === undefined) continue;
    if (last) {
      states.delete(state.urn);
      yield* finalDocuments(projection, state);
    } else if (state !== before) states.set(state.urn, owned(state, before));
  }
}

/** A state whose new heads are copies: it keeps no block alive. */
function owned(state: EntityState, before: EntityState | undefined): EntityState {
  const heads = state.heads.map((head) =>
    before?.heads.includes(head) === true ? head : { ...head, avro: Buffer.from(head.avro) },
  );
  return { ...state, heads };
}

function* finals(projection: Projection, states: Iterable<EntityState>): Generator<Document> {
  for (const state of states) yield* finalDocuments(projection, state);
}

function* finalDocuments(projection: Projection, state: EntityState): Generator<Document> {
  for (const draft of projection.open(state)) yield draft.render();
  yield projection.stateDocument(state);
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
