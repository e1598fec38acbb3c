import { isFault } from '../domain/fault.ts';
import type { ModelDefinition, ModelIndex, ReadModel } from '../ports/read-model.ts';

/** By projection, what served when it was asked last. */
const lastServed = new WeakMap<ReadModel, Map<string, ModelIndex>>();

function lastOf(model: ReadModel): Map<string, ModelIndex> {
  const known = lastServed.get(model) ?? new Map<string, ModelIndex>();
  lastServed.set(model, known);
  return known;
}

/**
 * Reads from the index that serves a projection; undefined where none does yet. The one that served last is read while it is
 * asked whether it still does, and what it gave counts only where it does: nobody waits for one answer after the other, and
 * nobody is told of what had been replaced before. A swap between asking and reading may drop an index: then the new one is
 * read. `read` changes nothing.
 */
export async function readServing<T>(
  model: ReadModel,
  definition: ModelDefinition,
  read: (index: ModelIndex) => Promise<T>,
): Promise<T | undefined> {
  const known = lastOf(model);
  const last = known.get(definition.projection);
  const asked = model.serving(definition);
  const early = last === undefined ? undefined : read(last);
  // Told below, where it counts.
  early?.catch(() => undefined);
  const serving = await asked;
  if (serving === undefined) return undefined;
  known.set(definition.projection, serving);
  try {
    return await (early !== undefined && serving.name === last?.name ? early : read(serving));
  } catch (error) {
    if (!isFault(error, 'MODEL_UNAVAILABLE') || error.facts.missing === undefined) throw error;
    const next = await model.serving(definition);
    return next === undefined ? undefined : read(next);
  }
}
