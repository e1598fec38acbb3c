import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { entities } from '../../src/projections/entities.ts';
import { completeLane } from '../../src/streams/complete.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild, type RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { repairArchive } from '../../src/streams/repair-archive.ts';
import { verify } from '../../src/streams/verify.ts';
import { verifyArchive } from '../../src/streams/verify-archive.ts';
import { anEvent } from '../given/events.ts';
import { archiverRole, auditorRole, lockedStore, projectorRole, Refused } from '../given/locked-store.ts';
import { chapters, makeWhole, wholeEpoch, wholeLane, wholeSigner } from '../given/whole-archive.ts';
import { manyEvents, openWorld } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

let dir: string;
let folder: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-locked-'));
  folder = folderArchive({ dir });
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

test('the lock holds: no truth is replaced or removed, and a role writes what it may', async () => {
  const store = lockedStore(folder, archiverRole);
  expect(await store.truth.create('segments/a', Buffer.of(1))).toBe('created');
  expect(await store.truth.create('segments/a', Buffer.of(2))).toBe('exists');
  expect(store.bounced).toEqual(['segments/a']);
  expect(() => Reflect.get(store.truth, 'remove')).toThrow(Refused);
  expect(() => Reflect.set(store.truth, 'create', undefined)).toThrow(Refused);
  await expect(store.state.write('rebuilds/entities.lock', Buffer.of(1), null)).rejects.toThrow(Refused);
  const projector = lockedStore(folder, projectorRole);
  await expect(projector.truth.create('segments/b', Buffer.of(1))).rejects.toThrow(Refused);
  await expect(projector.state.append('tail/a', Buffer.of(1), '')).rejects.toThrow(Refused);
  expect(projector.refused).toHaveLength(2);
});

test('archiving, trees, checkpoints, cuts, a gap, a second start: nothing is asked that a retention lock refuses', async () => {
  const store = lockedStore(folder, archiverRole);
  await makeWhole(store);
  await makeWhole(store, { of: chapters.slice(1) });
  for (const anew of [false, true])
    await completeLane(
      { store, clock: systemClock, log: wholeEpoch.log, signer: wholeSigner, anew },
      wholeLane,
    );
  expect(store.refused).toEqual([]);
});

test('what crashed or lost a race finds its blob there, and does not ask for it to go', async () => {
  const store = lockedStore(folder, archiverRole);
  await makeWhole(store);
  // The state of before: what it told of was made in the truth already.
  await cp(join(dir, 'archive'), join(dir, 'copy', 'archive'), { recursive: true });
  await using other = folderArchive({ dir: join(dir, 'copy') });
  const again = lockedStore(other, archiverRole);
  await makeWhole(again, { of: chapters.slice(1) });
  expect(again.refused).toEqual([]);
  expect(again.bounced.length).toBeGreaterThan(0);
});

test('an auditor looks at all of it, and mending needs no more than the role of an archiver', async () => {
  await makeWhole(folder);
  const auditor = lockedStore(folder, auditorRole);
  const look = (store: ArchiveStore) =>
    verifyArchive({ store, clock: systemClock, deep: true, keys: [], kept: [] });
  expect((await look(auditor)).findings).toEqual([]);
  await folder.state.replace('trees/annal/1/0/tile/0/001', Buffer.alloc(8_192));
  await folder.state.remove('index/annal/1/0/00000000000000000177.json');
  const report = await look(auditor);
  expect(report.derived).toBe(2);
  expect(auditor.refused).toEqual([]);
  const archiver = lockedStore(folder, archiverRole);
  await repairArchive({ store: archiver, clock: systemClock, report });
  expect((await look(auditor)).findings).toEqual([]);
  expect(archiver.refused).toEqual([]);
});

test('read models are followed, rebuilt and verified by a role that may write a claim and nothing else', async () => {
  await using world = await openWorld(1);
  await world.append(manyEvents(40, (n) => anEvent({ n })));
  const archiver = world.archiver({ limits: { sealBytes: 4_000 } });
  await archiver.reach(await world.ends(), soon());
  await archiver.stop();
  const store = lockedStore(world.store, projectorRole);
  const context: RebuildContext = { ...world.context, store, decoders: openEventDecoders(store.truth) };
  const build = async (): Promise<void> => {
    const plan = await planRebuild(context, entities);
    await rebuild(context, entities, plan, crypto.randomUUID(), () => undefined, soon());
  };
  await build();
  const projector = startProjector({
    ...context,
    ...{ projection: entities, log: world.log, group: 'annal.entities', lookMs: 20, retryMs: 20, lateMs: 0 },
    build,
    onNotice: () => undefined,
  });
  await projector.reach(await world.ends(), soon());
  await projector.stop();
  const report = await verify(context, entities, crypto.randomUUID(), () => undefined, soon());
  expect(report).toMatchObject({ equal: true });
  expect(store.refused).toEqual([]);
});
