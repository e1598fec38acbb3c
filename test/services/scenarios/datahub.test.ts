import { expect, test } from 'vitest';
import { emitProposals, pythonWithSdk } from '../datahub/sdk.ts';
import { countKill } from '../kill-count.ts';
import { type AnnalProcess, annal, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { asAdmin, ownProfile } from './own-profile.ts';
import { caughtUp, eventually, missingAt } from './progress.ts';

const datasets = 125;
const aspectsEach = 8;
/** Events of the one that is taken, and a record that is refused. */
const ofSnapshots = 3;
const installMs = 600_000;

const snapshotUrn = 'urn:li:dataset:(urn:li:dataPlatform:hive,lake.snapshot,PROD)';

interface EventItem {
  readonly urn: string;
  readonly aspect: string;
  readonly outcome: string;
  readonly value: unknown;
  readonly recordedBy: string;
  readonly source: { readonly plugin: string; readonly foreign: Readonly<Record<string, string>> };
}

/** Everything a list of the API holds, page by page. */
async function all<T>(api: AnnalProcess, path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await api.call('GET', `${path}${cursor}`);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
    items.push(...(body.items as T[]));
    if (body.next === undefined) return items;
    cursor = `&cursor=${encodeURIComponent(String(body.next))}`;
  }
}

const byPlace = <T extends { readonly partition: number; readonly offset: number }>(
  items: readonly T[],
): T[] => [...items].sort((a, b) => a.partition - b.partition || a.offset - b.offset);

// The SDK is fetched once; that may take longer than the scenario.
test('the SDK is there', { timeout: installMs }, async () => {
  expect(await pythonWithSdk()).toMatch(/python$/);
});

test('1,000 proposals of the DataHub SDK are found by search and history; what is not taken is kept; nothing else', async () => {
  await using profile = await ownProfile();
  const { servers, name, dir } = profile;
  const topic = `${name}-proposals`;
  const snapshots = `${name}-snapshots`;
  const env = { ...profile.env, ANNAL_DATAHUB_TOPIC: topic, ANNAL_DATAHUB_SNAPSHOTS_TOPIC: snapshots };
  const topics = [
    { topic, numPartitions: 3 },
    { topic: snapshots, numPartitions: 1 },
  ];
  await asAdmin(servers, (admin) => admin.createTopics({ topics }));
  await annal(['init'], env);
  const emitted = await emitProposals(
    { brokers: servers.kafkaBrokers, registryUrl: servers.schemaRegistryUrl, topic, snapshots },
    datasets,
    dir,
  );
  const [taken, refused] = [
    emitted.filter(({ expect: code }) => code === null),
    emitted.filter(({ expect: code }) => code !== null),
  ];
  expect([taken.length, refused.length]).toEqual([datasets * aspectsEach, 4]);

  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  // Killed while it carries: what it carried and had not noted is read again.
  const killed = await startAnnal(['run', 'api'], env);
  await eventually('the first events in the log', 60_000, async () => {
    const ends = await asAdmin(servers, (admin) => admin.fetchTopicOffsets(`${name}.e1`));
    return ends.some(({ high }) => Number(high) > 0) ? true : undefined;
  });
  await killed.kill();
  countKill('SIGKILL', 'a bridge');
  await using api = await startAnnal(['run', 'api'], env);
  await eventually('all carried', 90_000, async () => {
    await caughtUp(api);
    const kept = await readBlobs(servers.blobConnectionString, `${name}-state`, 'refused/');
    const { body } = await api.call('GET', '/v1/events?limit=1&outcome=applied');
    if (Number(body.total) + kept.size < emitted.length + ofSnapshots)
      throw new Error(`${body.total} and ${kept.size}`);
    return true;
  });

  const events = await all<EventItem>(api, '/v1/events?limit=1000&order=asc');
  const applied = events.filter(({ outcome }) => outcome === 'applied');
  // Read again after the kill it has no second effect; nothing else may have come of it.
  expect([...new Set(events.map(({ outcome }) => outcome))].filter((one) => one !== 'duplicate')).toEqual([
    'applied',
  ]);
  const [fromTopic, fromSnapshots] = [topic, snapshots].map((one) =>
    applied.filter(({ source: { foreign } }) => foreign.topic === one),
  ) as [EventItem[], EventItem[]];
  const shown = fromSnapshots.map(({ urn, aspect, value, recordedBy }) => ({
    urn,
    aspect,
    value,
    recordedBy,
  }));
  const ofSnapshot = { urn: snapshotUrn, recordedBy: 'bridge:datahub-snapshots' };
  expect(shown.sort((a, b) => (a.aspect < b.aspect ? -1 : 1))).toEqual([
    {
      ...{ ...ofSnapshot, aspect: 'datasetProperties' },
      value: { customProperties: { rows: '1e3' }, name: 'snapshot', tags: [] },
    },
    { ...ofSnapshot, aspect: 'status', value: { removed: false } },
  ]);
  const found = fromTopic.map(({ urn, aspect, value, source: { foreign } }) => ({
    ...{ urn, aspect, value, partition: Number(foreign.partition), offset: Number(foreign.offset) },
    expect: null,
  }));
  expect(byPlace(found)).toEqual(byPlace(taken));
  expect(new Set(fromTopic.map(({ recordedBy }) => recordedBy))).toEqual(new Set(['bridge:datahub']));
  await searchable(api, taken);
  await kept(servers.blobConnectionString, `${name}-state`, refused);
  for (const process of [api, projector, archiver]) {
    expect(await missingAt(process)).toEqual([]);
    expect(await process.stop()).toMatchObject({ code: 0 });
  }
});

