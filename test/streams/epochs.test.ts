import { describe, expect, test } from 'vitest';
import { epochName } from '../../src/streams/archive-names.ts';
import { nextOf, openEpoch, readEpochs } from '../../src/streams/epochs.ts';
import { anEpoch, openWorld } from '../given/world.ts';

const end = { epoch: 1, next: [0, 0], timeMax: 0 };

test('of two who open an epoch one makes it, and both get what it holds', async () => {
  await using world = await openWorld(2);
  const [four, eight] = [anEpoch(2, 4, end), anEpoch(2, 8, end)];
  const opened = await Promise.all([four, eight].map((epoch) => openEpoch(world.store.truth, epoch)));
  const [, made] = await readEpochs(world.store.truth);
  expect(opened).toEqual([made, made]);
});

describe('a file that cannot follow the one before is refused, by name and reason', () => {
  const good = anEpoch(2, 4, end);
  test.each([
    ['no JSON', '{', /not JSON/],
    ['no object', '[3]', /version/],
    ['null', 'null', /JSON object/],
    ['another number', { ...good, epoch: 3 }, /number/],
    ['partitions', { ...good, partitions: 513 }, /partitions/],
    ['no end', { ...good, previous: null }, /previous/],
    ['an end that is a text', { ...good, previous: 'x' }, /no end/],
    ['an end of texts', { ...good, previous: { ...end, next: ['0', '0'] } }, /no end/],
    ['an end below 0', { ...good, previous: { ...end, next: [0, -1] } }, /no end/],
    ['an end beyond all offsets', { ...good, previous: { ...end, next: [0, 2 ** 44 + 1] } }, /no end/],
    ['an end with holes', { ...good, previous: { ...end, next: [0, 1.5] } }, /no end/],
    ['no time', { ...good, previous: { ...end, timeMax: '2026' } }, /no end/],
    ['a time of never', { ...good, previous: { ...end, timeMax: null } }, /no end/],
    ['an end of another epoch', { ...good, previous: { ...end, epoch: 2 } }, /end cut/],
    ['an end of other partitions', { ...good, previous: { ...end, next: [0] } }, /end cut/],
    ['another log', { ...good, log: 'x' }, /another log/],
  ] as const)('%s', async (_, content, reason) => {
    await using world = await openWorld(2);
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await world.store.truth.create(epochName(2), Buffer.from(text));
    await expect(readEpochs(world.store.truth)).rejects.toMatchObject({
      code: 'EPOCH_INVALID',
      facts: { blob: epochName(2), reason: expect.stringMatching(reason) },
    });
  });

  test('a time that falls', async () => {
    await using world = await openWorld(2);
    await openEpoch(world.store.truth, { ...good, previous: { ...end, timeMax: 10 } });
    await openEpoch(world.store.truth, anEpoch(3, 1, { epoch: 2, next: [0, 0, 0, 0], timeMax: 9 }));
    await expect(readEpochs(world.store.truth)).rejects.toMatchObject({ code: 'EPOCH_INVALID' });
  });
});

test('a log has at most 511 epochs', () => {
  expect(nextOf(anEpoch(510, 1))).toEqual({ epoch: 511, topic: 'annal.e511' });
  expect(() => nextOf(anEpoch(511, 1))).toThrow(expect.objectContaining({ code: 'EPOCH_LIMIT' }));
});
