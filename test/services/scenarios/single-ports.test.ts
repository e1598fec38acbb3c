import { expect, test } from 'vitest';
import { heard } from '../heard.ts';
import { annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { tableEvents, urnOf } from './events.ts';
import { asAdmin, json, type OwnProfile, ownProfile } from './own-profile.ts';
import { archived, caughtUp } from './progress.ts';

/** Each variable that switches a port: the port, and whether the server holds something of this log. */
const switches: readonly {
  readonly variable: string;
  readonly port: string;
  readonly isUsed: (profile: OwnProfile) => Promise<boolean>;
}[] = [
  {
    variable: 'ANNAL_KAFKA_BROKERS',
    port: 'log',
    isUsed: ({ name, servers }) =>
      asAdmin(servers, async (admin) => (await admin.listTopics()).includes(`${name}.e1`)),
  },
  {
    variable: 'ANNAL_SCHEMA_REGISTRY_URL',
    port: 'registry',
    isUsed: async ({ name, servers }) =>
      ((await heard(() => json(`${servers.schemaRegistryUrl}/subjects`))) as string[]).includes(
        `${name}-value`,
      ),
  },
  {
    variable: 'ANNAL_BLOB_CONNECTION_STRING',
    port: 'archive',
    isUsed: async ({ name, servers }) => {
      const reading = readBlobs(servers.blobConnectionString, `${name}-archive`);
      // No such container: nothing is there.
      return (await reading.catch(() => new Map())).size > 0;
    },
  },
  {
    variable: 'ANNAL_ELASTICSEARCH_URL',
    port: 'read-model',
    isUsed: async ({ name, servers }) =>
      Object.keys((await json(`${servers.elasticsearchUrl}/${name}-*`)) as object).length > 0,
  },
];
const variables = switches.map(({ variable }) => variable);

test.for(switches)('$variable alone switches the $port, and only that; everything works', async ({
  variable,
  port,
}) => {
  await using profile = await ownProfile();
  const env = Object.fromEntries(
    Object.entries(profile.env).filter(([name]) => !variables.includes(name) || name === variable),
  );
  {
    await using all = await startAnnal(['start', '--no-sample'], env);
    const told = all.stderr().match(/^ {2}(?:log|archive|registry|read-model) .*$/gm) ?? [];
    const onServers = told.filter((line) => !/ (?:files|folder|SQLite) /.test(line));
    expect([told.length, onServers.length]).toEqual([4, 1]);
    expect(onServers[0]).toMatch(new RegExp(`^ {2}${port} `));
    expect(await all.call('POST', '/v1/events', tableEvents(200))).toMatchObject({ body: { appended: 200 } });
    await archived(all);
    await caughtUp(all);
    expect(await all.call('GET', '/v1/search?q=shop.t42')).toMatchObject({
      body: { total: 1, items: [{ urn: urnOf('t42') }] },
    });
    const used: string[] = [];
    for (const one of switches) if (await one.isUsed(profile)) used.push(one.port);
    expect(used).toEqual([port]);
    expect(await all.stop()).toMatchObject({ code: 0 });
  }
  // The data folder is this process's alone again: commands take it in their own hands.
  for (const words of [
    ['rebuild', '--all', '--yes'],
    ['verify', 'entities'],
    ['verify', 'history'],
  ])
    expect(await annal(words, env), words.join(' ')).toMatchObject({ code: 0 });
  const { stdout } = await annal(['search', 'shop.t42', '-o', 'json'], env);
  expect(JSON.parse(stdout)).toMatchObject({ total: 1 });
});
