import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { sqliteReadModel } from '../../../src/adapters/sqlite/read-model.ts';
import {
  definition,
  document,
  readModelContract,
  scanned,
  versionsEnd,
} from '../../contracts/read-model.contract.ts';
import { sqlitePlants } from '../../given/sqlite-plants.ts';

/** A folder of its own, removed at the end. */
async function folder(): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-sqlite-'));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

readModelContract('SQLite', async () => {
  const { dir, [Symbol.asyncDispose]: remove } = await folder();
  return {
    open: async () => sqliteReadModel({ dir }),
    queries: 300,
    plant: sqlitePlants(dir),
    [Symbol.asyncDispose]: remove,
  };
});

test('what was acknowledged before kill -9 is there, found, and not behind its progress', async () => {
  await using at = await folder();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./store-until-killed.ts', import.meta.url)), at.dir],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (acknowledged === 40) child.kill('SIGKILL');
  }
  await ended;

  await using model = sqliteReadModel({ dir: at.dir });
  const index = (await model.serving({ projection: 'killed', version: 1, fields: {} }))!;
  const documents = await scanned(index);
  expect(documents.length).toBeGreaterThanOrEqual(acknowledged);
  const [lane] = await index.progress();
  expect(lane!.next).toBeGreaterThan(acknowledged);
  expect(documents.length).toBeGreaterThanOrEqual(lane!.next - 1);
  const all = await index.query({
    where: [{ field: 'words', words: ['all'], prefix: false }],
    sort: [{ field: 'key', order: 'asc' }],
    limit: 1,
  });
  expect(all.total).toBe(documents.length);
});

test('readers do not wait for a long write', async () => {
  await using at = await folder();
  await using model = sqliteReadModel({ dir: at.dir });
  const index = await model.create(definition(), 'a');
  await index.store([document('a', 1)], versionsEnd);
  // Both threads are up before it is measured who waits for whom.
  expect((await scanned(index)).length).toBe(1);
  const many = Array.from({ length: 30_000 }, (_, n) => document(`d${n}`, 1));
  let written = false;
  const writing = index.store(many, versionsEnd).finally(() => {
    written = true;
  });
  let reads = 0;
  for (; !written; reads++) {
    expect((await index.load(['a'])).size).toBe(1);
    const { total } = await index.query({ where: [], sort: [{ field: 'key', order: 'asc' }], limit: 1 });
    // All of a call is seen, or nothing of it.
    expect([1, 30_001]).toContain(total);
  }
  await writing;
  expect(reads).toBeGreaterThan(1);
});

test('a damaged file is named and nothing is served from it', async () => {
  await using at = await folder();
  const made = definition();
  {
    await using model = sqliteReadModel({ dir: at.dir });
    const index = await model.create(made, 'a');
    await model.swap(made.projection, null, index.name);
  }
  await writeFile(join(at.dir, `${made.projection}-v1-a.sqlite`), Buffer.alloc(20_000, 7));
  await using model = sqliteReadModel({ dir: at.dir });
  await expect(model.serving(made)).rejects.toMatchObject({ code: 'MODEL_DAMAGED' });
});

test('a file that a crash left without tables is no index, and can be made again', async () => {
  await using at = await folder();
  const made = definition();
  await writeFile(join(at.dir, `${made.projection}-v1-a.sqlite`), '');
  await using model = sqliteReadModel({ dir: at.dir });
  expect(await model.open(`${made.projection}-v1-a`, made)).toBeUndefined();
  expect(await model.list()).toEqual([]);
  expect((await model.create(made, 'a')).name).toBe(`${made.projection}-v1-a`);
});

test('a handle that was closed refuses calls', async () => {
  await using at = await folder();
  const model = sqliteReadModel({ dir: at.dir });
  const index = await model.create(definition(), 'a');
  await model[Symbol.asyncDispose]();
  await expect(index.store([document('a', 1)], versionsEnd)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
  });
  await model[Symbol.asyncDispose]();
});

test('a search waits for none of the questions of a proof, however many there are', async () => {
  await using at = await folder();
  await using model = sqliteReadModel({ dir: at.dir });
  const index = await model.create(definition(), 'asked');
  const ids = Array.from({ length: 250 }, (_, n) => `d${n}`);
  await index.store(
    ids.map((id) => document(id, 1)),
    versionsEnd,
  );
  await index.refresh();
  await using snapshot = await index.snapshot();
  const probes = ids.map((id) => ({ id, field: 'key', value: id }));
  let answered = 0;
  const proving = Array.from({ length: 200 }, async () => {
    const found = await snapshot.finds(probes);
    answered += 1;
    return found.every(Boolean);
  });
  const { total } = await index.query({ where: [], sort: [{ field: 'key', order: 'asc' }], limit: 1 });
  expect(total).toBe(ids.length);
  expect(answered).toBeLessThan(proving.length);
  expect(await Promise.all(proving)).toEqual(proving.map(() => true));
});
