import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { startCutPublisher } from '../../src/apps/cut-publisher.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { type Epoch, readEpochs } from '../../src/streams/epochs.ts';
import { lastCut } from '../../src/streams/meta-log.ts';
import { readProgress } from '../../src/streams/tree-files.ts';
import { laneTreeName } from '../../src/streams/tree-names.ts';
import { manualClock } from '../given/manual-clock.ts';
import { sampleFile, sampleRoot } from '../given/sample-log.ts';

let dir: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-cuts-'));
  await cp(sampleRoot, dir, { recursive: true });
  store = folderArchive({ dir });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

test('who publishes cuts of an epoch completes the trees of those before it, once', async () => {
  const [first] = (await readEpochs(store.truth)) as [Epoch];
  const { next, timeMax } = JSON.parse(sampleFile('sample.json').toString()) as {
    next: number[];
    timeMax: number;
  };
  const second: Epoch = {
    ...first,
    epoch: 2,
    topic: 'annal.e2',
    previous: { epoch: 1, next, timeMax },
  };
  const { log, name } = first;
  const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 4)));
  const read: string[] = [];
  const watched: ArchiveStore = {
    ...store,
    truth: {
      ...store.truth,
      read(blob) {
        read.push(blob);
        return store.truth.read(blob);
      },
    },
  };
  const completed = async (clock = manualClock()): Promise<void> => {
    const before = (await lastCut(store, log, name))?.index ?? -1;
    const publisher = startCutPublisher({
      ...{ store: watched, clock, epochs: [first, second], signer, signMs: 3_600_000 },
      say: () => undefined,
    });
    const head = async (partition: number) =>
      (await readProgress(store.state, laneTreeName(log, { topic: name, epoch: 1, partition })))?.progress;
    await expect
      .poll(
        async () => {
          await clock.advance(20_000);
          const heads = await Promise.all(next.map((_, partition) => head(partition)));
          return heads.map((found) => [found?.next, found?.signed?.size === found?.size]);
        },
        { timeout: 20_000 },
      )
      .toEqual(next.map((end) => [end, true]));
    await expect
      .poll(
        async () => {
          await clock.advance(20_000);
          return (await lastCut(store, log, name))?.index ?? -1;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(before);
    await publisher.stop();
  };
  await completed();
  expect((await lastCut(store, log, name))!.cut.epoch).toBe(2);
  expect(read.some((blob) => blob.startsWith('segments/'))).toBe(true);
  read.length = 0;
  await completed(manualClock(1_763_700_000_000));
  expect(read.filter((blob) => blob.startsWith('segments/'))).toEqual([]);
});
