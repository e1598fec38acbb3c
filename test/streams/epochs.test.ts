import { expect, test } from 'vitest';
import { openEpoch, readEpochs } from '../../src/streams/epochs.ts';
import { anEpoch, openWorld } from '../given/world.ts';

const end = { epoch: 1, next: [0, 0], timeMax: 0 };

test('of two who open an epoch one makes it, and both get what it holds', async () => {
  await using world = await openWorld(2);
  const [four, eight] = [anEpoch(2, 4, end), anEpoch(2, 8, end)];
  const opened = await Promise.all([four, eight].map((epoch) => openEpoch(world.store.truth, epoch)));
  const [, made] = await readEpochs(world.store.truth);
  expect(opened).toEqual([made, made]);
});
