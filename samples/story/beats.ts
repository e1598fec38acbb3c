import { uuid8 } from '../../src/formats/uuid8.ts';
import { readerOf } from './arrivals.ts';
import { type Author, atThePage, people, program } from './authors.ts';
import { dayMs, minuteMs, utc } from './calendar.ts';
import { copiesOf, type Dataset, dataset, type Platform } from './datasets.ts';
import { findJob, type flowsThrough, jobUrn } from './jobs.ts';
import { handedOver } from './marks.ts';
import { runByHand } from './runs.ts';
import type { Act, Circumstances, Scribe, Value, Written } from './scribe.ts';
import { addColumn } from './upkeep.ts';
import { changedSchema, fieldsIn, fieldUrn, ownershipValue, tagsValue, tagUrn } from './values.ts';

/** The value with every mention of one column of a dataset turned into another. */
const withFieldUrn = (value: Value, { urn }: Dataset, from: string, to: string): Value =>
  JSON.parse(JSON.stringify(value).replaceAll(fieldUrn(urn, from), fieldUrn(urn, to))) as Value;

interface Renaming {
  readonly from: string;
  readonly to: string;
  readonly text?: string;
}

function renameColumn(
  scribe: Scribe,
  of: Dataset,
  { from, to, text }: Renaming,
  by: Author,
  around?: Circumstances,
): Written {
  const before = scribe.value(of.urn, 'schemaMetadata');
  const fields = fieldsIn(before).map((field) =>
    field.fieldPath === from
      ? { ...field, fieldPath: to, ...(text === undefined ? {} : { description: text }) }
      : field,
  );
  const written = scribe.upsert(by, of.urn, 'schemaMetadata', changedSchema(of, before, fields), around);
  if (!scribe.has(of.urn, 'upstreamLineage')) return written;
  const lineage = copiesOf(of.table.name).reduce(
    (value, copy) => withFieldUrn(value, copy, from, to),
    scribe.value(of.urn, 'upstreamLineage'),
  );
  scribe.upsert(by, of.urn, 'upstreamLineage', lineage, around);
  return written;
}

const invoicesJob = findJob('billing.nightly', 'invoices');
const customerColumn: Renaming = { from: 'cust_id', to: 'customer_id' };

/** September 2025: shop renames a column of its orders, billing breaks, billing adapts. */
function renaming(): readonly Act[] {
  const around = { correlationId: 'SHOP-2291', group: uuid8('annal-sample/group', 'SHOP-2291') };
  const release = program('shop-ci', 'release-2025.37', people.shopOrders);
  let cause: string | undefined;
  const rename = (at: string, platform: Platform, by?: Author): Act => ({
    at: utc(at),
    tell(scribe) {
      const author = by ?? readerOf(platform, scribe.now());
      const of = dataset(platform, 'shop.orders');
      const { event } = renameColumn(
        scribe,
        of,
        customerColumn,
        author,
        by === undefined ? undefined : around,
      );
      if (platform === 'file') cause = event.id;
    },
  });
  const staleMark = (at: string, ...tags: readonly string[]): Act => ({
    at: utc(at),
    tell: (scribe) => {
      const { urn } = dataset('file', 'billing.invoices');
      const value = tagsValue(...tags);
      scribe.upsert(atThePage(people.billing), urn, 'globalTags', value, { correlationId: 'BILL-871' });
    },
  });
  return [
    rename('2025-09-16T08:30', 'postgres', release),
    rename('2025-09-16T08:31', 'kafka', release),
    rename('2025-09-16T22:25', 'file', release),
    rename('2025-09-17T01:10', 'hive'),
    rename('2025-09-17T03:30', 'delta-lake'),
    staleMark('2025-09-18T09:15', 'export', 'core', 'stale'),
    {
      at: utc('2025-09-22T10:40'),
      tell: (scribe) =>
        adapt(scribe, { correlationId: 'BILL-871', ...(cause === undefined ? {} : { causationId: cause }) }),
    },
    ...runByHand(invoicesJob, 'again-2025-09-17-to-22', utc('2025-09-22T11:15')),
    staleMark('2025-09-22T13:20', 'export', 'core'),
  ];
}

const readsNewName = 'Reads customer_id of shop.orders, which was cust_id until 16 September 2025.';

/** Billing keeps its own name for the column and reads the new one of shop. */
function adapt(scribe: Scribe, around: Circumstances): void {
  const by = program('billing-ci', 'release-118', people.billing);
  const orders = dataset('file', 'shop.orders');
  const info = scribe.value(jobUrn(invoicesJob), 'dataJobInfo');
  const description = `${invoicesJob.text} ${readsNewName}`;
  scribe.upsert(by, jobUrn(invoicesJob), 'dataJobInfo', { ...info, description }, around);
  for (const platform of ['postgres', 'file'] as const) {
    const { urn } = dataset(platform, 'billing.invoices');
    const before = withFieldUrn(scribe.value(urn, 'upstreamLineage'), orders, 'cust_id', 'customer_id');
    const strands = before.fineGrainedLineages as readonly Value[];
    const fineGrainedLineages = strands.map((strand) =>
      JSON.stringify(strand.downstreams).includes(',cust_id)')
        ? { ...strand, transformOperation: 'RENAME' }
        : strand,
    );
    scribe.upsert(by, urn, 'upstreamLineage', { ...before, fineGrainedLineages }, around);
  }
}

const twoUnits = 'Wind is in kilometres an hour up to 3 November 2025 and in metres a second from then on.';

