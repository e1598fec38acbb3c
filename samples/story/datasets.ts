import { uuid8 } from '../../src/formats/uuid8.ts';
import { containerUrn } from '../../src/intake/scan-names.ts';
import { type Column, type Table, table } from './tables.ts';
import { billingTables, supportTables } from './tables-billing.ts';
import { boardTables, financeTables, reportTables } from './tables-finance.ts';
import { lakeTables, weatherTables } from './tables-lake.ts';
import { loyaltyTables, shopTables } from './tables-shop.ts';

export const platforms = ['postgres', 'kafka', 'hive', 'delta-lake', 'file', 'looker'] as const;
export type Platform = (typeof platforms)[number];

/** A table where it stands. */
export interface Dataset {
  readonly urn: string;
  readonly platform: Platform;
  /** As the platform calls it: `shop.raw_orders`. */
  readonly name: string;
  readonly table: Table;
  readonly container: string | undefined;
}

export const datasetUrn = (platform: Platform, name: string): string =>
  `urn:li:dataset:(urn:li:dataPlatform:${platform},${name},PROD)`;

export const productOf = (name: string): string => name.slice(0, name.indexOf('.'));
const shortName = (name: string): string => name.slice(name.indexOf('.') + 1);

/** A folder of the lake as a scan names it; elsewhere the database, schema or folder of a product. */
export const containerOf = (platform: Platform, name: string): string =>
  platform === 'file'
    ? containerUrn(name.split('.').slice(0, -1).join('/'))
    : `urn:li:container:${productOf(name)}.${uuid8('annal-sample/container', platform, productOf(name))}`;

/** What a copy is called on its platform. */
const names: Readonly<Record<Platform, (name: string) => string>> = {
  postgres: (name) => name,
  kafka: (name) => `${name}_changes`,
  hive: (name) => `${productOf(name)}.raw_${shortName(name)}`,
  'delta-lake': (name) => name,
  file: (name) => name,
  looker: (name) => name,
};

export function datasetOf(platform: Platform, of: Table): Dataset {
  const name = names[platform](of.name);
  const container = platform === 'kafka' ? undefined : containerOf(platform, name);
  return { urn: datasetUrn(platform, name), platform, name, table: of, container };
}

const namesOf = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/u));
const streams = namesOf(`shop.orders shop.order_items shop.customers shop.returns shop.carts shop.shipments
  shop.shipment_events shop.stock_levels shop.prices shop.page_views shop.search_queries shop.sessions
  billing.invoices billing.payments billing.refunds billing.chargebacks support.tickets support.ticket_events
  support.chat_sessions`);
const streamsOnly = namesOf('shop.page_views shop.search_queries');
const neverLoaded = namesOf(`shop.gift_cards billing.credit_limits billing.dunning_levels support.macros
  support.opening_hours`);
const neverCurated = namesOf(`shop.carts shop.search_queries shop.delivery_slots shop.wishlists
  billing.payment_methods support.teams support.articles`);

const ownTables = [...shopTables, ...billingTables, ...supportTables];
const loaded = ownTables.filter(({ name }) => !neverLoaded.has(name));

/** Datasets that are there from the first crawl on, by platform. */
export const firstDatasets: Readonly<Record<Exclude<Platform, 'looker'>, readonly Dataset[]>> = {
  postgres: ownTables.filter(({ name }) => !streamsOnly.has(name)).map((of) => datasetOf('postgres', of)),
  kafka: ownTables.filter(({ name }) => streams.has(name)).map((of) => datasetOf('kafka', of)),
  hive: loaded.map((of) => datasetOf('hive', of)),
  'delta-lake': [
    ...loaded.filter(({ name }) => !neverCurated.has(name)),
    ...weatherTables.slice(0, 2),
    ...financeTables.slice(0, 5),
  ].map((of) => datasetOf('delta-lake', of)),
  file: [...lakeTables, ...weatherTables].map((of) => datasetOf('file', of)),
};

