import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { azureBlobArchive } from '../../../../src/adapters/azure-blob/archive-store.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { formatSkey, parseSkey } from '../../../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../../../src/ports/archive.ts';
import { archiveLimits } from '../../../../src/streams/archive-lane.ts';
import { startArchiver } from '../../../../src/streams/archiver.ts';
import { type PublishedCut, publishCut } from '../../../../src/streams/meta-log.ts';
import { publishCuts } from '../../../../src/streams/publish-cuts.ts';
import { laneTreeName } from '../../../../src/streams/tree-names.ts';
import { blobsOf } from '../../../given/blobs-of.ts';
import { anEvent, recordOf } from '../../../given/events.ts';
import { memoryLog } from '../../../given/memory-log.ts';
import { plainLeaves, plainTree } from '../../../given/plain-tree.ts';
import { addressVariables } from '../../addresses.ts';

const log = '019a9f00-0000-7000-8000-0000000000aa';
const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 7)));
const lane = { topic: 'annal', epoch: 1, partition: 0 };
const { folder } = laneTreeName(log, lane);
const prefix = `t-${randomBytes(6).toString('hex')}`;
let connectionString: string;
let store: ArchiveStore;

const opened = (): ArchiveStore => azureBlobArchive({ connectionString, prefix });

beforeAll(() => {
  connectionString = process.env[addressVariables.azurite] ?? '';
  if (connectionString === '')
    throw new Error(`${addressVariables.azurite} is not set: run \`npm run test:services\``);
  store = opened();
});
afterAll(async () => {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const service = BlobServiceClient.fromConnectionString(connectionString);
  for (const kind of ['archive', 'state']) await service.deleteContainer(`${prefix}-${kind}`);
});

const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));

test('archivers that compete for a lane make one tree, and every checkpoint is one of its prefixes', async () => {
  const given = memoryLog();
  for (const end of [300, 700]) {
    given.records = [...records(0, 120), ...records(130, end)];
    const all = [opened(), opened()].map((own) =>
      startArchiver({
        ...{ store: own, clock: systemClock, log: given, name: lane.topic, group: 'archiver', retryMs: 5 },
        limits: { ...archiveLimits, flushMs: 20, flushBytes: 20_000, sealBytes: 60_000 },
        onNotice: () => undefined,
        trees: { log, signer, limits: { tilesMs: 20, signMs: 0, leavesMax: 65_536 } },
      }),
    );
    await Promise.all(all.map((archiver) => archiver.reach([end], AbortSignal.timeout(60_000))));
    await Promise.all(all.map((archiver) => archiver.stop()));
    const blobs = await blobsOf(store);
    const { size, checkpoints, faults } = plainTree(blobs, folder, plainLeaves(blobs, lane));
    expect([size, checkpoints.at(-1)]).toEqual([end - 9, end - 9]);
    expect(faults.filter((fault) => !fault.endsWith('is left over'))).toEqual([]);
  }
});

test('cuts are published by one of many processes, and each stands', async () => {
  const given = { clock: systemClock, log, name: lane.topic, epoch: 1, partitions: 1, signer, signMs: 0 };
  const told: PublishedCut[] = [];
  const publishers = Array.from({ length: 3 }, () => opened()).map((own) =>
    publishCuts({
      ...{ ...given, store: own, everyMs: 60, lookMs: 20 },
      onNotice(notice) {
        if (notice.kind === 'fault') throw notice.fault;
        told.push(notice.cut);
      },
    }),
  );
  await expect.poll(() => told.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(4);
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  expect(told.map(({ index }) => index)).toEqual(told.map((_, n) => n));
  expect(told.at(-1)!.cut.next).toEqual([700]);
  const late = await publishCut({ ...given, store: opened() });
  expect(late).toMatchObject({ index: told.length });
});
