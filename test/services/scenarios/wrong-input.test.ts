import { expect, onTestFinished, test } from 'vitest';
import { annal, type Ended, startAnnal } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { asAdmin, type OwnProfile, ownProfile } from './own-profile.ts';
import { caughtUp, eventually, missingAt } from './progress.ts';

// A port of the loopback address on which nobody listens: below all that this machine gives out.
const nobody = '127.0.0.1:9';

async function profiled(more: Record<string, string> = {}): Promise<OwnProfile> {
  const profile = await ownProfile(more);
  onTestFinished(() => profile[Symbol.asyncDispose]());
  return profile;
}

/** What a person sees: one line that says what is wrong and where, one that says what to do. */
function expectCause({ code, stderr }: Ended, cause: RegExp, exitCode = 1): void {
  expect(code).toBe(exitCode);
  const lines = stderr.trimEnd().split('\n');
  expect(lines[0]).toMatch(cause);
  expect(lines[1]).toMatch(/^ {2}→ /);
  expect(lines).toHaveLength(2);
}

test('a wrong broker or account says so in a line, and leaves nothing that a later start would trip over', async () => {
  const { env, servers, name } = await profiled();
  const noBroker = { ...env, ANNAL_KAFKA_BROKERS: nobody };
  expectCause(
    await annal(['start', '--no-sample'], noBroker),
    /^annal: LOG_UNAVAILABLE: .*connect ECONNREFUSED 127\.0\.0\.1:9\)$/,
  );
  const noBlob = servers.blobConnectionString.replace(
    /BlobEndpoint=[^;]*/,
    `BlobEndpoint=http://${nobody}/x`,
  );
  expectCause(
    await annal(['init'], { ...env, ANNAL_BLOB_CONNECTION_STRING: noBlob }),
    /^annal: STORE_UNAVAILABLE: .*ECONNREFUSED/,
  );
  const otherKey = servers.blobConnectionString.replace(
    /AccountKey=[^;]*/,
    `AccountKey=${Buffer.alloc(64).toString('base64')}`,
  );
  const refused = await annal(['init'], { ...env, ANNAL_BLOB_CONNECTION_STRING: otherKey });
  expectCause(refused, /^annal: STORE_UNAVAILABLE: .*status 403/);
  expect(refused.stderr).not.toContain('AccountKey');
  const init = await annal(['init', '--partitions', '3'], env);
  expect(init).toMatchObject({ code: 0 });
  expect(init.stdout).toContain(`topic ${name}.e1 with 3 partitions`);
  expectCause(
    await annal(['init', '--partitions', '4'], env),
    /^annal: TOPIC_MISMATCH: .*has 3 partitions$/,
    4,
  );
});

test('a topic that is not the one of its epoch is told apart: other size, made again, used by another log', async () => {
  const { env, servers, name } = await profiled();
  const topic = `${name}.e1`;
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const make = (numPartitions: number) =>
    eventually('the topic made', 30_000, () =>
      asAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })),
    );
  await make(5);
  expectCause(
    await annal(['init', '--partitions', '3'], env),
    /^annal: TOPIC_MISMATCH: .*partitions 3, found 5\)$/,
  );
  const init = await annal(['init', '--partitions', '5'], env);
  expect(init.stdout).toContain('5 partitions');
  expectCause(
    await annal(['run', 'archiver'], { ...env, ANNAL_TOPIC: `${name}x` }),
    /^annal: TOPIC_MISMATCH: .*holds scn[0-9a-f]+, configured scn[0-9a-f]+x\)$/,
  );
  {
    await using all = await startAnnal(['start', '--no-sample'], env);
    await all.call('POST', '/v1/events', tableEvents(50));
    await caughtUp(all);
    await all.stop();
  }
  expectCause(
    await annal(['run', 'api'], { ...env, ANNAL_BLOB_PREFIX: `${name}x`, ANNAL_PARTITIONS: '5' }),
    /^annal: TOPIC_MISMATCH: .*only the topic has records\)$/,
  );
  await asAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] }));
  await make(5);
  expectCause(
    await annal(['run', 'api'], env),
    /^annal: LOG_FORK: .*ends at 0 in partition \d+, and \d+ were archived\)$/,
  );
});

