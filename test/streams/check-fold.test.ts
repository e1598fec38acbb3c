import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { deniedWorld } from '../../src/apps/denied-world.ts';
import type { Document } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projections } from '../../src/projections/registry.ts';
import { checkFold, type FoldCheck } from '../../src/streams/check-fold.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';
import { archiveEvents, tableEvents, tableUrn } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

async function archived(): Promise<World> {
  const world = await openWorld(2);
  await archiveEvents(world, tableEvents(40));
  return world;
}

async function checked({ context }: World, projection: Projection): Promise<FoldCheck> {
  const history = { ...context, until: await archiveCut(context.store, context.epochs) };
  using world = deniedWorld();
  return await checkFold(projection, history, world, () => undefined, AbortSignal.timeout(10_000), 2_000);
}

/** `entities`, of which one document says something else too. */
const saying = (told: () => unknown): Projection => ({
  ...entities,
  stateDocument(state): Document {
    const document = entities.stateDocument(state);
    if (document.id !== tableUrn(3)) return document;
    const body = { ...JSON.parse(Buffer.from(document.body).toString()), told: told() };
    return { ...document, body: Buffer.from(JSON.stringify(body)) };
  },
});

test.each(projections)('ours are pure: %#', async (projection) => {
  await using world = await archived();
  expect(await checked(world, projection)).toMatchObject({
    ...{ pure: true, events: 40, asked: [], disagreements: [], version: projection.definition.version },
  });
});

test.each([
  ['Date.now', () => Date.now()],
  ['Date', () => new Date().toISOString()],
  ['performance.now', () => performance.now()],
  ['Math.random', () => Math.random()],
  ['crypto.randomUUID', () => crypto.randomUUID()],
] as const)('a fold that asks %s is named, and the document on which it tells', async (asked, ask) => {
  await using world = await archived();
  const check = await checked(world, saying(ask));
  expect(check).toMatchObject({ pure: false, asked: [asked], disagreeing: 1 });
  expect(check.disagreements).toMatchObject([{ id: tableUrn(3), pointers: ['/told'] }]);
});

test('a fold that asks and makes nothing of it is not pure either', async () => {
  await using world = await archived();
  const check = await checked(
    world,
    saying(() => Date.now() * 0),
  );
  expect(check).toMatchObject({ pure: false, asked: ['Date.now'], disagreements: [] });
});

test.each([
  ['process.env', () => process.env.HOME],
  ['fetch', () => fetch('http://127.0.0.1:1/')],
  ['setTimeout', () => setTimeout(() => undefined, 1)],
  ['fs.readFileSync', () => readFileSync('package.json', 'utf8').length],
  ['os.hostname', () => hostname()],
] as const)('a fold that asks %s is refused it', async (asked, ask) => {
  await using world = await archived();
  await expect(checked(world, saying(ask))).rejects.toMatchObject({ code: 'FOLD_IMPURE', facts: { asked } });
});

test('a fold that remembers what it folded before is found by the order of lanes, or the cut of a history', async () => {
  await using world = await archived();
  let seen: string[] = [];
  const remembering: Projection = {
    ...entities,
    stateDocument(state) {
      // Each fold has each URN once.
      if (seen.includes(state.urn)) seen = [];
      seen.push(state.urn);
      const document = entities.stateDocument(state);
      return { ...document, body: Buffer.from(`{"nth":${seen.length}}`) };
    },
  };
  expect(await checked(world, remembering)).toMatchObject({ pure: false, asked: [] });
});

test('all is as it was before and behind it', async () => {
  const known = () => [
    Date,
    Date.now,
    Math.random,
    performance.now,
    crypto.randomUUID,
    fetch,
    setTimeout,
    process.env,
  ];
  const before = known();
  {
    using world = deniedWorld();
    expect(new Date(5).getTime()).toBe(5);
    expect(process.env.PATH).toBeDefined();
    expect(world.asked()).toEqual([]);
    expect(world.within(() => new Date(7) instanceof Date)).toBe(true);
    expect(new Set(world.within(() => [Date.now(), Date.now()])).size).toBe(2);
    expect(world.asked()).toEqual(['Date.now']);
  }
  expect(known()).toEqual(before);
  expect(hostname()).not.toBe('');
});