export const loyaltyDatasets = (['postgres', 'hive', 'delta-lake'] as const).flatMap((platform) =>
  loyaltyTables.map((of) => datasetOf(platform, of)),
);
/** Computed by finance, from the summer of 2025 on. */
export const laterFinance = financeTables.slice(5).map((of) => datasetOf('delta-lake', of));
export const reports = reportTables.map((of) => datasetOf('file', of));
export const boards = boardTables.map((of) => datasetOf('looker', of));

/** Tried in March 2026, given up in June: removed, but their history stays. */
export const trials: readonly Dataset[] = [
  [
    'shop.returns_forecast',
    'What we expect to be returned next week, by article.',
    'sku text!',
    'pieces float',
  ],
  ['shop.stock_forecast', 'What we expect to have in stock next week.', 'sku text!', 'pieces float'],
  ['support.ticket_topics', 'Topics that a program found in tickets.', 'ticket_id int!', 'topic text'],
].map(([name, text, ...lines]) => datasetOf('delta-lake', table(name!, text!, lines.join('\n'))));

export const everyDataset: readonly Dataset[] = [
  ...Object.values(firstDatasets).flat(),
  ...loyaltyDatasets,
  ...laterFinance,
  ...reports,
  ...boards,
  ...trials,
];

const byPlace = new Map(
  everyDataset.map((dataset) => [`${dataset.platform} ${dataset.table.name}`, dataset]),
);

export const findDataset = (platform: Platform, tableName: string): Dataset | undefined =>
  byPlace.get(`${platform} ${tableName}`);

/** The dataset of a table on a platform; an Error where there is none. */
export function dataset(platform: Platform, tableName: string): Dataset {
  const found = findDataset(platform, tableName);
  if (found === undefined) throw new Error(`no ${tableName} on ${platform}`);
  return found;
}

/** All datasets of a table, in the order of `platforms`. */
export const copiesOf = (tableName: string): readonly Dataset[] =>
  platforms.flatMap((platform) => findDataset(platform, tableName) ?? []);

/** Where each platform's copies come from, and where it looks for the tables of others, first to last. */
const sourcesOf: Readonly<Record<Platform, readonly Platform[]>> = {
  postgres: [],
  kafka: ['postgres'],
  hive: ['postgres', 'kafka'],
  'delta-lake': ['hive', 'file'],
  file: ['postgres'],
  looker: ['delta-lake', 'file'],
};
const readsOf: Readonly<Record<Platform, readonly Platform[]>> = {
  ...sourcesOf,
  postgres: ['file'],
  'delta-lake': ['delta-lake', 'hive'],
  file: ['file', 'postgres'],
};

/** One column and the columns it is made of. */
export interface Strand {
  readonly from: readonly { readonly dataset: Dataset; readonly column: string }[];
  readonly to: Column;
}

/** What `of` is a copy of or computed from, column by column, as long as no column has got another name. */
export function strandsOf(of: Dataset): readonly Strand[] {
  const find = (among: readonly Platform[], name: string): Dataset | undefined => {
    const found = among.map((platform) => findDataset(platform, name)).find((one) => one !== undefined);
    return found?.urn === of.urn ? undefined : found;
  };
  const copied = find(sourcesOf[of.platform], of.table.name);
  return of.table.columns.flatMap((to): Strand[] => {
    const from = to.madeOf.flatMap((ref) => {
      const [product, name, ...column] = ref.split('.');
      const tableName = `${product}.${name}`;
      const among = tableName === of.table.name ? sourcesOf[of.platform] : readsOf[of.platform];
      const read = find(among, tableName);
      return read === undefined ? [] : [{ dataset: read, column: column.join('.') }];
    });
    const same = copied?.table.columns.some(({ name }) => name === to.name) === true;
    if (copied !== undefined && same && (from.length === 0 || of.platform !== 'file'))
      return [{ from: [{ dataset: copied, column: to.name }], to }];
    return from.length === 0 ? [] : [{ from, to }];
  });
}