/** Each dataset by its name, by a column of its own, by all that filters know, and with its whole history. */
async function searchable(api: AnnalProcess, taken: readonly { urn: string }[]): Promise<void> {
  const urns = [...new Set(taken.map(({ urn }) => urn))];
  const listed = await all<{ urn: string }>(api, '/v1/search?platform=hive&type=dataset&limit=50');
  expect(listed.map(({ urn }) => urn).sort()).toEqual([...urns, snapshotUrn].sort());
  const numbers = urns.map((urn) => Number(/table_(\d+),/.exec(urn)![1]));
  for (const [at, urn] of urns.entries()) {
    const n = numbers[at]!;
    for (const word of [`lake.table_${n}`, `col_${n}`]) {
      const { body } = await api.call('GET', `/v1/search?limit=1000&q=${word}`);
      expect((body.items as { urn: string }[]).map((hit) => hit.urn)).toContain(urn);
    }
    const { body } = await api.call('GET', `/v1/entities/${encodeURIComponent(urn)}/history?limit=100`);
    const own = (body.items as EventItem[]).filter(({ outcome }) => outcome === 'applied');
    expect(own).toHaveLength(aspectsEach);
  }
  const tagged = await all<{ urn: string }>(api, '/v1/search?tag=tag_2&owner=g2&limit=50');
  expect(tagged.length).toBe(numbers.filter((n) => n % 5 === 2 && n % 7 === 2).length);
}

/** What was refused stands beside the log with its reason; of personal data only that it was there. */
async function kept(
  connectionString: string,
  container: string,
  refused: readonly { partition: number; offset: number; expect: string | null }[],
): Promise<void> {
  const blobs = await readBlobs(connectionString, container, 'refused/');
  const ofPerson = 'refused/datahub-snapshots/datahub-snapshots/0/1.json';
  expect(JSON.parse(blobs.get(ofPerson)!.toString('utf8')).refusals).toEqual([
    { index: 0, code: 'SEALING_REQUIRED' },
  ]);
  const told = [...blobs]
    .filter(([blob]) => blob !== ofPerson)
    .map(([blob, bytes]) => {
      const { partition, offset, refusals, sha256, value } = JSON.parse(bytes.toString('utf8'));
      expect(blob).toBe(`refused/datahub/datahub/${partition}/${offset}.json`);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      const [{ code }] = refusals;
      expect(value === undefined, code).toBe(code === 'SEALING_REQUIRED');
      if (code === 'SEALING_REQUIRED') expect(bytes.toString('utf8')).not.toMatch(/ann|Ann/);
      return { partition, offset, expect: code };
    });
  const expected = refused.map(({ partition, offset, expect: code }) => ({
    partition,
    offset,
    expect: code,
  }));
  expect(byPlace(told)).toEqual(byPlace(expected));
}
