import type { Cut } from '../domain/cut.ts';
import type { EntityState } from '../domain/entity-state.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Document } from '../ports/read-model.ts';
import { foldEvent } from '../projections/fold-batch.ts';
import type { Draft, Projection } from '../projections/projection.ts';
import { readRecord } from '../projections/read-record.ts';
import type { Epoch } from './epochs.ts';
import type { EventDecoders } from './event-decoders.ts';
import { historyLane, type Slice } from './history-lane.ts';

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

const documentsPerYield = 1_000;

/**
 * Folds a history into the final documents of a projection, each once, in batches. Reads the archive and nothing else.
 * What is superseded is never rendered. `counts` grows while it runs; `onTime` tells each span's running maximum at its
 * end, which is part of a lane's progress.
 */
export async function* foldHistory(
  projection: Projection,
  history: History,
  counts: FoldCounts,
  onTime: (span: LaneSpan, timeMax: number) => void,
): AsyncGenerator<readonly Document[], void> {
  for (const chain of chainsOf(laneSpans(history))) {
    const states = new Map<string, EntityState>();
    for (const span of chain) {
      let time = span.timeFloor;
      for await (const slice of laneSlices(history, span)) {
        await history.decoders.ensure(slice.records, span.epoch.epoch);
        const folded = foldSlice(projection, history.decoders, span, states, slice, time, counts);
        time = folded.time;
        yield* inBatches(folded.drafts);
      }
      onTime(span, time);
    }
    for (const state of states.values()) {
      // One state at a time: its open documents hold all its values.
      yield [...projection.open(state).map((draft) => draft.render()), projection.stateDocument(state)];
    }
  }
}

function laneSlices({ store }: History, { epoch, partition, end }: LaneSpan): AsyncIterable<Slice> {
  return historyLane(store, { topic: epoch.name, epoch: epoch.epoch, partition }, 0, end);
}

function foldSlice(
  projection: Projection,
  decoders: EventDecoders,
  { epoch, partition }: LaneSpan,
  states: Map<string, EntityState>,
  slice: Slice,
  timeBefore: number,
  counts: FoldCounts,
): { readonly time: number; readonly drafts: readonly Draft[] } {
  const place = { epoch: epoch.epoch, partition, partitions: epoch.partitions };
  const drafts: Draft[] = [];
  let time = timeBefore;
  for (const record of slice.records) {
    time = Math.max(time, record.appendTime);
    const read = readRecord(record, place, time, decoders.decode);
    counts.records += 1;
    if (read.kind === 'quarantined') {
      count(counts, read.record.outcome);
      drafts.push(...projection.quarantined(read.record));
      continue;
    }
    const step = foldEvent(states, read);
    if (step === undefined) continue;
    count(counts, step.outcome);
    drafts.push(...projection.settled(step));
  }
  return { time, drafts };
}

function* inBatches(drafts: readonly Draft[]): Generator<readonly Document[]> {
  for (let from = 0; from < drafts.length; from += documentsPerYield)
    yield drafts.slice(from, from + documentsPerYield).map((draft) => draft.render());
}

function count(counts: FoldCounts, outcome: Outcome): void {
  counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
}
