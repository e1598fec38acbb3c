import { expect, test } from 'vitest';
import type { FileTree } from '../../src/ports/file-tree.ts';
import { planCapture } from '../../src/streams/import-capture.ts';
import { captureFile } from '../given/capture-writer.ts';

test('more files than a call takes as arguments; a stop is heard while their beginnings are read', async () => {
  const names = Array.from({ length: 150_000 }, (_, n) => ({ name: `${n}.avro`, kind: 'file' as const }));
  const stopping = new AbortController();
  const stop = new Error('stopped');
  const read: string[] = [];
  const empty = captureFile([]);
  const tree: FileTree = {
    place: 'many',
    list: async (folder) => (folder === '' ? [{ name: '0', kind: 'folder' }] : names),
    async open(path) {
      read.push(path);
      stopping.abort(stop);
      return {
        ...{ path, bytes: empty.length, read: async () => empty },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
  const world = { tree, signal: stopping.signal, onProgress: () => undefined };
  const layout = '{PartitionId}/{Second}';
  const request = { place: 'many', layout, partitions: null, asEvents: false, name: 'annal' };
  await expect(planCapture(world, request)).rejects.toThrow(stop);
  expect(read).toHaveLength(1);
});
