import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import { searchDigest } from '../../src/formats/search-digest.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { Document, ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { segmentName, workOf } from '../../src/streams/archive-names.ts';
import { type Filled, filledOnRecord, fillIndex } from '../../src/streams/fill-index.ts';
import { recordUnits } from '../../src/streams/finished-units.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { memoryState } from '../given/memory-state.ts';
import { openWorld, type World } from '../given/world.ts';

const entitiesCount = 40;
const windowBytes = 3_000;
const log: readonly LogRecord[] = Array.from({ length: 200 }, (_, offset) =>
  recordOf(
    anEvent({
      n: offset,
      urn: `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t_${offset % entitiesCount},PROD)`,
    }),
    offset,
  ),
);

async function openFilled(): Promise<World> {
  const world = await openWorld(1);
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  for (let first = 0; first < log.length; first += 50)
    await world.store.truth.create(
      segmentName(lane, first),
      encodeSegment(lane, log.slice(first, first + 50)),
    );
  return world;
}

interface Stored {
  readonly ids: string[];
  readonly index: ModelIndex;
}

/** An index that tells what it is given to store, and fails at the `failsAt`-th call. */
function watched(index: ModelIndex, failsAt = Number.POSITIVE_INFINITY): Stored {
  const ids: string[] = [];
  let calls = 0;
  const store = async (documents: readonly Document[], versionMax: number) => {
    calls += 1;
    if (calls >= failsAt) throw new Error('killed');
    ids.push(...documents.map(({ id }) => id));
    return index.store(documents, versionMax);
  };
  return { ids, index: { ...index, store } };
}

const fill = ({ context, store }: World, index: ModelIndex, done: number[] = []): Promise<Filled> =>
  fillIndex(
    { ...context, store },
    {
      ...{ projection: entities, until: { epoch: 1, next: [log.length] }, index, windowBytes },
      signal: new AbortController().signal,
      record: { id: 'the-rebuild', clock: context.clock, everyMs: 0 },
    },
    ({ records }) => done.push(records),
  );

describe('a history larger than its window', () => {
  test('killed at any store and gone on with: units on record are not done again, the root is the same', async () => {
    await using whole = await openFilled();
    const first = watched(await whole.model.create(entities.definition, 'whole'));
    const expected = await fill(whole, first.index);
    expect(expected.root.size).toBe(entitiesCount);
    expect(first.ids).toHaveLength(entitiesCount);
    for (const failsAt of [1, 3, 7]) {
      await using world = await openFilled();
      const index = await world.model.create(entities.definition, 'killed');
      const killed = watched(index, failsAt);
      await expect(fill(world, killed.index)).rejects.toThrow('killed');
      const resumed = watched(index);
      const done: number[] = [];
      const filled = await fill(world, resumed.index, done);
      expect(filled.root.root()).toBe(expected.root.root());
      expect(filled.counts).toEqual(expected.counts);
      expect(filled.lanes).toEqual(expected.lanes);
      expect(done[0]).toBe(killed.ids.length * (log.length / entitiesCount));
      expect(new Set([...killed.ids, ...resumed.ids]).size).toBe(entitiesCount);
      expect(killed.ids.length + resumed.ids.length).toBe(entitiesCount);
    }
  });

  test('shared out once, it is not read from the archive again', async () => {
    await using world = await openFilled();
    const index = await world.model.create(entities.definition, 'killed');
    await expect(fill(world, watched(index, 2).index)).rejects.toThrow('killed');
    const segments: string[] = [];
    const truth = {
      ...world.store.truth,
      read: (name: string) => {
        segments.push(name);
        return world.store.truth.read(name);
      },
    };
    const filled = await fill({ ...world, store: { ...world.store, truth } }, index);
    expect(filled.root.size).toBe(entitiesCount);
    expect(segments).toEqual([]);
  });

  test('keeps what it puts down under its own name, and nothing else', async () => {
    await using world = await openFilled();
    await fill(world, await world.model.create(entities.definition, 'whole'));
    for await (const { name } of world.store.state.list(''))
      expect(name.startsWith(workOf('the-rebuild'))).toBe(true);
  });
});

test('an engine that took nothing of a large unit is told, document by document', async () => {
  const state = memoryState();
  const unindexable = Array.from({ length: 150_000 }, (_, n) => ({ id: String(n), reason: 'no' }));
  const unit = { name: 'chain-0', counts: { records: 0, outcomes: {} }, lanes: [] };
  const empty = { search: searchDigest().hex(), entries: Buffer.alloc(0) };
  await recordUnits(state, 'id', [{ ...unit, ...empty, unindexable }]);
  expect((await filledOnRecord(state, 'id')).unindexable).toHaveLength(150_000);
});
