import { expect, test } from 'vitest';
import { countKill } from '../kill-count.ts';
import { type AnnalProcess, annal, startAnnal, startServing } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { nextRelease } from './next-release.ts';
import { ownProfile } from './own-profile.ts';
import { archived, caughtUp, eventually, type ProjectionItem, projectionsOf } from './progress.ts';

const waitMs = 90_000;

const entitiesAt = async (api: AnnalProcess): Promise<ProjectionItem> =>
  (await projectionsOf(api)).find(({ projection }) => projection === 'entities')!;

const published = async (api: AnnalProcess, count: number, from: number): Promise<void> => {
  expect(await api.call('POST', '/v1/events', tableEvents(count, from))).toMatchObject({
    ...{ status: 200, body: { refused: 0, unknown: 0 } },
  });
};

/** Both are as far as the log: what serves, and what is kept. */
const bothCaughtUp = (api: AnnalProcess): Promise<ProjectionItem> =>
  eventually('both indexes as far as the log', waitMs, async () => {
    const found = await entitiesAt(api);
    if (found.lag > 0 || found.kept === null || found.kept.lag > 0) throw new Error(JSON.stringify(found));
    return found;
  });

test('two releases: version 1 is followed by its kept fold before the swap and after, through a projector that is killed; the way back is up to date', {
  timeout: 420_000,
}, async () => {
  await using profile = await ownProfile();
  const { env } = profile;
  using release = nextRelease();
  await annal(['init', '--partitions', '2'], env);
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using api = await startAnnal(['run', 'api'], env);
  const first = await (async () => {
    await using projector = await startAnnal(['run', 'projector'], env);
    await published(api, 200, 0);
    await caughtUp(api, waitMs);
    await projector.stop();
    return (await entitiesAt(api)).index;
  })();

  const next = (part: string): Promise<AnnalProcess> =>
    startServing(release.main, ['run', part, '--output', 'json'], env);
  await using nextApi = await next('api');
  const verified = (by: AnnalProcess) => annal(['verify', 'entities'], { ANNAL_URL: by.address }, waitMs);
  {
    await using projector = await next('projector');
    await published(api, 50, 150);
    await caughtUp(nextApi, waitMs);
    expect(await entitiesAt(nextApi)).toMatchObject({ index: first, version: 1, programVersion: 2 });
    // Under either program: what serves is what its own fold makes.
    await archived(nextApi, waitMs);
    for (const by of [api, nextApi]) expect(await verified(by)).toMatchObject({ code: 0 });

    const rebuilding = annal(['rebuild', 'entities', '--yes'], { ANNAL_URL: nextApi.address }, 2 * waitMs);
    await published(api, 60, 200);
    await projector.kill();
    countKill('SIGKILL', 'projector while version 2 is built');
    await published(api, 40, 100);
    expect(await rebuilding).toMatchObject({ code: 0 });
  }
  {
    await using projector = await next('projector');
    const after = await bothCaughtUp(nextApi);
    expect(after).toMatchObject({ version: 2, kept: { index: first, version: 1 } });
    await published(api, 300, 0);
    await projector.kill();
    countKill('SIGKILL', 'projector that follows two versions');
  }
  await using projector = await next('projector');
  await published(api, 20, 500);
  const both = await bothCaughtUp(nextApi);

  const back = await nextApi.call('POST', '/v1/projections/entities/rollback');
  expect(back).toMatchObject({ status: 200, body: { index: first, version: 1, replaced: both.index } });
  expect(back.body.tookMs).toBeLessThan(1_000);
  expect(await entitiesAt(nextApi)).toMatchObject({ version: 1, lag: 0 });
  await archived(nextApi, waitMs);
  for (const by of [api, nextApi]) expect(await verified(by)).toMatchObject({ code: 0 });

  const forward = await nextApi.call('POST', '/v1/projections/entities/rollback');
  expect(forward).toMatchObject({ status: 200, body: { index: both.index, version: 2 } });
  // The program of before follows and verifies by the code that the next one kept.
  for (const by of [api, nextApi]) expect(await verified(by)).toMatchObject({ code: 0 });
  const retired = await nextApi.call('POST', '/v1/projections/entities/retire', {});
  expect(retired).toMatchObject({ status: 200, body: { retired: first } });
  for (const process of [projector, nextApi, api, archiver])
    expect(await process.stop()).toMatchObject({ code: 0, signal: null });
});
