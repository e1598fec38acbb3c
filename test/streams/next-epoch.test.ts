import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import type { LogHost } from '../../src/ports/event-log.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { makeNextTopic, openNextEpoch } from '../../src/streams/next-epoch.ts';
import { anEpoch, openWorld, type World } from '../given/world.ts';

const openedAt = '2026-02-01T00:00:00.000Z';
const end = { epoch: 1, next: [0, 0], timeMax: 0 };
const making = (world: World, partitions: number, host: LogHost = world.host) =>
  makeNextTopic({ host, truth: world.store.truth }, world.epoch, partitions);

test('the topic is made once; one that somebody made is taken as it is, with its partitions or not at all', async () => {
  await using world = await openWorld(2);
  expect(await making(world, 5)).toEqual({ epoch: 2, topic: 'annal.e2', partitions: 5 });
  expect(await making(world, 5)).toMatchObject({ partitions: 5 });
  await expect(making(world, 4)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' });
  expect(await readEpochs(world.store.truth)).toHaveLength(1);
});

test('a topic that holds records belongs to somebody, unless its epoch was opened a moment ago', async () => {
  await using world = await openWorld(2);
  const topic = await making(world, 1);
  await using log = await world.host.open(topic);
  await log.append(0, [{ key: null, value: null, headers: [] }]);
  await expect(making(world, 1)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' });
  await openNextEpoch(world.store.truth, world.epoch, end, { partitions: 1, openedAt });
  expect(await making(world, 1)).toMatchObject({ partitions: 1 });
});

test('where topics may not be made, it has to be there; where its settings alter events, it is not taken', async () => {
  await using world = await openWorld(2);
  const forbidden: LogHost = {
    ...world.host,
    create: () => Promise.reject(new Fault('TOPIC_FORBIDDEN', { topic: 'annal.e2' })),
  };
  await expect(making(world, 2, forbidden)).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  await making(world, 2);
  expect(await making(world, 2, forbidden)).toMatchObject({ topic: 'annal.e2' });
  const audited = (unfit: readonly string[]): LogHost => ({
    ...world.host,
    audit: async () => ({ faults: [...unfit, 'retention.ms is 1'], unfit, unknown: ['retention.bytes'] }),
  });
  await expect(making(world, 2, audited(['cleanup.policy is compact']))).rejects.toMatchObject({
    code: 'TOPIC_UNFIT',
    facts: { topic: 'annal.e2', settings: 'cleanup.policy is compact' },
  });
  expect(await making(world, 2, audited([]))).toMatchObject({ topic: 'annal.e2' });
});

test('of two who open the next epoch with other partitions one is told', async () => {
  await using world = await openWorld(2);
  const opening = [3, 4].map((partitions) =>
    openNextEpoch(world.store.truth, world.epoch, end, { partitions, openedAt }).catch(
      (error: unknown) => error as Fault,
    ),
  );
  const answers = await Promise.all(opening);
  const [, made] = await readEpochs(world.store.truth);
  expect(answers.filter((answer) => !(answer instanceof Fault))).toEqual([made]);
  expect(answers.find((answer) => answer instanceof Fault)).toMatchObject({ code: 'EPOCH_TAKEN' });
  await expect(
    openNextEpoch(world.store.truth, anEpoch(511, 2), end, { partitions: 2, openedAt }),
  ).rejects.toMatchObject({ code: 'EPOCH_LIMIT' });
});
