import { randomBytes } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { azureBlobArchive } from '../../../../src/adapters/azure-blob/archive-store.ts';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { verifyByThreads } from '../../../../src/apps/verify-by-threads.ts';
import type { PortSettings } from '../../../../src/composition/settings.ts';
import type { ArchiveStore } from '../../../../src/ports/archive.ts';
import { repairArchive } from '../../../../src/streams/repair-archive.ts';
import { type ArchiveReport, verifyArchive } from '../../../../src/streams/verify-archive.ts';
import { twoEpochs } from '../../../given/two-epochs.ts';
import { makeWhole } from '../../../given/whole-archive.ts';
import { addresses } from '../../addresses.ts';

const prefix = `v-${randomBytes(6).toString('hex')}`;
const { blobConnectionString } = addresses();
const service = BlobServiceClient.fromConnectionString(blobConnectionString);
const segment = (first: number): string => `segments/annal/1/0/${String(first).padStart(20, '0')}.avro`;

let store: ArchiveStore;
beforeAll(async () => {
  store = azureBlobArchive({ connectionString: blobConnectionString, prefix });
  await makeWhole(store);
});
afterAll(async () => {
  await store?.[Symbol.asyncDispose]();
  for (const kind of ['archive', 'state']) await service.deleteContainer(`${prefix}-${kind}`);
});

const verified = (): Promise<ArchiveReport> =>
  verifyArchive({ store, clock: systemClock, deep: true, keys: [], kept: [] });

/** Past our adapter, which overwrites no truth. */
async function put(kind: 'archive' | 'state', name: string, bytes: Buffer): Promise<void> {
  await service.getContainerClient(`${prefix}-${kind}`).getBlockBlobClient(name).upload(bytes, bytes.length);
}

test('what is wrong in a storage account is named as it is in a folder; what is derived is made again', async () => {
  expect((await verified()).findings).toEqual([]);

  const tile = 'trees/annal/1/0/tile/0/001';
  const right = (await store.state.read(tile))!.bytes;
  await put('state', tile, Buffer.alloc(right.length, 1));
  const report = await verified();
  expect(report.findings).toMatchObject([{ part: 'tile', of: 'derived', blob: tile }]);
  await repairArchive({ store, clock: systemClock, report });
  expect((await verified()).findings).toEqual([]);
  expect((await store.state.read(tile))!.bytes).toEqual(right);

  const whole = (await store.truth.read(segment(487)))!;
  await put('archive', segment(487), whole.subarray(0, whole.length - 9));
  expect((await verified()).findings).toContainEqual(
    expect.objectContaining({
      part: 'segment',
      wrong: 'unreadable',
      blob: segment(487),
      offset: 487,
      leaf: 478,
    }),
  );
  await put('archive', segment(487), whole);

  await service.getContainerClient(`${prefix}-archive`).deleteBlob(segment(310));
  expect((await verified()).findings).toMatchObject([
    { part: 'segment', wrong: 'missing', blob: segment(310), offset: 310, leaf: 301 },
  ]);
});

test('threads with connections of their own find what one finds', async () => {
  const own = `${prefix}-t`;
  await using lanes = azureBlobArchive({ connectionString: blobConnectionString, prefix: own });
  try {
    await twoEpochs(lanes);
    const options = { store: lanes, clock: systemClock, deep: true, keys: [], kept: [] };
    const settings: PortSettings = {
      log: { kind: 'kafka', brokers: ['127.0.0.1:1'], retentionMs: 1 },
      archive: { kind: 'azure-blob', connectionString: blobConnectionString, prefix: own },
      registry: { kind: 'confluent', url: 'http://127.0.0.1:1' },
      readModel: { kind: 'elasticsearch', url: 'http://127.0.0.1:1', prefix: own },
    };
    const alone = await verifyArchive(options);
    const shared = await verifyByThreads({ settings }, options, { threads: 2, worthBytes: 0 });
    expect(alone.records).toBe(270);
    expect({ ...shared, elapsedMs: 0 }).toEqual({ ...alone, elapsedMs: 0 });
  } finally {
    for (const kind of ['archive', 'state']) await service.deleteContainer(`${own}-${kind}`);
  }
});
