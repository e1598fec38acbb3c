import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openNote } from '../../../src/formats/note.ts';
import { parseVkey } from '../../../src/formats/note-key.ts';
import { plainLeaves, plainTree } from '../../given/plain-tree.ts';
import { annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { tableEvents, urnOf } from './events.ts';
import { asAdmin, type OwnProfile, ownProfile } from './own-profile.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';

test('the full profile as processes: init, then archiver, projector and api; each drains when it is told to stop', async () => {
  await using profile = await ownProfile();
  const { name } = profile;
  const env = { ...profile.env, ANNAL_SIGNING_KEY_FILE: join(profile.dir, 'signing.key') };
  const key = await annal(['archive', 'key', env.ANNAL_SIGNING_KEY_FILE, '--name', `test/${name}`], {});
  expect(key).toMatchObject({ code: 0 });
  const init = await annal(['init', '--partitions', '3'], env);
  expect(init).toMatchObject({ code: 0, stderr: '' });
  expect(init.stdout).toBe(`epoch 1 of ${name}: topic ${name}.e1 with 3 partitions\n`);
  const topic = await asAdmin(profile.servers, (admin) => admin.fetchTopicOffsets(`${name}.e1`));
  expect(topic).toHaveLength(3);
  expect(await annal(['init'], env)).toMatchObject({ code: 0, stdout: init.stdout });

  // With every port on a server one data folder is nobody's: two archivers share the partitions.
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using other = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  await using api = await startAnnal(['run', 'api'], env);
  for (const process of [archiver, other, projector, api])
    await eventually('ready', 60_000, async () =>
      (await missingAt(process)).length === 0 ? true : undefined,
    );

  const published = await api.call('POST', '/v1/events', tableEvents(300));
  expect(published).toMatchObject({ status: 200, body: { appended: 300, refused: 0, unknown: 0 } });
  expect((await archiver.call('POST', '/v1/events', tableEvents(1))).body).toMatchObject({
    code: 'INTAKE_ABSENT',
  });
  const items = await caughtUp(api);
  expect(items.find(({ projection }) => projection === 'entities')).toMatchObject({ documents: 300 });
  const client = { ANNAL_URL: api.address };
  const found = await annal(['search', 'shop.t77', '--output', 'json'], client);
  expect(JSON.parse(found.stdout)).toMatchObject({ total: 1, items: [{ urn: urnOf('t77') }] });

  await archived(api);
  for (const process of [projector, other, archiver]) {
    const { stderr, ...end } = await process.stop();
    expect(end).toMatchObject({ code: 0, signal: null });
    // Readiness was asked before it was there; nothing else is worth a warning.
    expect(stderr.split('\n').filter((line) => !/^$|"msg":"request answered"/.test(line))).toEqual([]);
  }
  await expectSigned(profile, key.stdout.trim());
  const planned = await annal(['rebuild', 'entities', '--plan', '--output', 'json'], client);
  expect(JSON.parse(planned.stdout)).toMatchObject({ plans: [{ events: 300 }] });
  const rebuilt = await annal(['rebuild', '--all', '--yes'], client);
  expect(rebuilt).toMatchObject({ code: 0, stderr: expect.not.stringContaining('not signed') });
  expect(await annal(['verify', 'history'], client)).toMatchObject({ code: 0 });
  expect(await api.stop()).toMatchObject({ code: 0, signal: null });
});

/** Archivers that ended have brought their trees to the end of what they archived, under a checkpoint of this key. */
async function expectSigned({ servers, name }: OwnProfile, vkey: string): Promise<void> {
  const [truth, state] = await Promise.all(
    ['archive', 'state'].map((container) => readBlobs(servers.blobConnectionString, `${name}-${container}`)),
  );
  const blobs = { truth: truth!, state: state! };
  expect(
    [...blobs.truth].filter(([blob]) => blob.startsWith('keys/')).map(([, bytes]) => `${bytes}`),
  ).toEqual([`${vkey}\n`]);
  let leaves = 0;
  for (let partition = 0; partition < 3; partition += 1) {
    const folder = `${name}/1/${partition}`;
    const tree = plainTree(blobs, folder, plainLeaves(blobs, { topic: name, epoch: 1, partition }));
    expect(tree.faults.filter((fault) => !fault.endsWith('is left over'))).toEqual([]);
    expect(tree.checkpoints.length).toBeGreaterThan(0);
    const newest = blobs.state.get(`trees/${folder}/checkpoint`)!;
    expect(openNote(newest, [parseVkey(vkey)]).known).toHaveLength(1);
    leaves += tree.size;
  }
  expect(leaves).toBe(300);
}

test('an embedded port that processes would share is refused, all of them in one message, and nothing is made', async () => {
  await using profile = await ownProfile();
  const { env, name } = profile;
  const without = (...variables: string[]) =>
    Object.fromEntries(Object.entries(env).filter(([variable]) => !variables.includes(variable)));
  const kafka = 'ANNAL_KAFKA_BROKERS';
  const blob = 'ANNAL_BLOB_CONNECTION_STRING';
  const elasticsearch = 'ANNAL_ELASTICSEARCH_URL';
  for (const [part, missing] of [
    ['archiver', [kafka, blob]],
    ['projector', [kafka, blob, elasticsearch]],
    ['api', [elasticsearch]],
  ] as const) {
    const { code, stdout, stderr } = await annal(['run', part], without(...missing));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [first, ...lines] = stderr.trimEnd().split('\n');
    expect(first).toMatch(/^annal: CONFIG_INVALID: /);
    expect(lines.slice(0, -1).map((line) => line.trim().split(' ')[0])).toEqual([...missing]);
  }
  expect(await asAdmin(profile.servers, (admin) => admin.listTopics())).not.toContain(`${name}.e1`);
});
