import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { expect, test } from 'vitest';
import { eventSchemaSha256 } from '../../../src/formats/event.ts';
import { plainFold } from '../../given/plain-reducer.ts';
import { plainRoot } from '../../given/plain-root.ts';
import { heard } from '../heard.ts';
import { type AnnalProcess, annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { urnOf } from './events.ts';
import { asAdmin, forgetLog, kafkaOf, newName, type OwnProfile, ownProfile } from './own-profile.ts';
import { readIndex, readTopic } from './plain-readers.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';
import { strangers } from './strangers.ts';
import { type Acknowledged, traffic } from './traffic.ts';

const partitions = 3;
const eventSchema = readFileSync(
  new URL('../../../schemas/events/MetadataChangeEvent.avsc', import.meta.url),
  'utf8',
);

interface Parts extends AsyncDisposable {
  readonly archiver: AnnalProcess;
  readonly projector: AnnalProcess;
  readonly api: AnnalProcess;
  stop(): Promise<void>;
}

/** The three parts as processes. */
async function started(env: OwnProfile['env']): Promise<Parts> {
  await using starting = new AsyncDisposableStack();
  const [archiver, projector, api] = await Promise.all(
    ['archiver', 'projector', 'api'].map((part) => startAnnal(['run', part], env)),
  );
  for (const process of [archiver!, projector!, api!]) starting.use(process);
  const running = starting.move();
  return {
    ...{ archiver: archiver!, projector: projector!, api: api! },
    async stop() {
      for (const process of [projector!, archiver!, api!])
        expect(await process.stop()).toMatchObject({ code: 0 });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function publish({ api }: Parts, seed: number, count: number): Promise<void> {
  const source = traffic(seed, 300);
  const acknowledged: Acknowledged[] = [];
  for (let sent = 0; sent < count; sent += 500) {
    const batch = Array.from({ length: 500 }, () => source.next(acknowledged));
    const { body } = await api.call('POST', '/v1/events', batch);
    expect(body).toMatchObject({ refused: 0, unknown: 0 });
    for (const [n, { position }] of (body.results as { position: string }[]).entries())
      acknowledged.push({ event: batch[n]!, position });
  }
}

/** One event by the inbox, and the number of those that came that way so far. */
async function byInbox({ name, servers }: OwnProfile, { api }: Parts, count: number): Promise<void> {
  const registry = new SchemaRegistry({ host: servers.schemaRegistryUrl });
  const { id } = await heard(() =>
    registry.register({ type: SchemaType.AVRO, schema: eventSchema }, { subject: `${name}-inbox` }),
  );
  const event = {
    ...{ urn: urnOf(`inbox${count}`), aspect: 'datasetProperties', change: 'UPSERT', id: Buffer.alloc(16) },
    ...{ namespace: '', entityType: '', occurredAt: 0, expect: null, actor: '', recordedBy: '', group: null },
    ...{ aspectSchema: null, source: null, correlationId: randomUUID(), causationId: null },
    value: Buffer.from('{}'),
  };
  const producer = kafkaOf(servers).producer();
  await producer.connect();
  await producer.send({
    topic: `${name}.inbox`,
    messages: [{ value: await heard(() => registry.encode(id, event)), partition: 0 }],
  });
  await producer.disconnect();
  await eventually('the event of the inbox', 60_000, async () =>
    (await api.call('GET', `/v1/search?q=inbox${count}`)).body.total === 1 ? true : undefined,
  );
}

async function verified({ api }: Parts): Promise<Record<string, string>> {
  const roots: Record<string, string> = {};
  for (const name of ['entities', 'history', 'edges']) {
    const { code, stdout, stderr } = await annal(['verify', name, '-o', 'json'], { ANNAL_URL: api.address });
    expect(code, stderr).toBe(0);
    roots[name] = (JSON.parse(stdout) as { foundRoot: string }).foundRoot;
  }
  return roots;
}

async function plainRoots({ name, servers }: OwnProfile, prefix: string): Promise<Record<string, string>> {
  const fold = plainFold([{ epoch: 1, records: await readTopic(servers, `${name}.e1`) }], eventSchemaSha256);
  for (const projection of ['entities', 'history', 'edges'] as const)
    expect(plainRoot(await readIndex(servers.elasticsearchUrl, `${prefix}-${projection}`))).toBe(
      plainRoot(fold[projection]),
    );
  return {
    entities: plainRoot(fold.entities),
    history: plainRoot(fold.history),
    edges: plainRoot(fold.edges),
  };
}

test('everything but the archive deleted: recovered in place, the roots are what they were, and the log goes on', async () => {
  const busy = { ANNAL_ARCHIVE_FLUSH_BYTES: '64KiB', ANNAL_ARCHIVE_SEAL_BYTES: '256KiB' };
  await using profile = await ownProfile({ ANNAL_INBOX: 'on', ...busy });
  const { env, name, servers } = profile;
  await annal(['init', '--partitions', String(partitions)], env);
  let before: Record<string, string>;
  {
    await using parts = await started(env);
    await publish(parts, 7, 5_000);
    await byInbox(profile, parts, 1);
    const producer = kafkaOf(servers).producer();
    await producer.connect();
    for (const { message } of strangers(partitions, 1))
      await producer.send({ topic: `${name}.e1`, messages: [message] });
    await producer.disconnect();
    await archived(parts.api);
    await caughtUp(parts.api);
    before = await verified(parts);
    await parts.stop();
    expect(await plainRoots(profile, name)).toEqual(before);
  }
  const refused = await annal(['recover', '--in-place', '--yes'], env);
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('LOG_PRESENT') });

  await forgetLog(servers, name);
  // Another engine too: nothing of the old names may be needed.
  const fresh = { ...env, ANNAL_ELASTICSEARCH_PREFIX: newName(), ANNAL_INBOX_SOURCE: 'inbox-2' };
  const topics = () => asAdmin(servers, (admin) => admin.listTopics());
  await eventually('the topics gone', 30_000, async () =>
    (await topics()).some((topic) => topic.startsWith(name)) ? undefined : true,
  );
  const archive = await readBlobs(servers.blobConnectionString, `${name}-archive`);
  expect(await annal(['run', 'api'], fresh)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('LOG_FORK'),
  });
  expect(await annal(['recover', '--in-place'], fresh)).toMatchObject({ code: 2 });
  const recovered = await annal(['recover', '--in-place', '--yes', '-o', 'json'], fresh);
  expect(recovered.code, recovered.stderr).toBe(0);
  const { built, opens } = JSON.parse(recovered.stdout) as {
    built: { projection: string; root: string }[];
    opens: number;
  };
  expect(opens).toBe(2);
  expect(Object.fromEntries(built.map(({ projection, root }) => [projection, root]))).toEqual(before);

  {
    await annal(['init'], fresh);
    await using parts = await started(fresh);
    await caughtUp(parts.api);
    expect(await verified(parts)).toEqual(before);
    await publish(parts, 8, 1_000);
    await byInbox(profile, parts, 2);
    await archived(parts.api);
    await caughtUp(parts.api);
    expect(await verified(parts)).not.toEqual(before);
    for (const process of [parts.archiver, parts.projector, parts.api])
      expect(await missingAt(process)).toEqual([]);
    await parts.stop();
  }
  // Nothing that was archived before was touched.
  const after = await readBlobs(servers.blobConnectionString, `${name}-archive`);
  for (const [blob, bytes] of archive) expect(after.get(blob)?.equals(bytes), blob).toBe(true);
  await forgetLog(servers, fresh.ANNAL_ELASTICSEARCH_PREFIX);
});
