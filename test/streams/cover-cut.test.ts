import { expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { parseCut } from '../../src/domain/cut.ts';
import { formatSkey, parseSkey, parseVkey } from '../../src/formats/note-key.ts';
import { coverCut } from '../../src/streams/cover-cut.ts';
import { publishCut } from '../../src/streams/meta-log.ts';
import type { RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { checkpointsOf, metaTreeName } from '../../src/streams/tree-names.ts';
import { verifyArchive } from '../../src/streams/verify-archive.ts';
import { archiveEvents, rebuildEntities, tableEvents } from '../given/rebuilt.ts';
import { openWorld, type World } from '../given/world.ts';

const signerOf = (seed: number) => parseSkey(formatSkey('annal/reports', Buffer.alloc(32, seed)));
const signer = signerOf(3);

/** Rebuilds whose reports name a checkpoint, made by whoever has the key of this seed. */
const covered = ({ context, store }: World, by = signer): RebuildContext => ({
  ...context,
  signer: by,
  cover: (epochs, cut, signal) => coverCut({ store, clock: systemClock, signer: by }, epochs, cut, signal),
});

async function checkpoints({ store, epoch: { log, name } }: World): Promise<number> {
  let count = 0;
  for await (const _ of store.truth.list(checkpointsOf(metaTreeName(log, name)))) count += 1;
  return count;
}

// Schemas are kept by intake, which is none here.
const faultsOf = async ({ store }: World) =>
  (
    await verifyArchive({
      ...{ store, clock: systemClock, deep: true, kept: [], keys: [parseVkey(signer.vkey)] },
    })
  ).findings.filter(({ part }) => part !== 'schema');

test('a report names a checkpoint that reaches its cut, also where none was signed for what came last', async () => {
  await using world = await openWorld(2);
  await archiveEvents(world, tableEvents(20));
  expect((await rebuildEntities(world.context)).checkpoint).toBeNull();

  const first = await rebuildEntities(covered(world));
  expect(first.checkpoint).toMatchObject({ cut: first.cut, size: 1, origin: `annal/${world.epoch.log}` });
  // What is covered is covered: nothing is signed again for the same cut, nor for one before it.
  expect((await rebuildEntities(covered(world))).checkpoint).toEqual(first.checkpoint);
  expect(await checkpoints(world)).toBe(1);

  await archiveEvents(world, tableEvents(20, 20));
  const asOf = { cut: parseCut(first.cut)! };
  expect((await rebuildEntities(covered(world), { asOf })).checkpoint).toEqual(first.checkpoint);
  const second = await rebuildEntities(covered(world));
  expect(second.cut).not.toBe(first.cut);
  expect(second.checkpoint).toMatchObject({ cut: second.cut, size: 2 });
  expect(await checkpoints(world)).toBe(2);
  expect(await faultsOf(world)).toEqual([]);
});

test('beside somebody who publishes cuts and signs, a checkpoint reaches the cut all the same', async () => {
  await using world = await openWorld(2);
  await archiveEvents(world, tableEvents(20));
  const { log, name, epoch, partitions } = world.epoch;
  await using other = folderArchive({ dir: world.dir });
  const signal = AbortSignal.timeout(20_000);
  const publishing = { store: other, clock: systemClock, log, name, epoch, partitions, signer, signMs: 0 };
  const cut = { epoch, next: await world.ends() };
  const [report] = await Promise.all([
    coverCut({ store: world.store, clock: systemClock, signer }, [world.epoch], cut, signal),
    publishCut(publishing),
    publishCut(publishing),
  ]);
  expect(report).not.toBeNull();
  expect(await faultsOf(world)).toEqual([]);
});

test('who has another key signs nothing over the checkpoints of the one that signs', async () => {
  await using world = await openWorld(2);
  await archiveEvents(world, tableEvents(20));
  expect((await rebuildEntities(covered(world))).checkpoint).not.toBeNull();
  await archiveEvents(world, tableEvents(20, 20));
  expect((await rebuildEntities(covered(world, signerOf(4)))).checkpoint).toBeNull();
  expect(await checkpoints(world)).toBe(1);
});