/** November 2025: the weather service delivers wind in another unit, and nobody was told. */
function anotherUnit(): readonly Act[] {
  const wind = { from: 'wind_kmh', to: 'wind_ms', text: 'Mean wind speed in metres a second.' };
  const observations = dataset('file', 'weather.observations');
  const effect = dataset('delta-lake', 'finance.weather_effect');
  return [
    {
      at: utc('2025-11-04T05:20'),
      tell: (scribe) =>
        renameColumn(scribe, observations, wind, program('weather-service', 'delivery-2025-11-04')),
    },
    {
      at: utc('2025-11-10T06:20'),
      tell(scribe) {
        const of = dataset('delta-lake', 'weather.observations');
        renameColumn(scribe, of, wind, readerOf(of.platform, scribe.now()));
      },
    },
    {
      at: utc('2025-11-12T09:40'),
      tell(scribe) {
        const by = atThePage(people.financeReports);
        const around = { correlationId: 'FIN-233', group: uuid8('annal-sample/group', 'FIN-233') };
        const before = scribe.value(effect.urn, 'datasetProperties');
        const description = `${before.description} ${twoUnits}`;
        scribe.upsert(by, effect.urn, 'datasetProperties', { ...before, description }, around);
        const source = dataset('delta-lake', 'weather.observations');
        const lineage = withFieldUrn(scribe.value(effect.urn, 'upstreamLineage'), source, wind.from, wind.to);
        scribe.upsert(by, effect.urn, 'upstreamLineage', lineage, around);
      },
    },
  ];
}

/** January 2026: u-0107 leaves; in a week u-0173 takes over, four datasets a day. */
const handOver: readonly Act[] = handedOver.map(({ urn }, i) => ({
  at: utc('2026-01-12T10:00') + (i >> 2) * dayMs + (i & 3) * 7 * minuteMs,
  tell(scribe) {
    const owners = scribe.value(urn, 'ownership').owners as readonly [unknown, { readonly owner: string }];
    const by = people.governance;
    const value = ownershipValue(scribe.now(), by, people.shopSuccessor, owners[1].owner);
    const expect = scribe.position(urn, 'ownership');
    scribe.upsert(atThePage(by), urn, 'ownership', value, { expect, correlationId: 'HAND-OVER-0107' });
  },
}));

/** March 2026: support begins to keep addresses in its tickets; governance marks them six days later. */
function personalColumn(): readonly Act[] {
  const line = 'email text Address the customer wrote from.';
  const release = program('support-ci', 'release-64', people.support);
  const appear = (at: string, platform: Platform, by?: Author): Act => ({
    at: utc(at),
    tell: (scribe) =>
      addColumn(
        scribe,
        dataset(platform, 'support.tickets'),
        line,
        by,
        by === undefined ? undefined : { correlationId: 'SUP-1408' },
      ),
  });
  return [
    appear('2026-03-10T09:05', 'postgres', release),
    appear('2026-03-10T09:07', 'kafka', release),
    appear('2026-03-11T03:50', 'hive'),
    appear('2026-03-12T04:50', 'delta-lake'),
    { at: utc('2026-03-16T14:20'), tell: markPersonal },
    {
      at: utc('2026-03-17T10:30'),
      tell(scribe) {
        const of = findJob('support.sync', 'tickets');
        const before = scribe.value(jobUrn(of), 'dataJobInfo');
        const description = `${of.text} The column email is left out on purpose.`;
        scribe.upsert(
          release,
          jobUrn(of),
          'dataJobInfo',
          { ...before, description },
          { correlationId: 'PRIV-77' },
        );
      },
    },
  ];
}

function markPersonal(scribe: Scribe): void {
  const by = atThePage(people.privacy);
  const around = { correlationId: 'PRIV-77', group: uuid8('annal-sample/group', 'PRIV-77') };
  const pii = { tag: tagUrn('pii'), context: 'The column email came on 10 March 2026.' };
  for (const of of copiesOf('support.tickets')) {
    if (of.platform === 'file') continue;
    const before = scribe.value(of.urn, 'schemaMetadata');
    const fields = fieldsIn(before).map((field) =>
      field.fieldPath === 'email' ? { ...field, globalTags: { tags: [pii] } } : field,
    );
    scribe.upsert(by, of.urn, 'schemaMetadata', changedSchema(of, before, fields), around);
    const tags = scribe.has(of.urn, 'globalTags')
      ? (scribe.value(of.urn, 'globalTags').tags as readonly Value[])
      : [];
    scribe.upsert(by, of.urn, 'globalTags', { tags: [...tags, pii] }, around);
  }
}

/** May 2026: shop deletes its raw carts; what finance computes from them still names them. */
const vanishing: Act = {
  at: utc('2026-05-19T10:12'),
  tell(scribe) {
    const around = { correlationId: 'SHOP-3120' };
    const { urn } = dataset('hive', 'shop.carts');
    scribe.remove(atThePage(people.shopOrders), urn, null, around);
    const load = jobUrn(findJob('shop.raw_load', 'load'));
    const before = scribe.value(load, 'dataJobInputOutput') as ReturnType<typeof flowsThrough>;
    const outputDatasets = before.outputDatasets.filter((output) => output !== urn);
    const by = program('shop-ci', 'release-2026.20', people.shopOrders);
    scribe.upsert(by, load, 'dataJobInputOutput', { ...before, outputDatasets }, around);
  },
};

/** What the sample is remembered for: samples/README.md tells it with URNs and times. */
export const beats: readonly Act[] = [
  ...renaming(),
  ...anotherUnit(),
  ...handOver,
  ...personalColumn(),
  vanishing,
];
