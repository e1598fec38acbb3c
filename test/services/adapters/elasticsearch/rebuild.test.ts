import { expect, test } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { entities } from '../../../../src/projections/entities.ts';
import { predecessor, retire, rollback } from '../../../../src/streams/kept-indexes.ts';
import { readJob } from '../../../../src/streams/rebuild-job.ts';
import { planRebuild } from '../../../../src/streams/rebuild-plan.ts';
import { anEvent } from '../../../given/events.ts';
import { archiveEvents, blobsBelow, rebuildEntities, rootOfIndex, tableUrn } from '../../../given/rebuilt.ts';
import { manyEvents, openWorld } from '../../../given/world.ts';
import { between, elasticsearchUrl, type Interference, json, ownPrefix } from './given.ts';

const tables = 40;
const text100k = 'x'.repeat(100_000);
const { definition } = entities;

const busy = {
  status: 429,
  body: Buffer.from('{"error":{"type":"circuit_breaking_exception","reason":"heap"},"status":429}'),
};

test('a node that stops in the midst of filling, and a storm of 429: gone on with, the same root as SQLite; then back and retired', async () => {
  await using world = await openWorld(1);
  await using place = ownPrefix();
  await archiveEvents(
    world,
    manyEvents(tables, (n) =>
      anEvent({ n, urn: tableUrn(n), value: { name: `table ${n}`, description: text100k } }),
    ),
  );
  const inSqlite = await rebuildEntities(world.context);
  let bulks = 0;
  let trouble: Interference = (_, forward) => forward();
  await using proxy = await between((asked, forward) => trouble(asked, forward));
  await using model = elasticsearchReadModel({ url: proxy.url, prefix: place.prefix });
  await using direct = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  const context = { ...world.context, model };
  const first = await rebuildEntities(context);
  expect(first).toMatchObject({ root: inSqlite.root, replaced: null });

  // The second bulk is stored and not answered, and then nobody is there.
  trouble = async (asked, forward) => {
    if (asked.path.includes('/_bulk')) bulks += 1;
    if (bulks < 2) return forward();
    if (bulks === 2) await forward();
    return 'cut';
  };
  await expect(rebuildEntities(context)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  const left = (await readJob(world.store.state, 'entities'))!;
  expect(left.step).toBe('fill');
  expect((await direct.serving(definition))?.name).toBe(first.index);

  // Back again, it is too busy for a while.
  let refused = 0;
  trouble = async (asked, forward) => {
    if (!asked.path.includes('/_bulk') || refused >= 3) return forward();
    refused += 1;
    return busy;
  };
  const { clock } = context;
  const hurried = { ...clock, wait: (ms: number, signal?: AbortSignal) => clock.wait(ms / 100, signal) };
  const report = await rebuildEntities({ ...context, clock: hurried, patienceMs: 60_000 });
  expect(report).toMatchObject({ id: left.id, index: left.index, resumed: 1, root: first.root });
  expect(refused).toBe(3);
  expect(await blobsBelow(world, `rebuilds/${report.id}/`)).toEqual([]);
  expect(await rootOfIndex((await direct.serving(definition))!)).toBe(first.root);

  const back = await rollback(context, entities, 'back');
  expect(back).toMatchObject({ index: first.index, replaced: report.index });
  expect(back.tookMs).toBeLessThan(1_000);
  const alias = await json('GET', `/_alias/${place.prefix}-entities`);
  expect(Object.keys(alias)).toEqual([`${place.prefix}-${first.index}`]);
  expect((await planRebuild(context, entities)).drops).toBe(report.index);
  expect(await retire(context, entities, 'gone')).toBe(report.index);
  expect(await predecessor(context, entities)).toBeUndefined();
  expect((await direct.list()).map(({ name }) => name)).toEqual([first.index]);
});
