import { Fault } from '../../domain/fault.ts';
import type { ModelIndex } from '../../ports/read-model.ts';
import { edges } from '../../projections/edges.ts';
import { entities } from '../../projections/entities.ts';
import { history } from '../../projections/history.ts';
import type { Annal } from '../annal.ts';
import { readServing } from '../read-serving.ts';

/** The reason of `MODEL_UNAVAILABLE` before the first index serves. */
export const notBuilt = 'no index serves yet';

const served = { entities, history, edges } as const;

/** As `readServing`. Rejects with `MODEL_UNAVAILABLE`, also before the first index serves. */
export async function reading<T>(
  annal: Annal,
  projection: keyof typeof served,
  read: (index: ModelIndex) => Promise<T>,
): Promise<T> {
  const found = await readServing(annal.model, served[projection].definition, async (index) => ({
    read: await read(index),
  }));
  if (found === undefined) throw new Fault('MODEL_UNAVAILABLE', { projection, reason: notBuilt });
  return found.read;
}
