import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqliteReadModel } from '../../src/adapters/sqlite/read-model.ts';
import { readServing } from '../../src/apps/read-serving.ts';
import { isFault } from '../../src/domain/fault.ts';
import type { ModelDefinition, ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { byKey, definition, document, versionsEnd } from '../contracts/read-model.contract.ts';

let dir: string;
let model: ReadModel;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-serving-'));
  model = sqliteReadModel({ dir });
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

/** A new index that holds one document of this name, and serves in the place of another one. */
async function serves(of: ModelDefinition, name: string, from: ModelIndex | null): Promise<ModelIndex> {
  const index = await model.create(of, name);
  await index.store([document(name, 1)], versionsEnd);
  await index.refresh();
  await model.swap(of.projection, from === null ? null : from.name, index.name);
  return index;
}

const ids = async (index: ModelIndex): Promise<string[]> =>
  (await index.query(byKey)).hits.map(({ id }) => id);
const missing = (error: unknown): boolean => isFault(error, 'MODEL_UNAVAILABLE');

test('nothing is read where nothing serves, and what serves now is told, whatever served when it was asked last', async () => {
  const of = definition();
  expect(await readServing(model, of, ids)).toBeUndefined();
  const one = await serves(of, 'one', null);
  expect(await readServing(model, of, ids)).toEqual(['one']);
  const two = await serves(of, 'two', one);
  expect(await readServing(model, of, ids)).toEqual(['two']);
  await model.swap(of.projection, two.name, one.name);
  expect(await readServing(model, of, ids)).toEqual(['one']);
});

test('an index that was replaced and dropped since it was asked last keeps nobody from what serves', async () => {
  const of = definition();
  const one = await serves(of, 'one', null);
  expect(await readServing(model, of, ids)).toEqual(['one']);
  await serves(of, 'two', one);
  await model.drop(one.name);
  const refused: unknown[] = [];
  const read = (index: ModelIndex): Promise<string[]> =>
    ids(index).catch((error: unknown) => {
      refused.push(error);
      throw error;
    });
  expect(await readServing(model, of, read)).toEqual(['two']);
  // What it holds is asked for before anybody says that it is gone.
  expect(refused.map(missing)).toEqual([true]);
});

test('one that is dropped while it is read is looked for once more', async () => {
  const of = definition();
  const one = await serves(of, 'one', null);
  let reads = 0;
  const read = async (index: ModelIndex): Promise<string[]> => {
    reads += 1;
    if (reads === 1) {
      await serves(of, 'two', one);
      await model.drop(one.name);
    }
    return ids(index);
  };
  expect(await readServing(model, of, read)).toEqual(['two']);
  expect(reads).toBe(2);
});
