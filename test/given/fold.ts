import { expect } from 'vitest';
import type { EntityState } from '../../src/domain/entity-state.ts';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { rootOf } from '../../src/formats/root.ts';
import type { Document } from '../../src/ports/read-model.ts';
import { type Folded, foldBatch, foldEvent } from '../../src/projections/fold-batch.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { type ReadRecord, readRecord } from '../../src/projections/read-record.ts';
import { recordOf } from './events.ts';

/** Documents of a read model in memory, kept by the law of versions. */
export type Documents = Map<string, Document>;

export const readAll = (records: readonly LogRecord[], epoch = 1): ReadRecord[] =>
  records.map((record) =>
    readRecord(record, { epoch, partition: 0, partitions: 1 }, record.appendTime, () => undefined),
  );

export const eventsRead = (events: readonly MetadataChangeEvent[], epoch = 1): ReadRecord[] =>
  readAll(
    events.map((event, offset) => recordOf(event, offset, epoch)),
    epoch,
  );

/** Stores what a fold made: an older or equal version never replaces; an equal one must be equal. */
export function store(documents: Documents, { documents: made, states }: Folded): void {
  for (const document of [...made, ...states]) {
    const known = documents.get(document.id);
    if (known !== undefined && known.version > document.version) continue;
    if (known !== undefined && known.version === document.version)
      expect(Buffer.from(document.body).toString(), `${document.id} again at its version`).toBe(
        Buffer.from(known.body).toString(),
      );
    documents.set(document.id, document);
  }
}

/** Folds reads in batches of the given sizes (the last repeats), loading states from the documents like a lane does. */
export function foldInBatches(
  projection: Projection,
  reads: readonly ReadRecord[],
  sizes: readonly number[],
  loadState: (body: Uint8Array) => EntityState,
  fold: typeof foldBatch = foldBatch,
): Documents {
  const documents: Documents = new Map();
  for (let at = 0, batch = 0; at < reads.length; batch += 1) {
    const size = Math.max(1, sizes[Math.min(batch, sizes.length - 1)] ?? 1);
    const slice = reads.slice(at, at + size);
    at += size;
    const states = new Map<string, EntityState>();
    for (const read of slice) {
      if (read.kind !== 'event') continue;
      const stored = documents.get(projection.stateId(read.event.urn));
      if (stored !== undefined) states.set(read.event.urn, loadState(stored.body));
    }
    store(documents, fold(projection, states, slice));
  }
  return documents;
}

export function rootOfDocuments(documents: Iterable<Document>): string {
  const root = rootOf();
  for (const { id, version, body } of documents) root.add(id, version, body);
  return root.root();
}

/** Given events, the outcome of each. */
export function outcomesOf(
  events: readonly MetadataChangeEvent[],
): { outcome: Outcome; reason: string | undefined }[] {
  const states = new Map<string, EntityState>();
  return eventsRead(events).map((read) => {
    if (read.kind === 'quarantined') return { outcome: read.record.outcome, reason: read.record.reason };
    const step = foldEvent(states, read)!;
    return { outcome: step.outcome, reason: step.reason };
  });
}
