import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { completeLane, lanesOf } from '../../src/streams/complete.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { blobsOf } from '../given/blobs-of.ts';
import { plainLeaves, plainTree } from '../given/plain-tree.ts';
import { sampleRoot } from '../given/sample-log.ts';

const log = '019a9f00-0000-7000-8000-0000000000aa';
const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 3)));
const lane = { topic: 'annal', epoch: 1, partition: 0 };
const all = { ...lane, partitions: 4 };
const folder = 'annal/1/0';

let dir: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-complete-'));
  await cp(sampleRoot, dir, { recursive: true });
  store = folderArchive({ dir });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const complete = (anew = false) => completeLane({ store, clock: systemClock, log, signer, anew }, all);

async function theTree() {
  const blobs = await blobsOf(store);
  return plainTree(blobs, folder, plainLeaves(blobs, lane));
}

/** The same archive, in which nothing may be written. */
const sealed = (): ArchiveStore => {
  const refuse = (name: string): never => {
    throw new Error(`${name} is written`);
  };
  return {
    ...store,
    truth: { ...store.truth, create: async (name) => refuse(name) },
    state: { ...store.state, write: async (name) => refuse(name), replace: async (name) => refuse(name) },
  };
};

test('an archive that had no trees gets one for each lane, signed', async () => {
  expect(lanesOf(await readEpochs(store.truth))).toContainEqual(all);
  const { size, added, signed } = await complete();
  expect([added, signed]).toEqual([size, size]);
  expect(size).toBeGreaterThan(4_000);
  expect(await theTree()).toEqual({ size, checkpoints: [size], faults: [] });
});

test('done again it writes nothing', async () => {
  const { size } = await complete();
  const again = await completeLane({ store: sealed(), clock: systemClock, log, signer }, all);
  expect(again).toEqual({ ...lane, size, added: 0, signed: size });
});

test('killed at any write it is done by the next one', async () => {
  const { state } = store;
  let writes = 0;
  const dying: ArchiveStore = {
    ...store,
    state: {
      ...state,
      write: async (name, bytes, etag) => {
        writes += 1;
        if (name.startsWith('trees/') && writes > 12) throw new Error('killed');
        return state.write(name, bytes, etag);
      },
    },
  };
  await expect(completeLane({ store: dying, clock: systemClock, log, signer }, all)).rejects.toThrow(
    'killed',
  );
  const { size } = await complete();
  expect(await theTree()).toEqual({ size, checkpoints: [size], faults: [] });
});

test('what was derived wrongly is derived anew, and what was signed decides', async () => {
  const { size } = await complete();
  const tile = join(dir, `state/trees/${folder}/tile/0/003`);
  const bytes = await readFile(tile);
  bytes[77]! ^= 1;
  await writeFile(tile, bytes);
  expect((await theTree()).faults).toEqual(['tile/0/003 is missing or another']);
  expect((await complete()).added).toBe(0);
  expect((await theTree()).faults).toEqual(['tile/0/003 is missing or another']);
  await complete(true);
  expect(await theTree()).toEqual({ size, checkpoints: [size], faults: [] });
});

test('without a key it leaves trees unsigned', async () => {
  const { size, signed } = await completeLane({ store, clock: systemClock, log, signer: undefined }, all);
  expect(signed).toBeNull();
  expect(await theTree()).toEqual({ size, checkpoints: [], faults: [] });
});
