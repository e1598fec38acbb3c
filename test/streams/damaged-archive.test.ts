import { expect, test } from 'vitest';
import type { TruthStore } from '../../src/ports/archive.ts';
import { entities } from '../../src/projections/entities.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { segmentFirsts } from '../../src/streams/chain.ts';
import { archiveEvents, rebuildEntities, tableEvents } from '../given/rebuilt.ts';
import { openWorld } from '../given/world.ts';

type Damage = (truth: TruthStore, names: readonly [string, string]) => Partial<TruthStore>;

const damages: Readonly<Record<string, Damage>> = {
  'a segment that is missing': (truth, [, name]) => ({
    read: async (blob) => (blob === name ? undefined : truth.read(blob)),
    async *list(prefix) {
      for await (const blob of truth.list(prefix)) if (blob.name !== name) yield blob;
    },
  }),
  'a segment that was cut off': (truth, [, name]) => ({
    async read(blob) {
      const bytes = await truth.read(blob);
      return blob === name ? bytes?.subarray(0, bytes.length - 20) : bytes;
    },
  }),
  'two segments that changed places': (truth, [one, other]) => ({
    read: (blob) => truth.read(blob === one ? other : blob === other ? one : blob),
  }),
};

test.each(
  Object.keys(damages),
)('a rebuild from an archive with %s is refused, and what served serves', async (what) => {
  await using world = await openWorld(1);
  const archiver = world.archiver({ limits: { sealBytes: 1 } });
  for (let first = 0; first < 50; first += 10) {
    await world.append(tableEvents(10, first));
    await archiver.reach(await world.ends(), AbortSignal.timeout(20_000));
  }
  await archiver.stop();
  await archiveEvents(world, tableEvents(5, 50));
  const { index } = await rebuildEntities(world.context);
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  const [, one, other] = (await segmentFirsts(world.store.truth, lane)).map((first) =>
    segmentName(lane, first),
  );
  const { truth } = world.store;
  const damaged = { ...truth, ...damages[what]!(truth, [one!, other!]) };
  const refused = rebuildEntities({ ...world.context, store: { ...world.store, truth: damaged } });
  await expect(refused).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    facts: { blob: expect.stringContaining(segmentName(lane, 0).slice(0, -'00000.avro'.length - 15)) },
  });
  expect((await world.model.serving(entities.definition))?.name).toBe(index);
  expect((await world.model.list()).map(({ name }) => name)).toEqual([index]);
});
