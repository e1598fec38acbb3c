import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openNote } from '../../../src/formats/note.ts';
import { parseVkey } from '../../../src/formats/note-key.ts';
import type { DrillReport, KeptDrill } from '../../../src/streams/drill-report.ts';
import { annal, spawned, startAnnal } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { json, ownProfile } from './own-profile.ts';
import { archived, caughtUp, eventually } from './progress.ts';

const partitions = 3;

test('on servers: proven beside what serves, which stays as it is; what a killed one left goes with the next', {
  timeout: 240_000,
}, async () => {
  await using profile = await ownProfile();
  const { name, servers } = profile;
  const env = { ...profile.env, ANNAL_SIGNING_KEY_FILE: join(profile.dir, 'signing.key') };
  const key = await annal(['archive', 'key', env.ANNAL_SIGNING_KEY_FILE, '--name', `test/${name}`], {});
  await annal(['init', '--partitions', String(partitions)], env);
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  await using api = await startAnnal(['run', 'api'], env);
  await api.call('POST', '/v1/events', tableEvents(600));
  await archived(api);
  await caughtUp(api);
  const indexes = async (): Promise<object> =>
    (await json(`${servers.elasticsearchUrl}/${name}-*/_alias`)) as object;
  const scratch = async (): Promise<string[]> =>
    Object.keys(await indexes()).filter((index) => index.startsWith(`${name}-drill-`));
  const before = await indexes();

  const killed = spawned('src/apps/cli/main.ts', ['drill'], env);
  while ((await scratch()).length === 0) {
    if (killed.child.exitCode !== null)
      throw new Error(`it ended before it could be killed:\n${killed.stderr()}`);
    await pause(5);
  }
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  expect((await scratch()).length).toBeGreaterThan(0);

  // The claim of the killed one goes stale first.
  const { stdout } = await eventually('a drill', 90_000, async () => {
    const ended = await annal(['drill', '-o', 'json'], env);
    if (ended.code !== 0) throw new Error(ended.stderr);
    return ended;
  });
  const report = JSON.parse(stdout) as DrillReport;
  expect(report).toMatchObject({ kind: 'drill', result: 'proven', name });
  expect(report.models.map(({ projection }) => projection)).toEqual(['entities', 'history', 'edges']);
  for (const { root, live } of report.models) expect(live?.root).toBe(root);
  expect(await indexes()).toEqual(before);

  const told = await annal(['drill', 'report', '-o', 'json'], { ANNAL_URL: api.address });
  const { note, report: kept } = JSON.parse(told.stdout) as KeptDrill;
  expect(kept).toEqual(report);
  expect(openNote(Buffer.from(note), [parseVkey(key.stdout.trim())]).known).toHaveLength(1);
  expect(await (await fetch(`${api.address}/metrics`)).text()).toMatch(/^annal_drill_proven 1$/m);
  for (const process of [projector, archiver, api]) expect(await process.stop()).toMatchObject({ code: 0 });
});
