import { expect, test } from 'vitest';
import { laneTreeName } from '../../src/streams/tree-names.ts';
import { openTreeWriter } from '../../src/streams/tree-writer.ts';
import { memoryState } from '../given/memory-state.ts';

const tree = laneTreeName('019a9f00-0000-7000-8000-0000000000aa', { topic: 'annal', epoch: 1, partition: 0 });

// The partial tile of level 1 is the same for all sizes from 256 to 511.
test('partial tiles of a checkpoint stay, also those that later sizes had as well', async () => {
  const state = memoryState();
  const writer = await openTreeWriter({ state, tree });
  const grow = async (size: number): Promise<void> => {
    while (writer.size < size) writer.append(`leaf ${writer.size}`, writer.size + 1);
    expect(await writer.store()).toBe('stored');
  };
  await grow(300);
  expect(await writer.keep()).toBe('stored');
  await grow(400);
  await grow(600);
  const partials = [...state.blobs.keys()].filter((name) => name.includes('.p/')).sort();
  expect(partials.map((name) => name.slice(name.indexOf('/tile/')))).toEqual([
    '/tile/0/002.p/88',
    '/tile/1/000.p/1',
    '/tile/1/000.p/2',
    '/tile/entries/002.p/88',
  ]);
});
