import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { emitLineage, ingest, pythonWithSdk } from '../datahub/sdk.ts';
import { type AnnalProcess, startAnnal } from './annal-process.ts';

const installMs = 600_000;
const token = 'the-token-of-the-recipes';

interface EventItem {
  readonly urn: string;
  readonly aspect: string | null;
  readonly outcome: string;
  readonly recordedBy: string;
  readonly value: unknown;
}

const made = `
  create table customers(id integer primary key, name text not null);
  create table orders(id integer primary key, amount real not null, customer integer);
  create view large_orders as select * from orders where amount > 10;
`;

/** The embedded profile, for a caller with a token. */
async function embedded(stack: AsyncDisposableStack): Promise<{ annal: AnnalProcess; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'annal-datahub-rest-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const tokens = join(folder, 'tokens.json');
  const sha256 = createHash('sha256').update(token).digest('hex');
  const grants = [{ actions: ['publish', 'read'], namespace: '*' }];
  await writeFile(tokens, JSON.stringify([{ name: 'ingest', sha256, grants }]));
  const env = { ANNAL_DATA: join(folder, 'data'), ANNAL_PORT: '0', ANNAL_TOKENS_FILE: tokens };
  return { annal: stack.use(await startAnnal(['start', '--no-sample'], env)), folder };
}

/** Everything that is in the log, once `count` events of it show. */
async function shown(annal: AnnalProcess, count: number): Promise<readonly EventItem[]> {
  let items: readonly EventItem[] = [];
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${annal.address}/v1/events?limit=1000&order=asc`, {
          headers: { authorization: `Bearer ${token}` },
        });
        items = ((await answer.json()) as { items: EventItem[] }).items;
        return items.length;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(count);
  return items;
}

test('the SDK is there', { timeout: installMs }, async () => {
  expect(await pythonWithSdk()).toMatch(/python$/);
});

test('datahub ingest feeds the embedded profile over REST: a file, a database, artefacts of dbt; what is refused is told', async () => {
  await using stack = new AsyncDisposableStack();
  const { annal, folder } = await embedded(stack);
  const database = join(folder, 'shop.db');
  const shop = new DatabaseSync(database);
  shop.exec(made);
  shop.close();
  const env = { SERVER: `${annal.address}/api/gms`, TOKEN: token, DATABASE: database };
  const [file, sqlite, dbt, stranger] = await Promise.all([
    ingest('file', env),
    ingest('sqlite', env),
    ingest('dbt', env),
    ingest('dbt', { ...env, TOKEN: 'another' }),
  ]);

  // Two of the file are refused, each by its code, and the command says so by its end.
  expect(file.code, file.output).toBe(1);
  for (const code of ['PATCH_DIALECT', 'SEALING_REQUIRED']) expect(file.output).toContain(code);
  expect(sqlite.code, sqlite.output).toBe(0);
  expect(dbt.code, dbt.output).toBe(0);
  expect(stranger.code, stranger.output).not.toBe(0);
  expect(stranger.output).toContain('Failed to connect to DataHub');

  const events = await shown(annal, 55);
  expect(new Set(events.map(({ outcome }) => outcome))).toEqual(new Set(['applied']));
  expect(new Set(events.map(({ recordedBy }) => recordedBy))).toEqual(new Set(['token:ingest']));
  const aspectsOf = (urn: string): (string | null)[] =>
    events.filter((event) => event.urn === urn).map(({ aspect }) => aspect);
  const dataset = (platform: string, name: string): string =>
    `urn:li:dataset:(urn:li:dataPlatform:${platform},${name},PROD)`;
  for (const name of ['t1', 't3'])
    expect(aspectsOf(dataset('hive', `lake.${name}`)).sort()).toEqual(['datasetProperties', 'status']);
  const ofTable = ['browsePathsV2', 'container', 'datasetProperties', 'schemaMetadata', 'status', 'subTypes'];
  for (const name of ['customers', 'orders'])
    expect(aspectsOf(dataset('sqlite', `main.${name}`)).sort()).toEqual(ofTable);
  expect(aspectsOf(dataset('sqlite', 'main.large_orders'))).toContain('upstreamLineage');
  expect(aspectsOf(dataset('dbt', 'wh.main.orders'))).toEqual(
    expect.arrayContaining(['datasetProperties', 'globalTags', 'schemaMetadata', 'upstreamLineage']),
  );
  expect(aspectsOf(dataset('postgres', 'wh.main.orders'))).toEqual(['upstreamLineage']);
  expect(events.filter(({ urn }) => urn.startsWith('urn:li:corpuser:'))).toEqual([]);
  const { value } = events.find(({ aspect }) => aspect === 'schemaMetadata')!;
  expect(JSON.stringify(value)).toContain('fieldPath');
  // The reports of the runs came too, without their recipes, which name the place of the database.
  expect(events.map(({ aspect }) => aspect)).toContain('dataHubExecutionRequestResult');
  const reports = events.filter(({ urn }) => urn.startsWith('urn:li:dataHub'));
  expect(JSON.stringify(reports)).not.toContain(folder);
  expect(await annal.stop()).toMatchObject({ code: 0 });
});

test('the client of OpenLineage tells of a run: job, datasets, lineage of columns; the same events again change nothing', async () => {
  await using stack = new AsyncDisposableStack();
  const { annal } = await embedded(stack);
  await emitLineage(annal.address, token);
  const events = await shown(annal, 11);
  const flow = 'urn:li:dataFlow:(airflow,billing,shop)';
  const job = `urn:li:dataJob:(${flow},make_invoices)`;
  const orders = 'urn:li:dataset:(urn:li:dataPlatform:postgres,shop.public.orders,PROD)';
  const invoices = 'urn:li:dataset:(urn:li:dataPlatform:snowflake,WH.PUBLIC.INVOICES,PROD)';
  const run = 'urn:li:dataProcessInstance:018f3c5a-6d0c-7f54-9c35-5d2f3f1f7c11';
  expect(events.map(({ urn, aspect }) => `${urn} ${aspect}`).sort()).toEqual(
    [
      ...[`${flow} dataFlowInfo`, `${flow} dataFlowInfo`, `${job} dataJobInfo`, `${job} dataJobInfo`],
      ...[`${job} dataJobInputOutput`, `${orders} schemaMetadata`, `${run} dataProcessInstanceProperties`],
      ...[`${run} dataProcessInstanceRelationships`, `${run} dataProcessInstanceRelationships`],
      ...[`${run} dataProcessInstanceRunEvent`, `${run} dataProcessInstanceRunEvent`],
    ].sort(),
  );
  expect(events.find(({ aspect }) => aspect === 'dataJobInputOutput')!.value).toMatchObject({
    inputDatasetEdges: [{ destinationUrn: orders }],
    outputDatasetEdges: [{ destinationUrn: invoices }],
    fineGrainedLineages: [
      {
        upstreams: [`urn:li:schemaField:(${orders},id)`],
        downstreams: [`urn:li:schemaField:(${invoices},ORDER_ID)`],
      },
    ],
  });
  expect(await annal.stop()).toMatchObject({ code: 0 });
});
