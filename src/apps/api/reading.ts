import { Fault, isFault } from '../../domain/fault.ts';
import type { ModelIndex } from '../../ports/read-model.ts';
import { edges } from '../../projections/edges.ts';
import { entities } from '../../projections/entities.ts';
import { history } from '../../projections/history.ts';
import type { Annal } from '../annal.ts';

/** The reason of `MODEL_UNAVAILABLE` before the first index serves. */
export const notBuilt = 'no index serves yet';

const served = { entities, history, edges } as const;

/**
 * Reads from the index that serves a projection. A swap between asking which one serves and reading it may drop it: then
 * the new one is read. Rejects with `MODEL_UNAVAILABLE`, also before the first index serves.
 */
export async function reading<T>(
  annal: Annal,
  projection: keyof typeof served,
  read: (index: ModelIndex) => Promise<T>,
): Promise<T> {
  const serving = async (): Promise<ModelIndex> => {
    const index = await annal.model.serving(served[projection].definition);
    if (index === undefined) throw new Fault('MODEL_UNAVAILABLE', { projection, reason: notBuilt });
    return index;
  };
  try {
    return await read(await serving());
  } catch (error) {
    if (!isFault(error, 'MODEL_UNAVAILABLE') || error.facts.missing === undefined) throw error;
    return read(await serving());
  }
}
