import type { Cut } from '../domain/cut.ts';
import { offsetEnd, versionOf } from '../domain/position.ts';
import { type RootBuilder, rootOf } from '../formats/root.ts';
import type { Document, LaneProgress, ModelIndex, Unsearchable } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { type FoldCounts, foldHistory, type History, type LaneSpan } from './fold-history.ts';

/** An index that a history is folded into, up to a cut. */
export interface FillTask {
  readonly projection: Projection;
  readonly until: Cut;
  readonly index: ModelIndex;
  readonly signal: AbortSignal;
}

/** What was folded and stored: its root, counts, where the lanes ended, what the engine did not take. */
export interface Filled {
  readonly root: RootBuilder;
  readonly counts: FoldCounts;
  readonly lanes: readonly LaneProgress[];
  readonly unindexable: readonly Unsearchable[];
}

const bodiesPerStoreBytes = 1_500_000;
const documentsPerStore = 5_000;
const storesInFlight = 3;

/** Folds a history and stores its final documents, at most three batches of them at a time. */
export async function fillIndex(
  history: Omit<History, 'until'>,
  { projection, until, index, signal }: FillTask,
  onRecords: (done: number) => void,
): Promise<Filled> {
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const root = rootOf();
  const unindexable: Unsearchable[] = [];
  const lanes: LaneProgress[] = [];
  const versionMax = versionOf({ epoch: until.epoch, offset: offsetEnd - 1 });
  const inFlight = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  let batch: Document[] = [];
  let batchBytes = 0;

  async function send(): Promise<void> {
    if (inFlight.size >= storesInFlight) await Promise.race(inFlight);
    if (failed !== undefined) throw failed.error;
    if (batch.length === 0) return;
    const documents = batch;
    [batch, batchBytes] = [[], 0];
    const sent = store(documents).finally(() => inFlight.delete(sent));
    inFlight.add(sent);
    onRecords(counts.records);
  }

  async function store(documents: readonly Document[]): Promise<void> {
    try {
      const report = await index.store(documents, versionMax);
      unindexable.push(...report.unindexable);
    } catch (error) {
      // Thrown by the next `send`.
      failed ??= { error };
    }
  }

  const onTime = ({ epoch, partition, end }: LaneSpan, timeMax: number): void => {
    lanes.push({ epoch: epoch.epoch, partition, next: end, timeMax });
  };
  try {
    for await (const documents of foldHistory(projection, { ...history, until }, counts, onTime)) {
      signal.throwIfAborted();
      for (const document of documents) {
        root.add(document.id, document.version, document.body);
        batch.push(document);
        batchBytes += document.body.length;
        if (batchBytes >= bodiesPerStoreBytes || batch.length >= documentsPerStore) await send();
      }
    }
    await send();
  } finally {
    await Promise.all(inFlight);
  }
  await send();
  return { root, counts, lanes, unindexable };
}
