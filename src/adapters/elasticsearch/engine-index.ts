import { Fault } from '../../domain/fault.ts';
import type { ModelDefinition, StoredDocument } from '../../ports/read-model.ts';
import type { EngineCause } from './answer-reader.ts';
import type { BulkTarget } from './bulk.ts';
import { AnswerTooLarge } from './client.ts';
import { engineId } from './mapping.ts';
import { readById } from './search-answer.ts';

/** An index as the engine knows it. */
export interface EngineIndex extends BulkTarget {
  readonly definition: ModelDefinition;
  /** The engine's own name of it. */
  readonly physical: string;
  /** Whether it has the settings of an index that is being built: then durable only by a flush. */
  readonly building: () => boolean;
  /** Whether others search while it is built: then little of the engine is taken at a time. */
  readonly gently: () => Promise<boolean>;
}

/** Documents by id, read in real time; an answer of too many bytes is asked for in halves. */
export async function loadDocuments(of: EngineIndex, ids: readonly string[]): Promise<StoredDocument[]> {
  try {
    const answer = await of.client.requestBytes({
      method: 'POST',
      path: `/${of.physical}/_mget`,
      query: { realtime: true },
      body: { ids: ids.map(engineId) },
      index: of.index,
    });
    const { documents, error } = readById(answer);
    if (error !== undefined) throw cannotLook(of, error);
    return documents.map(({ id, version, body }) => ({ id, version, body }));
  } catch (error) {
    if (!(error instanceof AnswerTooLarge) || ids.length === 1) throw error;
    const half = Math.ceil(ids.length / 2);
    return [...(await loadDocuments(of, ids.slice(0, half))), ...(await loadDocuments(of, ids.slice(half)))];
  }
}

const cannotLook = ({ index }: EngineIndex, { type, reason }: EngineCause): Fault =>
  new Fault(
    'MODEL_UNAVAILABLE',
    type === 'index_not_found_exception' ? { missing: index } : { index, why: `${type} ${reason ?? ''}` },
  );
