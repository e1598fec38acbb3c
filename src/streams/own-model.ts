import { Fault } from '../domain/fault.ts';
import type { ModelIndex, ReadModel } from '../ports/read-model.ts';

/**
 * The read models of one log: each index notes the log it is made for, and one of another log is never read or written. Two
 * logs under one prefix would else fold into one index and both answer with the other's entities. Rejects with
 * `MODEL_OF_ANOTHER_LOG`.
 */
export function modelOfLog(model: ReadModel, log: string): ReadModel {
  function own(index: ModelIndex | undefined): ModelIndex | undefined {
    if (index === undefined || index.definition.log === log) return index;
    const { log: found = 'unknown' } = index.definition;
    throw new Fault('MODEL_OF_ANOTHER_LOG', { place: model.place, index: index.name, log, found });
  }
  return {
    place: model.place,
    create: (definition, suffix) => model.create({ ...definition, log }, suffix),
    serving: async (definition) => own(await model.serving(definition)),
    open: async (name, definition) => own(await model.open(name, definition)),
    swap: (projection, from, to) => model.swap(projection, from, to),
    drop: (name) => model.drop(name),
    list: () => model.list(),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}
