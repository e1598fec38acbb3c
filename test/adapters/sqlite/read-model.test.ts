import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteReadModel } from '../../../src/adapters/sqlite/read-model.ts';
import { definition, document, readModelContract, versionsEnd } from '../../contracts/read-model.contract.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'annal-sqlite-'));

readModelContract('SQLite', async () => {
  const dir = await folder();
  return {
    open: async () => sqliteReadModel({ dir }),
    queries: 300,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
});

test('a damaged file is named and nothing is served from it', async () => {
  const dir = await folder();
  const made = definition();
  {
    await using model = sqliteReadModel({ dir });
    const index = await model.create(made, 'a');
    await model.swap(made.projection, null, index.name);
  }
  await writeFile(join(dir, `${made.projection}-v1-a.sqlite`), Buffer.alloc(20_000, 7));
  await using model = sqliteReadModel({ dir });
  await expect(model.serving(made)).rejects.toMatchObject({ code: 'MODEL_DAMAGED' });
  await rm(dir, { recursive: true });
});

test('a handle that was closed refuses calls', async () => {
  const dir = await folder();
  const model = sqliteReadModel({ dir });
  const index = await model.create(definition(), 'a');
  await model[Symbol.asyncDispose]();
  await expect(index.store([document('a', 1)], versionsEnd)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
  });
  await model[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});
