import { expect, test } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import type { ReadModel } from '../../../../src/ports/read-model.ts';
import { entities } from '../../../../src/projections/entities.ts';
import { type Projector, startProjector } from '../../../../src/streams/projector.ts';
import { verify } from '../../../../src/streams/verify.ts';
import { rebuildEntities, tableEvents } from '../../../given/rebuilt.ts';
import { openWorld, type World } from '../../../given/world.ts';
import { between, elasticsearchUrl, type Interference, json, ownPrefix } from './given.ts';

const soon = (): AbortSignal => AbortSignal.timeout(60_000);
const refused = (status: number, type: string) => ({
  status,
  body: Buffer.from(JSON.stringify({ error: { type, reason: 'a test' }, status })),
});
const isBulk = (path: string): boolean => path.includes('/_bulk');

interface Followed {
  readonly world: World;
  readonly prefix: string;
  readonly model: ReadModel;
  readonly projector: Projector;
  /** Stands between the projector and the engine from now on. */
  interfere(by: Interference): void;
}

/** A log that is archived and followed into Elasticsearch: 50 events are there. */
async function followed(work: (given: Followed) => Promise<void>): Promise<void> {
  await using world = await openWorld(2);
  await using place = ownPrefix();
  let trouble: Interference = (_, forward) => forward();
  await using proxy = await between((asked, forward) => trouble(asked, forward));
  await using model = elasticsearchReadModel({ url: proxy.url, prefix: place.prefix });
  await using direct = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  const context = { ...world.context, model };
  const archiver = world.archiver();
  const projector = startProjector({
    ...context,
    ...{ projection: entities, log: world.log, group: 'annal.entities', lateMs: 0, lookMs: 20, retryMs: 20 },
    build: async () => void (await rebuildEntities(context)),
    onNotice: () => undefined,
  });
  try {
    await world.append(tableEvents(50));
    await projector.reach(await world.ends(), soon());
    const interfere = (by: Interference): void => {
      trouble = by;
    };
    await work({ world, prefix: place.prefix, model: direct, projector, interfere });
    interfere((_, forward) => forward());
    await projector.reach(await world.ends(), soon());
    await archiver.reach(await world.ends(), soon());
    const barrier = { others: false, hold: () => projector.hold() };
    const verified = await verify({ ...context, barrier }, entities, 'after', () => undefined, soon());
    expect(verified).toMatchObject({ equal: true, differing: 0 });
  } finally {
    await projector.stop();
    await archiver.stop();
  }
}

test('an engine that refuses whole requests for a while (429, 503) is waited for, and nothing is lost or doubled', () =>
  followed(async ({ world, projector, interfere }) => {
    let asked = 0;
    let told = false;
    const storm = [refused(429, 'circuit_breaking_exception'), refused(503, 'cluster_block_exception')];
    interfere(async ({ path }, forward) => {
      if (!isBulk(path) || (asked >= 6 && told)) return forward();
      asked += 1;
      return storm[asked % 2]!;
    });
    await world.append(tableEvents(40, 1_000));
    await expect.poll(() => projector.status().fault?.code).toBe('MODEL_UNAVAILABLE');
    told = true;
    await projector.reach(await world.ends(), soon());
    expect(asked).toBeGreaterThanOrEqual(6);
    await expect.poll(() => projector.status()).toMatchObject({ state: 'running', fault: undefined });
  }));

test('an engine that is away for long: the log is taken in and archived, the lag is told, and one batch a lane waits', () =>
  followed(async ({ world, projector, interfere }) => {
    interfere(async () => 'cut');
    await expect.poll(() => projector.status().state).toBe('waiting');
    const { lanes } = projector.status();
    const archiver = world.archiver();
    for (let round = 0; round < 20; round += 1) await world.append(tableEvents(30, 2_000 + 30 * round));
    await archiver.reach(await world.ends(), soon());
    await archiver.stop();
    expect(projector.status()).toMatchObject({
      ...{ state: 'waiting', lanes, fault: { code: 'MODEL_UNAVAILABLE', remedy: 'retry' } },
    });
    await expect.poll(() => projector.status().lag).toBe(600);
    interfere((_, forward) => forward());
    await expect.poll(() => projector.status().lag).toBe(0);
  }));

test('an index that somebody deleted is missed and made again from the archive, beside what comes meanwhile', () =>
  followed(async ({ world, prefix, model, projector }) => {
    const { name } = (await model.serving(entities.definition))!;
    expect(await json('DELETE', `/${prefix}-${name}`)).toEqual({ acknowledged: true });
    await world.append(tableEvents(40, 3_000));
    await expect.poll(async () => (await model.serving(entities.definition))?.name).not.toBe(undefined);
    await projector.reach(await world.ends(), soon());
    const made = (await model.serving(entities.definition))!;
    expect(made.name).not.toBe(name);
    expect((await model.list()).map((index) => index.name)).toEqual([made.name]);
  }));
