import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore, StateStore } from '../../src/ports/archive.ts';
import type { Document, ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { foldsOf, segmentName, unitClaimsOf, workOf } from '../../src/streams/archive-names.ts';
import { fillByClaims } from '../../src/streams/fill-by-claims.ts';
import { type Filled, fillIndex } from '../../src/streams/fill-index.ts';
import { chainsOf, laneSpans, type OpenedChain, openChain } from '../../src/streams/fold-history.ts';
import { claimStaleMs } from '../../src/streams/heartbeat.ts';
import type { UnitClaim } from '../../src/streams/unit-claims.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { openWorld, type World } from '../given/world.ts';

const entitiesCount = 40;
const windowBytes = 3_000;
const id = 'the-rebuild';
const urnOf = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t_${n},PROD)`;

/** Short ones first, so that whoever reads less before it shares out expects less. */
const log: readonly LogRecord[] = Array.from({ length: 200 }, (_, n) =>
  recordOf(
    anEvent({
      n,
      urn: urnOf(n % entitiesCount),
      value: { name: 't', description: 'x'.repeat(n < 20 ? 1 : 200) },
    }),
    n,
  ),
);

async function openFilled(perSegment = 50): Promise<World> {
  const world = await openWorld(1);
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  for (let first = 0; first < log.length; first += perSegment)
    await world.store.truth.create(
      segmentName(lane, first),
      encodeSegment(lane, log.slice(first, first + perSegment)),
    );
  return world;
}

/** Time goes as fast as it is looked at, and may be moved. */
function clockOf(world: World) {
  const { clock } = world.context;
  const moved = { byMs: 0 };
  const wait = (ms: number, signal?: AbortSignal) => clock.wait(Math.min(ms, 5), signal);
  return { moved, clock: { now: () => clock.now() + moved.byMs, wait } };
}

interface Part {
  readonly by: string;
  readonly nth: number;
  readonly index: ModelIndex;
  readonly store?: ArchiveStore;
  readonly clock?: World['context']['clock'];
}

const take = (world: World, { by, nth, index, store = world.store, clock }: Part): Promise<Filled> =>
  fillByClaims({ by, nth, of: 3 })(
    { ...world.context, store },
    {
      ...{ projection: entities, until: { epoch: 1, next: [log.length] }, index, windowBytes },
      signal: AbortSignal.timeout(20_000),
      record: { id, clock: clock ?? clockOf(world).clock },
    },
    () => undefined,
  );

/** An index that tells what it is given to store, and is held where it is told to. */
function watched(index: ModelIndex, held: Promise<void> = Promise.resolve()) {
  const ids: string[] = [];
  const asked = Promise.withResolvers<void>();
  const store = async (documents: readonly Document[], versionMax: number) => {
    asked.resolve();
    await held;
    ids.push(...documents.map((document) => document.id));
    return index.store(documents, versionMax);
  };
  return { ids, asked: asked.promise, index: { ...index, store } };
}

/** What one process alone makes of it. */
const expected: Promise<Filled> = (async () => {
  await using world = await openFilled();
  const index = await world.model.create(entities.definition, 'alone');
  return await fillIndex(
    world.context,
    {
      ...{ projection: entities, until: { epoch: 1, next: [log.length] }, index, windowBytes },
      ...{ signal: new AbortController().signal, record: { id, clock: world.context.clock } },
    },
    () => undefined,
  );
})();

async function claimsIn(state: StateStore): Promise<readonly UnitClaim[]> {
  const claims: UnitClaim[] = [];
  for await (const { name } of state.list(unitClaimsOf(id)))
    claims.push(JSON.parse((await state.read(name))!.bytes.toString('utf8')) as UnitClaim);
  return claims;
}

async function expectWhole(filled: Filled): Promise<void> {
  const { root, counts, search, lanes } = await expected;
  expect(filled.root.root()).toBe(root.root());
  expect(filled.counts).toEqual(counts);
  expect(filled.search).toBe(search);
  expect(filled.lanes).toEqual(lanes);
}

/** Of the chain, and of each bucket that holds something. */
async function claimsMax(state: StateStore): Promise<number> {
  const found = await state.read(`${foldsOf(id)}chain-0-shared.json`);
  if (found === undefined) return Number.POSITIVE_INFINITY;
  const { buckets } = JSON.parse(found.bytes.toString('utf8')) as { buckets: { blobs: readonly number[] } };
  return 1 + buckets.blobs.filter((blobs) => blobs > 0).length;
}

describe('processes that fill one index by claims', () => {
  test('share the units: each document is stored once, and each process has the whole', async () => {
    await using world = await openFilled();
    const index = await world.model.create(entities.definition, 'together');
    const parts = [0, 1, 2].map((nth) => ({ nth, ...watched(index) }));
    const filled = await Promise.all(
      parts.map(({ nth, index: own }) => take(world, { by: `p${nth}`, nth, index: own })),
    );
    for (const one of filled) await expectWhole(one);
    const stored = parts.flatMap(({ ids }) => ids);
    expect(stored).toHaveLength(entitiesCount);
    expect(new Set(stored).size).toBe(entitiesCount);
    const [{ members = [] }] = filled as [Filled, ...Filled[]];
    expect(members.reduce((sum, { documents }) => sum + documents, 0)).toBe(entitiesCount);
    expect(members.reduce((sum, { records }) => sum + records, 0)).toBe(log.length);
    expect(members.filter(({ units }) => units > 0).length).toBeGreaterThan(1);
    for await (const { name } of world.store.state.list('')) expect(name.startsWith(workOf(id))).toBe(true);
  });

  test('leave a unit to whoever has it while it lives, and take it over once it is silent', async () => {
    await using world = await openFilled();
    const index = await world.model.create(entities.definition, 'together');
    const { clock, moved } = clockOf(world);
    const held = Promise.withResolvers<void>();
    const silent = watched(index, held.promise);
    // Killed as it were: of what it writes nothing arrives any more.
    const isKilled = { is: false };
    const state: StateStore = {
      ...world.store.state,
      write: async (name, bytes, etag) => {
        if (isKilled.is) throw new Error('killed');
        return world.store.state.write(name, bytes, etag);
      },
    };
    const lost = take(world, {
      ...{ by: 'silent', nth: 0, index: silent.index, store: { ...world.store, state }, clock },
    }).catch((error: Error) => error.message);
    await silent.asked;
    const living = watched(index);
    const waiting = take(world, {
      by: 'living',
      nth: 1,
      index: living.index,
      clock,
    });
    const isOpen = (claim: UnitClaim): boolean => claim.done === null;
    // Nothing is left to it but to wait.
    await expect
      .poll(
        async () => {
          const claims = await claimsIn(world.store.state);
          return [claims.length - (await claimsMax(world.store.state)), claims.filter(isOpen).length];
        },
        { timeout: 10_000 },
      )
      .toEqual([0, 1]);
    const [open] = (await claimsIn(world.store.state)).filter(isOpen);
    expect(open).toMatchObject({ by: 'silent', fence: 1 });
    expect(living.ids.length).toBeGreaterThan(0);
    expect(living.ids.length).toBeLessThan(entitiesCount);
    isKilled.is = true;
    moved.byMs = claimStaleMs + 1_000;
    const filled = await waiting;
    await expectWhole(filled);
    expect(living.ids).toHaveLength(entitiesCount);
    expect((await claimsIn(world.store.state)).find(({ unit }) => unit === open!.unit)).toMatchObject({
      ...{ by: 'living', fence: 2, takenFrom: ['silent'] },
    });
    expect(filled.members).toMatchObject([
      { by: 'living', takenOver: 1, left: 0 },
      { by: 'silent', units: 0, left: 1 },
    ]);
    held.reject(new Error('killed'));
    expect(await lost).toBe('killed');
  });

  test('a unit that two did, one of them not knowing it was taken over, counts once', async () => {
    await using world = await openFilled();
    const index = await world.model.create(entities.definition, 'together');
    const { clock, moved } = clockOf(world);
    const held = Promise.withResolvers<void>();
    const late = watched(index, held.promise);
    const lateClock = { now: () => clock.now() - moved.byMs, wait: clock.wait };
    const isBeating = { is: true };
    const state: StateStore = {
      ...world.store.state,
      async write(name, bytes, etag) {
        if (!isBeating.is) await held.promise;
        return world.store.state.write(name, bytes, etag);
      },
    };
    const store = { ...world.store, state };
    const zombie = take(world, { by: 'zombie', nth: 0, index: late.index, store, clock: lateClock });
    await late.asked;
    isBeating.is = false;
    moved.byMs = claimStaleMs + 60_000;
    const filled = await take(world, { by: 'next', nth: 0, index, clock });
    held.resolve();
    await expectWhole(filled);
    await expectWhole(await zombie);
  });

  test('two that read one chain at once, otherwise cut, agree on the buckets of one of them', async () => {
    await using world = await openFilled(5);
    await using other = await openFilled(200);
    const { state } = world.store;
    let isAsked = false;
    const late: StateStore = {
      ...state,
      // It looked before the first was through.
      read: async (name) => {
        if (isAsked || !name.endsWith('shared.json')) return state.read(name);
        isAsked = true;
        return undefined;
      },
    };
    const opened = (store: ArchiveStore, attempt: string): Promise<OpenedChain> => {
      const history = { ...world.context, store, until: { epoch: 1, next: [log.length] } };
      const [chain] = chainsOf(laneSpans(history));
      const options = { place: { state: store.state, prefix: foldsOf(id) }, windowBytes, attempt };
      return openChain(entities, history, { nth: 0, chain: chain! }, options);
    };
    const first = await opened(world.store, '1.');
    const second = await opened({ ...other.store, state: late }, '2.');
    expect(isAsked).toBe(true);
    expect(first.buckets.length).toBeGreaterThan(1);
    expect(second.buckets).toEqual(first.buckets);
    for (const chain of [first, second]) {
      const ids: string[] = [];
      for await (const unit of chain.units())
        for (const some of unit.documents({ records: 0, outcomes: {} }))
          ids.push(...some.map((document) => document.id));
      expect(ids).toHaveLength(entitiesCount);
      expect(new Set(ids).size).toBe(entitiesCount);
    }
  });
});
