import { isFault } from '../../domain/fault.ts';
import type { StoredDocument } from '../../ports/read-model.ts';
import { AnswerTooLarge, type ElasticsearchClient } from './client.ts';
import { type EngineDocument, sourceFields, storedDocument } from './documents.ts';
import type { EngineIndex } from './engine-index.ts';

const keepAlive = '5m';
const firstSize = 250;
const sizeMax = 5_000;
const batchBytes = 2 * 1024 * 1024;

interface ScanAnswer {
  readonly pit_id: string;
  readonly hits: {
    readonly hits: readonly (EngineDocument & { readonly sort: readonly number[] })[];
  };
}

/** Parts that are read side by side: the engine has a thread for each. */
const slices = 2;

/**
 * Every document at one point in time, hidden ones too: each has `visible`, progress has not. Two slices are read in turns; the
 * next batch of each is asked for while others are worked on, so four are in memory, of about 2 MiB each by their bodies.
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
  const point = { id };
  let reading = Array.from({ length: slices }, (_, slice) => scanSlice(of, point, slice));
  try {
    while (reading.length > 0) {
      const left: SliceScan[] = [];
      for (const scan of reading) {
        const batch = await scan.next();
        if (batch.length === 0) continue;
        left.push(scan);
        yield batch;
      }
      reading = left;
    }
  } finally {
    for (const scan of reading) await scan.end();
    await closed(client, point.id);
  }
}

interface SliceScan {
  /** The next batch, empty at the end. */
  next(): Promise<readonly StoredDocument[]>;
  /** Waits for what was asked for, and forgets it. */
  end(): Promise<void>;
}

/** One slice of a point in time, whose id the engine may change with each answer. */
function scanSlice({ client, index }: EngineIndex, point: { id: string }, slice: number): SliceScan {
  let size = firstSize;
  let pending = batchAfter(undefined);

  function batchAfter(after: readonly number[] | undefined): Promise<ScanAnswer> {
    const asked = askFitting(after);
    // Looked at when its turn comes; until then a failure is not unhandled.
    asked.catch(() => {});
    return asked;
  }

  async function askFitting(after: readonly number[] | undefined): Promise<ScanAnswer> {
    for (;;) {
      try {
        const answer = await ask(client, index, { pit: point.id, slice, size, after });
        point.id = answer.pit_id;
        return answer;
      } catch (error) {
        if (!(error instanceof AnswerTooLarge) || size === 1) throw error;
        size = Math.ceil(size / 8);
      }
    }
  }

  return {
    async next() {
      const { hits } = (await pending).hits;
      const batch = hits.map(storedDocument);
      if (batch.length > 0) {
        size = sizeFor(batch, size);
        pending = batchAfter(hits.at(-1)!.sort);
      }
      return batch;
    },
    async end() {
      await pending.catch(() => {}); // Nobody asks for this batch any more.
    },
  };
}

interface ScanQuestion {
  readonly pit: string;
  readonly slice: number;
  readonly size: number;
  readonly after: readonly number[] | undefined;
}

const ask = (
  client: ElasticsearchClient,
  index: string,
  { pit, slice, size, after }: ScanQuestion,
): Promise<ScanAnswer> =>
  client.request<ScanAnswer>({
    method: 'POST',
    path: '/_search',
    query: { allow_partial_search_results: false },
    body: {
      size,
      pit: { id: pit, keep_alive: keepAlive },
      slice: { id: slice, max: slices },
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
