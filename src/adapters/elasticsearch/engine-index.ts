import { Fault } from '../../domain/fault.ts';
import type { ModelDefinition, StoredDocument } from '../../ports/read-model.ts';
import type { BulkTarget } from './bulk.ts';
import { AnswerTooLarge } from './client.ts';
import { type EngineDocument, storedDocument } from './documents.ts';
import { engineId } from './mapping.ts';

/** An index as the engine knows it. */
export interface EngineIndex extends BulkTarget {
  readonly definition: ModelDefinition;
  /** The engine's own name of it. */
  readonly physical: string;
  /** Whether it has the settings of an index that is being built: then durable only by a flush. */
  readonly building: () => boolean;
}

/** Documents by id, read in real time; an answer of too many bytes is asked for in halves. */
export async function loadDocuments(of: EngineIndex, ids: readonly string[]): Promise<StoredDocument[]> {
  try {
    const { docs } = await of.client.request<{ docs: readonly EngineDocument[] }>({
      method: 'POST',
      path: `/${of.physical}/_mget`,
      query: { realtime: true },
      body: { ids: ids.map(engineId) },
      index: of.index,
    });
    return docs.filter((document) => isFound(of, document)).map(storedDocument);
  } catch (error) {
    if (!(error instanceof AnswerTooLarge) || ids.length === 1) throw error;
    const half = Math.ceil(ids.length / 2);
    return [...(await loadDocuments(of, ids.slice(0, half))), ...(await loadDocuments(of, ids.slice(half)))];
  }
}

function isFound({ index }: EngineIndex, { error, found }: EngineDocument): boolean {
  if (error === undefined) return found === true;
  throw new Fault(
    'MODEL_UNAVAILABLE',
    error.type === 'index_not_found_exception'
      ? { missing: index }
      : { index, why: `${error.type} ${error.reason ?? ''}` },
  );
}