test('a wrong address of the engine is named by readiness, by doctor and in the log; publishing goes on', async () => {
  const { env, servers } = await profiled();
  await annal(['init'], env);
  // Not there at all, and another server than meant.
  for (const url of [`http://${nobody}`, servers.schemaRegistryUrl]) {
    const wrong = { ...env, ANNAL_ELASTICSEARCH_URL: url };
    await using projector = await startAnnal(['run', 'projector'], wrong);
    const missing = async () =>
      (await missingAt(projector)).includes('MODEL_UNAVAILABLE') ? true : undefined;
    await eventually('the engine named', 30_000, missing);
    const { code, stderr } = await projector.stop();
    expect(code).toBe(0);
    expect(stderr).toMatch(/"code":"MODEL_UNAVAILABLE".*"msg":"projection fault"/);
    const doctor = await annal(['doctor'], wrong);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout.split('\n').filter((line) => line.startsWith('fail'))).toEqual([
      expect.stringMatching(/^fail +Elasticsearch /),
    ]);
  }
  await using api = await startAnnal(['run', 'api'], { ...env, ANNAL_ELASTICSEARCH_URL: `http://${nobody}` });
  expect(await missingAt(api)).toEqual(['MODEL_UNAVAILABLE']);
  expect(await api.call('POST', '/v1/events', tableEvents(1)[0])).toMatchObject({ status: 201 });
  expect(await api.call('GET', '/v1/search?q=t')).toMatchObject({
    status: 503,
    body: { code: 'MODEL_UNAVAILABLE' },
  });
});

test('a wrong address of the registry: nothing is taken in, and it is named', async () => {
  const { env } = await profiled({ ANNAL_SCHEMA_REGISTRY_URL: `http://${nobody}` });
  await annal(['init'], env);
  await using api = await startAnnal(['run', 'api'], env);
  expect(await missingAt(api)).toEqual(['REGISTRY_UNAVAILABLE']);
  const answer = await api.call('POST', '/v1/events', tableEvents(1)[0]);
  expect(answer).toMatchObject({ status: 503, body: { code: 'REGISTRY_UNAVAILABLE' } });
});

test('indexes of another log are neither read nor written, and it is told whose prefix it is', async () => {
  const first = await profiled();
  {
    await using all = await startAnnal(['start', '--no-sample'], first.env);
    await all.call('POST', '/v1/events', tableEvents(20));
    await caughtUp(all);
    await all.stop();
  }
  const second = await profiled({ ANNAL_ELASTICSEARCH_PREFIX: first.name });
  // The page and the API are there all the same: somebody has to see what is wrong.
  await using other = await startAnnal(['start', '--no-sample'], second.env);
  expect(other.stderr()).toMatch(/^entities is not ready: MODEL_OF_ANOTHER_LOG: .*index entities-v1-/m);
  expect(await missingAt(other)).toEqual(['MODEL_OF_ANOTHER_LOG']);
  await other.call('POST', '/v1/events', tableEvents(5, 100));
  const search = await other.call('GET', '/v1/search?q=shop');
  expect(search).toMatchObject({ status: 500, body: { code: 'MODEL_OF_ANOTHER_LOG' } });
  expectCause(
    await annal(['rebuild', 'entities', '--yes', '--quiet'], { ANNAL_URL: other.address }),
    /^annal: MODEL_OF_ANOTHER_LOG: .*index entities-v1-/,
  );
  await using again = await startAnnal(['start', '--no-sample'], first.env);
  expect(await caughtUp(again)).toContainEqual(
    expect.objectContaining({ projection: 'entities', documents: 20 }),
  );
});
