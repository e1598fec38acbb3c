import { isFault } from '../../domain/fault.ts';
import type { StoredDocument } from '../../ports/read-model.ts';
import { AnswerTooLarge, type ElasticsearchClient } from './client.ts';
import { type EngineDocument, sourceFields, storedDocument } from './documents.ts';
import type { EngineIndex } from './engine-index.ts';

const keepAlive = '5m';
const firstSize = 250;
const sizeMax = 5_000;
const batchBytes = 4 * 1024 * 1024;

interface ScanAnswer {
  readonly pit_id: string;
  readonly hits: {
    readonly hits: readonly (EngineDocument & { readonly sort: readonly number[] })[];
  };
}

/**
 * Every document at one point in time, hidden ones too: each has `visible`, progress has not. The next batch is asked for
 * while one is worked on, so two are in memory; their size follows the bodies, about 4 MiB.
 */
export async function* scanIndex(of: EngineIndex): AsyncGenerator<readonly StoredDocument[]> {
  const { client, physical, index } = of;
  await client.request({ method: 'POST', path: `/${physical}/_refresh`, index });
  const { id } = await client.request<{ id: string }>({
    method: 'POST',
    path: `/${physical}/_pit`,
    query: { keep_alive: keepAlive },
    index,
  });
  let pit = id;
  let size = firstSize;

  async function next(after: readonly number[] | undefined): Promise<ScanAnswer> {
    for (;;) {
      try {
        const answer = await ask(client, index, pit, size, after);
        pit = answer.pit_id;
        return answer;
      } catch (error) {
        if (!(error instanceof AnswerTooLarge) || size === 1) throw error;
        size = Math.ceil(size / 8);
      }
    }
  }

  let pending = next(undefined);
  try {
    for (;;) {
      const { hits } = (await pending).hits;
      if (hits.length === 0) return;
      const batch = hits.map(storedDocument);
      size = sizeFor(batch, size);
      pending = next(hits.at(-1)!.sort);
      // Looked at when its turn comes; until then a failure is not unhandled.
      pending.catch(() => {});
      yield batch;
    }
  } finally {
    await pending.catch(() => {}); // Nobody asks for this batch any more.
    await closed(client, pit);
  }
}

const ask = (
  client: ElasticsearchClient,
  index: string,
  pit: string,
  size: number,
  after: readonly number[] | undefined,
): Promise<ScanAnswer> =>
  client.request<ScanAnswer>({
    method: 'POST',
    path: '/_search',
    query: { allow_partial_search_results: false },
    body: {
      size,
      pit: { id: pit, keep_alive: keepAlive },
      query: { exists: { field: 'visible' } },
      sort: ['_shard_doc'],
      track_total_hits: false,
      version: true,
      _source: sourceFields,
      ...(after === undefined ? {} : { search_after: after }),
    },
    index,
  });

function sizeFor(batch: readonly StoredDocument[], size: number): number {
  const bytes = batch.reduce((sum, { body }) => sum + body.length, 0);
  const fitting = Math.floor(batchBytes / Math.max(1, bytes / batch.length));
  return Math.max(1, Math.min(fitting, size * 4, sizeMax));
}

/** A point in time that cannot be closed ends by itself: the engine is away, or ended it with its index. */
async function closed(client: ElasticsearchClient, pit: string): Promise<void> {
  try {
    await client.request({ method: 'DELETE', path: '/_pit', body: { id: pit } });
  } catch (error) {
    if (!isFault(error, 'MODEL_UNAVAILABLE')) throw error;
  }
}
