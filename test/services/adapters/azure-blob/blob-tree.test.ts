import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobTree } from '../../../../src/adapters/azure-blob/blob-tree.ts';
import { localFiles } from '../../../../src/adapters/scan/local-files.ts';
import type { FileTree } from '../../../../src/ports/file-tree.ts';
import { captureLayout } from '../../../../src/streams/capture-files.ts';
import { planCapture } from '../../../../src/streams/import-capture.ts';
import { addresses } from '../../addresses.ts';

const sample = 'samples/capture';
const container = `capture-${randomBytes(6).toString('hex')}`;
const { blobConnectionString: connectionString } = addresses();
const service = BlobServiceClient.fromConnectionString(connectionString);
const treeAt = (prefix: string, name = container): FileTree =>
  blobTree({ account: { connectionString }, container: name, prefix });

beforeAll(async () => {
  const client = service.getContainerClient(container);
  await client.create();
  for (const path of globSync('**/*.avro', { cwd: sample })) {
    const bytes = readFileSync(`${sample}/${path}`);
    await client.getBlockBlobClient(`in/${path}`).upload(bytes, bytes.length);
  }
});
afterAll(() => service.deleteContainer(container));

const sorted = async (tree: FileTree, folder: string) =>
  (await tree.list(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1));

describe('blobs as files', () => {
  test('are those of the folder that was copied there, at every depth', async () => {
    const local = await localFiles(sample);
    for (const folder of ['', 'hubs', 'hubs/metadata', 'hubs/metadata/1/2026/07/20/00'])
      expect(await sorted(treeAt('in'), folder)).toEqual(await sorted(local, folder));
    expect(await treeAt('').list('')).toEqual([{ name: 'in', kind: 'folder' }]);
  });

  test('are read in ranges, fewer bytes only at their end', async () => {
    const path = 'hubs/metadata/0/2026/07/20/00/05/00.avro';
    const whole = readFileSync(`${sample}/${path}`);
    await using file = await treeAt('in').open(path);
    expect(file.bytes).toBe(whole.length);
    expect(await file.read(10, 30)).toEqual(whole.subarray(10, 40));
    expect(await file.read(whole.length - 5, 100)).toEqual(whole.subarray(-5));
    expect(await file.read(whole.length, 1)).toHaveLength(0);
  });

  test('that are not there are told, and nothing is made', async () => {
    await expect(treeAt('in').open('hubs/none.avro')).rejects.toThrow('FILE_UNREADABLE');
    await expect(treeAt('', `${container}-none`).list('')).rejects.toThrow('FILE_UNREADABLE');
    expect(await service.getContainerClient(`${container}-none`).exists()).toBe(false);
  });

  test('of Capture hold what they hold in a folder', async () => {
    const plan = async (tree: FileTree) =>
      planCapture(
        { tree, signal: new AbortController().signal, onProgress: () => undefined },
        { place: '', layout: captureLayout, partitions: null, asEvents: true, name: 'annal' },
      );
    const found = await plan(treeAt('in'));
    expect(found).toEqual(await plan(await localFiles(sample)));
    expect(found.lanes).toMatchObject([{ records: 80 }, { records: 72, repeated: 8 }]);
  });
});
