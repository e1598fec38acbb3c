import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loggedAt } from '../../given/logged.ts';
import { pluginProcess } from '../../given/plugin-process.ts';
import { type ServedFolder, servedFolder } from '../../given/served-folder.ts';
import { type Postgres, startPostgres } from '../native/postgres.ts';

const made = `
  create schema shop;
  create type shop.state as enum ('new', 'paid');
  create table shop.customers (id bigint primary key, email text not null);
  comment on table shop.customers is 'who buys';
  comment on column shop.customers.email is 'where bills go';
  create table shop.orders (id bigint, line int, customer bigint references shop.customers (id),
    state shop.state, total numeric(10,2) not null, tags text[], at timestamptz, raw bytea,
    primary key (id, line));
  create view shop.billed as
    select o.id, c.email from shop.orders o join shop.customers c on c.id = o.customer;
  create materialized view shop.totals as
    select customer, sum(total) as sum from shop.orders group by customer;
  create table shop.events (day date not null, n int) partition by range (day);
  create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01');
  create table "odd, (name)" ("a.b" int, "é" text);
  create table public.plain (n int);`;

const dataset = (name: string): string =>
  `urn:li:dataset:(urn:li:dataPlatform:postgres,postgres.${name},PROD)`;
const field = (name: string, column: string): string => `urn:li:schemaField:(${dataset(name)},${column})`;

let database: Postgres;
let served: ServedFolder;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annal-plugin-postgres-'));
  [database, served] = await Promise.all([startPostgres(), servedFolder()]);
}, 400_000);
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function sql(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(text);
  await client.end();
}

const plugin = () =>
  pluginProcess('postgres', {
    ...{ ANNAL_URL: served.address, DATABASE_URL: database.url, EVERY_SECONDS: '0.3' },
    STATE_FILE: join(folder, 'state.json'),
  });

const aspectOf = async (name: string, aspect: string): Promise<Record<string, unknown>> => {
  const urn = dataset(name);
  const events = await loggedAt(served.address, [urn], (all) => all.some((one) => one.aspect === aspect));
  return events.filter((one) => one.aspect === aspect).at(-1)!.value as Record<string, unknown>;
};

test('tables, keys, comments and what views are made from come into the log, and change with the database', async () => {
  await sql(made);
  await using first = plugin();
  expect(await aspectOf('shop.customers', 'datasetProperties')).toEqual({
    ...{ name: 'customers', qualifiedName: 'postgres.shop.customers', description: 'who buys' },
  });
  expect(await aspectOf('shop.orders', 'schemaMetadata')).toMatchObject({
    primaryKeys: ['id', 'line'],
    foreignKeys: [
      {
        sourceFields: [field('shop.orders', 'customer')],
        foreignFields: [field('shop.customers', 'id')],
        foreignDataset: dataset('shop.customers'),
      },
    ],
    fields: [
      { fieldPath: 'id', nativeDataType: 'bigint', nullable: false, isPartOfKey: true },
      { fieldPath: 'line', nativeDataType: 'integer', isPartOfKey: true },
      { fieldPath: 'customer', nullable: true, isPartOfKey: false },
      { fieldPath: 'state', type: { type: { 'com.linkedin.schema.EnumType': {} } } },
      { fieldPath: 'total', nativeDataType: 'numeric(10,2)', nullable: false },
      {
        fieldPath: 'tags',
        nativeDataType: 'text[]',
        type: { type: { 'com.linkedin.schema.ArrayType': {} } },
      },
      { fieldPath: 'at', type: { type: { 'com.linkedin.schema.TimeType': {} } } },
      { fieldPath: 'raw', type: { type: { 'com.linkedin.schema.BytesType': {} } } },
    ],
  });
  expect(await aspectOf('shop.billed', 'upstreamLineage')).toMatchObject({
    upstreams: [
      { dataset: dataset('shop.customers'), type: 'VIEW' },
      { dataset: dataset('shop.orders'), type: 'VIEW' },
    ],
    fineGrainedLineages: [
      {
        upstreams: [
          ...[field('shop.customers', 'email'), field('shop.customers', 'id')],
          ...[field('shop.orders', 'customer'), field('shop.orders', 'id')],
        ],
        downstreams: [field('shop.billed', 'id'), field('shop.billed', 'email')],
      },
    ],
  });
  expect(await aspectOf('shop.totals', 'upstreamLineage')).toMatchObject({
    upstreams: [{ dataset: dataset('shop.orders') }],
  });
  expect(await aspectOf('shop.events', 'subTypes')).toEqual({ typeNames: ['Partitioned Table'] });
  expect(await aspectOf('shop.events', 'schemaMetadata')).toMatchObject({
    fields: [{ isPartitioningKey: true }, {}],
  });
  expect(await aspectOf('public.odd%2C %28name%29', 'schemaMetadata')).toMatchObject({
    fields: [{ fieldPath: 'a.b' }, { fieldPath: 'é' }],
  });

  await sql('alter table shop.customers rename column email to mail; drop table public.plain');
  const gone = await loggedAt(served.address, [dataset('public.plain')], (all) =>
    all.some(({ change }) => change === 'DELETE'),
  );
  expect(gone.at(-1)).toMatchObject({ change: 'DELETE', outcome: 'applied', source: { plugin: 'postgres' } });
  const changed = await loggedAt(served.address, [dataset('shop.customers')], ({ length }) => length === 4);
  expect(changed.map(({ aspect }) => aspect).sort()).toEqual([
    ...['datasetProperties', 'schemaMetadata', 'schemaMetadata', 'subTypes'],
  ]);
  expect(await first.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

  // Started again, it has nothing to say; while the database is away it deletes nothing and says what is missing.
  await using second = plugin();
  await expect.poll(second.health).toBeDefined();
  await database.stop();
  await expect
    .poll(async () => (await fetch(`${second.health()}/readyz`)).json())
    .toMatchObject({
      ...{ ready: false, published: 0, reasons: [{ code: 'SOURCE_UNAVAILABLE' }] },
    });
  await database.start();
  await sql('drop schema shop cascade');
  await expect.poll(second.stderr).toMatch(/5 of 6 tables are gone; nothing is deleted/);
  expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const events = await loggedAt(served.address, [dataset('shop.orders')], ({ length }) => length > 0);
  expect(events.filter(({ change }) => change === 'DELETE')).toEqual([]);
});
