import type { LaneProgress, ModelIndex } from '../ports/read-model.ts';
import { foldingOf } from '../projections/folding.ts';
import type { Projection } from '../projections/projection.ts';
import type { ReadRecord } from '../projections/read-record.ts';
import type { Epoch } from './epochs.ts';
import type { EventDecoders } from './event-decoders.ts';
import type { Slice } from './history-lane.ts';
import { type Ends, refuseDocumentsAhead, versionMaxOf } from './index-ahead.ts';

/** Points at which a crash must do no harm, in order. Tests stop the process there. */
export type ProjectPoint = 'before-store' | 'after-documents' | 'after-states' | 'after-progress';

export interface ProjectContext {
  readonly projection: Projection;
  readonly index: ModelIndex;
  readonly decoders: EventDecoders;
  readonly probe?: (point: ProjectPoint, lane: LaneProgress) => void | Promise<void>;
}

/**
 * Load, fold, store the documents, then the states, then progress, in that order: a crash in between repeats work and
 * never loses it, and progress never leads the data. A stored document beyond `ends` did not come from this log
 * (`VERSION_AHEAD`).
 */
export async function projectSlice(
  { projection, index, decoders, probe }: ProjectContext,
  epoch: Epoch,
  lane: LaneProgress,
  slice: Slice,
  ends: Ends,
): Promise<LaneProgress> {
  const { readRecord, readState, urnsOf, foldBatch } = foldingOf(projection);
  await decoders.ensure(slice.records, epoch.epoch);
  const place = { epoch: epoch.epoch, partition: lane.partition, partitions: epoch.partitions };
  let timeMax = lane.timeMax;
  const reads = slice.records.map((record): ReadRecord => {
    timeMax = Math.max(timeMax, record.appendTime);
    return readRecord(record, place, timeMax, decoders.decode);
  });
  const urns = urnsOf(reads);
  const stored = await index.load(urns.map(projection.stateId));
  refuseDocumentsAhead(index.name, stored.values(), epoch.epoch, Math.max(ends.logEnd, slice.next));
  const states = new Map(
    urns.flatMap((urn) => {
      const document = stored.get(projection.stateId(urn));
      return document === undefined ? [] : [[urn, readState(document.body)] as const];
    }),
  );
  const folded = foldBatch(projection, states, reads);
  const versionMax = versionMaxOf(epoch.epoch, slice.next, ends);
  const after = { ...lane, next: slice.next, timeMax };
  await probe?.('before-store', lane);
  if (folded.documents.length > 0) await index.store(folded.documents, versionMax);
  await probe?.('after-documents', lane);
  if (folded.states.length > 0) await index.store(folded.states, versionMax);
  await probe?.('after-states', lane);
  await index.saveProgress([after]);
  await probe?.('after-progress', after);
  return after;
}
