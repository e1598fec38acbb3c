import { isFault } from '../../domain/fault.ts';
import type { StoredDocument } from '../../ports/read-model.ts';
import type { HeldSource } from './answer-reader.ts';
import { AnswerTooLarge, type ElasticsearchClient } from './client.ts';
import type { EngineIndex } from './engine-index.ts';
import { readSearchAnswer, type SearchAnswer } from './search-answer.ts';

const keepAlive = '5m';
const firstSize = 250;
const sizeMax = 5_000;
const batchBytes = 2 * 1024 * 1024;
/** While others search: the engine has few threads that answer, and each writes one answer after the other. */
const gentleBatchBytes = 256 * 1024;

/** Parts that are read side by side: the engine has a thread for each. */
const slices = 2;

/** A point in time of an index, whose id the engine may change with each answer. */
export interface Point {
  id: string;
}

/** The part of a search's body that asks a point in time. */
export const pointIn = ({ id }: Point): object => ({ pit: { id, keep_alive: keepAlive } });

/** Refreshes an index and holds what shows then. */
export async function openPoint({ client, physical, index }: EngineIndex): Promise<Point> {
  await client.request({ method: 'POST', path: `/${physical}/_refresh`, index });
  const { id } = await client.request<{ id: string }>({
    method: 'POST',
    path: `/${physical}/_pit`,
    query: { keep_alive: keepAlive },
    index,
  });
  return { id };
}

/** A point in time that cannot be closed ends by itself: the engine is away, or ended it with its index. */
export async function closePoint({ client }: EngineIndex, { id }: Point): Promise<void> {
  try {
    await client.request({ method: 'DELETE', path: '/_pit', body: { id } });
  } catch (error) {
    if (!isFault(error, 'MODEL_UNAVAILABLE')) throw error;
  }
}

/** Every document at one point in time of its own. */
export async function* scanIndex(of: EngineIndex): AsyncGenerator<readonly StoredDocument[]> {
  const point = await openPoint(of);
  try {
    yield* scanPoint(of, point);
  } finally {
    await closePoint(of, point);
  }
}

/**
 * Every document at a point in time, hidden ones too: each has `visible`, progress has not. Two slices are read in turns; the
 * next batch of each is asked for while others are worked on, so four are in memory, of about 2 MiB each by their bodies, or of
 * 256 KiB where searches would wait.
 */
export async function* scanPoint(of: EngineIndex, point: Point): AsyncGenerator<readonly HeldSource[]> {
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
  }
}

interface SliceScan {
  /** The next batch, empty at the end. */
  next(): Promise<readonly HeldSource[]>;
  /** Waits for what was asked for, and forgets it. */
  end(): Promise<void>;
}

function scanSlice({ client, index, gently }: EngineIndex, point: Point, slice: number): SliceScan {
  let size = firstSize;
  let pending = batchAfter(undefined);

  function batchAfter(after: string | undefined): Promise<SearchAnswer> {
    const asked = askFitting(after);
    // Looked at when its turn comes; until then a failure is not unhandled.
    asked.catch(() => {});
    return asked;
  }

  async function askFitting(after: string | undefined): Promise<SearchAnswer> {
    for (;;) {
      try {
        const answer = await ask(client, index, { point, slice, size, after });
        point.id = answer.pit;
        return answer;
      } catch (error) {
        if (!(error instanceof AnswerTooLarge) || size === 1) throw error;
        size = Math.ceil(size / 8);
      }
    }
  }

  return {
    async next() {
      const { documents, lastSort } = await pending;
      if (documents.length > 0) {
        size = sizeFor(documents, size, (await gently()) ? gentleBatchBytes : batchBytes);
        pending = batchAfter(lastSort);
      }
      return documents;
    },
    async end() {
      await pending.catch(() => {}); // Nobody asks for this batch any more.
    },
  };
}

interface ScanQuestion {
  readonly point: Point;
  readonly slice: number;
  readonly size: number;
  readonly after: string | undefined;
}

const ask = async (
  client: ElasticsearchClient,
  index: string,
  { point, slice, size, after }: ScanQuestion,
): Promise<SearchAnswer> => {
  const answer = await client.requestBytes({
    method: 'POST',
    path: '/_search',
    query: { allow_partial_search_results: false },
    body: {
      size,
      ...pointIn(point),
      slice: { id: slice, max: slices },
      query: { exists: { field: 'visible' } },
      sort: ['_shard_doc'],
      track_total_hits: false,
      version: true,
      ...(after === undefined ? {} : { search_after: JSON.parse(after) as number[] }),
    },
    index,
  });
  return readSearchAnswer(answer);
};

function sizeFor(documents: readonly HeldSource[], size: number, bytesMost: number): number {
  const bytes = documents.reduce((sum, { body }) => sum + body.length, 0);
  const fitting = Math.floor(bytesMost / Math.max(1, bytes / documents.length));
  return Math.max(1, Math.min(fitting, size * 4, sizeMax));
}
