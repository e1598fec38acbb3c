import { foldBatch, foldNext, urnsOf } from './fold-batch.ts';
import type { Projection } from './projection.ts';
import { readRecord } from './read-record.ts';
import { readState } from './state-text.ts';

/** What stands around every projection: how records are read, outcomes decided, states kept. All of it decides documents. */
export interface Folding {
  readonly readRecord: typeof readRecord;
  readonly readState: typeof readState;
  readonly urnsOf: typeof urnsOf;
  readonly foldNext: typeof foldNext;
  readonly foldBatch: typeof foldBatch;
}

export const folding: Folding = { readRecord, readState, urnsOf, foldNext, foldBatch };

/** A projection of kept code brings its own: it folds as it did when that code was the program. */
export const foldingOf = (projection: Projection): Folding => projection.folding ?? folding;
