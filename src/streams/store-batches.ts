import type { Document, ModelIndex, TextDocument, Unsearchable } from '../ports/read-model.ts';

const bodiesPerStoreBytes = 1_500_000;
const documentsPerStore = 5_000;
const storesInFlight = 3;

/** Stores documents in batches, at most three of them under way. */
export interface BatchStore {
  /** Takes a document. True: a batch is full, and `send` is due. */
  take(document: Document | TextDocument): boolean;
  /**
   * Sends what was taken, once there is room; what the engine cannot search goes into `unindexable` when it is stored. Rejects
   * with what an earlier batch failed of.
   */
  send(unindexable: Unsearchable[]): Promise<void>;
  /** Resolves once everything that was sent is stored; rejects with what one of them failed of. */
  idle(): Promise<void>;
  /** Resolves once nothing is under way any more, whatever came of it. */
  over(): Promise<void>;
}

export function batchStore(index: ModelIndex, versionMax: number): BatchStore {
  const inFlight = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  let batch: (Document | TextDocument)[] = [];
  let bytes = 0;

  async function store(
    documents: readonly (Document | TextDocument)[],
    unindexable: Unsearchable[],
  ): Promise<void> {
    try {
      const report = await index.store(documents, versionMax);
      unindexable.push(...report.unindexable);
    } catch (error) {
      // Thrown by the next `send` or `idle`.
      failed ??= { error };
    }
  }

  function rethrow(): void {
    if (failed !== undefined) throw failed.error;
  }

  return {
    take(document) {
      batch.push(document);
      bytes += document.body.length;
      return bytes >= bodiesPerStoreBytes || batch.length >= documentsPerStore;
    },
    async send(unindexable) {
      if (inFlight.size >= storesInFlight) await Promise.race(inFlight);
      rethrow();
      if (batch.length === 0) return;
      const sent = store(batch, unindexable).finally(() => inFlight.delete(sent));
      inFlight.add(sent);
      [batch, bytes] = [[], 0];
    },
    async idle() {
      await Promise.all(inFlight);
      rethrow();
    },
    over: async () => {
      await Promise.all(inFlight);
    },
  };
}
