import { type Draw, drawFrom } from '../draw.ts';
import { readerOf } from './arrivals.ts';
import { type Author, atThePage, people } from './authors.ts';
import { dayMs, days, hourMs, isoDay, minuteMs, monthStarts, utc } from './calendar.ts';
import {
  copiesOf,
  type Dataset,
  everyDataset,
  firstDatasets,
  loyaltyDatasets,
  type Platform,
} from './datasets.ts';
import { findJob, flowsThrough, jobUrn } from './jobs.ts';
import type { Act, Circumstances, Scribe, Value } from './scribe.ts';
import { type Table, withColumn } from './tables.ts';
import { changedSchema, fieldsIn, fieldUrn, fieldValue, tagUrn } from './values.ts';

/** Columns that tables got over the months: day, table, column. */
const newColumns = `
2025-05-06 shop.orders delivery_slot_id text Slot the customer chose, for large articles.
2025-05-20 shop.shipments weight_grams int Weight of the parcel as the carrier measured it.
2025-06-04 billing.invoices due_on date Last day to pay.
2025-06-24 support.tickets language text Two letters of the language of the request.
2025-07-02 shop.products weight_grams int Weight of one piece with its box.
2025-07-16 shop.sessions referrer text Where the visitor came from, without parameters.
2025-07-30 billing.payments provider text Company that processed the payment.
2025-08-12 shop.warehouses country text Two letters of the country.
2025-08-27 shop.purchase_orders unit_cost num Price of one piece without tax.
2025-09-03 support.calls queue text Queue the call waited in.
2025-10-08 shop.returns restocked bool Whether the article can be sold again.
2025-10-21 shop.prices reason text campaign, cost or correction.
2025-11-05 shop.stock_levels reserved int Pieces that belong to orders already.
2025-11-12 shop.carts voucher_code text Code that was tried in the cart.
2025-12-02 support.chat_sessions waited_seconds int Seconds until somebody answered.
2026-01-20 billing.invoices sent_by text mail or post.
2026-01-28 shop.suppliers rating float Share of deliveries that came in time.
2026-02-10 billing.refunds method text How the money was paid back.
2026-02-18 shop.reviews verified bool Whether the author bought the article.
2026-03-25 billing.reminders letter_id text Number of the letter at the printing company.
2026-04-08 shop.shipment_events delay_hours int Hours behind the plan of the carrier.
2026-05-06 shop.orders loyalty_points int Points the order earned.
2026-06-03 support.escalations solved_at time When the product team had solved it.
2026-06-17 billing.chargebacks won bool Whether the bank decided for us.
2026-07-01 shop.customers loyalty_level text bronze, silver or gold; empty for others.
2026-07-22 support.articles language text Two letters of the language of the page.
2026-08-05 shop.vouchers expires_on date Last day the code can be used.
2026-08-26 billing.bank_statements account text Account the line is of.
2026-09-09 shop.page_views country text Two letters of the country of the visitor.
`;

/** How long a platform takes to follow its source. */
const followMs: Readonly<Partial<Record<Platform, number>>> = {
  postgres: 0,
  kafka: 2 * minuteMs,
  hive: 17 * hourMs,
  'delta-lake': 2 * dayMs,
};

const newColumnActs: readonly Act[] = newColumns
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [day, name, ...column] = line.split(' ');
    return copiesOf(name!).flatMap((of): Act[] => {
      const late = followMs[of.platform];
      if (late === undefined) return [];
      const at = utc(day!) + 8 * hourMs + late;
      return [{ at, tell: (scribe) => addColumn(scribe, of, column.join(' ')) }];
    });
  });

/** A new last column, and in copies the column it comes from. */
export function addColumn(
  scribe: Scribe,
  of: Dataset,
  line: string,
  by: Author = readerOf(of.platform, scribe.now()),
  around?: Circumstances,
): void {
  const { urn, platform } = of;
  const column = withColumn(emptyTable, undefined, line).columns[0]!;
  const before = scribe.value(urn, 'schemaMetadata');
  const fields = [...fieldsIn(before), fieldValue(platform, column)];
  scribe.upsert(by, urn, 'schemaMetadata', changedSchema(of, before, fields), around);
  if (platform === 'postgres' || !scribe.has(urn, 'upstreamLineage')) return;
  const lineage = scribe.value(urn, 'upstreamLineage');
  const [upstream] = lineage.upstreams as readonly { readonly dataset: string }[];
  const strand = {
    upstreamType: 'FIELD_SET',
    upstreams: [fieldUrn(upstream!.dataset, column.name)],
    downstreamType: 'FIELD',
    downstreams: [fieldUrn(urn, column.name)],
    confidenceScore: 1,
  };
  const fineGrainedLineages = [...(lineage.fineGrainedLineages as readonly Value[]), strand];
  scribe.upsert(by, urn, 'upstreamLineage', { ...lineage, fineGrainedLineages }, around);
}
const emptyTable: Table = { name: '', text: '', columns: [] };

const counted = [...firstDatasets.postgres, ...firstDatasets['delta-lake'], ...loyaltyDatasets].filter(
  ({ platform }) => platform !== 'hive',
);
const few = new RegExp(
  [
    ...['agents', 'banners', 'categories', 'hours', 'levels', 'macros', 'methods', 'promotions', 'rewards'],
    ...['shifts', 'stations', 'suppliers', 'tax_', 'teams', 'warehouses'],
  ].join('|'),
  'u',
);
const many = /page_views|_events|stock_|sessions|entries|points|chat/u;

/** Rows of a table at first, as a power of ten. */
const magnitude = (name: string, draw: Draw): number =>
  many.test(name) ? draw.between(6.2, 7.4) : few.test(name) ? draw.between(0.8, 2.3) : draw.between(4.2, 5.9);

/** Once a month the readers count the rows of tables, and tell where the number is another one. */
function rowCounts(draw: Draw): readonly Act[] {
  const rows = new Map<string, number>();
  for (const { table } of counted)
    if (!rows.has(table.name)) rows.set(table.name, Math.round(10 ** magnitude(table.name, draw)));
  return monthStarts(utc('2025-05-01')).map((day) => ({
    at: day + 3 * hourMs + 90_000,
    tell(scribe) {
      for (const [name, before] of rows) rows.set(name, Math.round(before * draw.between(1, 1.06)));
      for (const of of counted) tellRows(scribe, of, day, String(rows.get(of.table.name)));
    },
  }));
}

function tellRows(scribe: Scribe, { urn, platform }: Dataset, day: number, rows: string): void {
  if (!scribe.has(urn, 'datasetProperties')) return;
  const before = scribe.value(urn, 'datasetProperties');
  const facts = before.customProperties as Readonly<Record<string, string>>;
  if (facts.rows === rows) return;
  const value = { ...before, customProperties: { ...facts, rows } };
  scribe.upsert(readerOf(platform, day), urn, 'datasetProperties', value);
}

const remarks = [
  'Rows of the last two days may still change.',
  'Ask the owner before you use it in a report.',
  'Amounts are in the currency of the row, not always in euros.',
  'Times are in UTC; days are days of the customer.',
  'Cancelled rows stay in, look at the status.',
  'One row may be written twice for some minutes at night.',
  'Numbers before April 2025 were taken over from the old system.',
  'Empty means unknown, not zero.',
  'Read it after five in the morning: then the night is complete.',
];

/** Owners say more about what they own, two or three of them a week. */
function sayMore(draw: Draw): readonly Act[] {
  return days(utc('2025-04-08'), utc('2026-09-30'), 2).flatMap((day): Act[] => {
    const of = draw.one(everyDataset);
    const [remark, at] = [draw.one(remarks), day + (8 + draw.below(9)) * hourMs + draw.below(60) * minuteMs];
    return [{ at, tell: (scribe) => describe(scribe, of, remark) }];
  });
}

function describe(scribe: Scribe, { urn }: Dataset, remark: string): void {
  if (!scribe.has(urn, 'datasetProperties') || !scribe.has(urn, 'ownership')) return;
  const before = scribe.value(urn, 'datasetProperties');
  const text = String(before.description);
  if (text.includes(remark)) return;
  const [{ owner }] = scribe.value(urn, 'ownership').owners as readonly [{ readonly owner: string }];
  const expect = scribe.position(urn, 'datasetProperties');
  const value = { ...before, description: `${text} ${remark}` };
  scribe.upsert(atThePage(owner), urn, 'datasetProperties', value, { expect });
}

/** Each quarter governance certifies what was looked through, by a patch of the tags. */
function certify(draw: Draw): readonly Act[] {
  const quarters = monthStarts(utc('2025-07-01')).filter((day) => new Date(day).getUTCMonth() % 3 === 0);
  return quarters.flatMap((quarter) =>
    Array.from({ length: 24 }, (_, i): Act => {
      const of = draw.one(everyDataset);
      return {
        at: quarter + (5 + (i >> 2)) * dayMs + (9 + (i & 3)) * hourMs + draw.below(50) * minuteMs,
        tell(scribe) {
          if (!scribe.has(of.urn, 'globalTags')) return;
          const certified = {
            tag: tagUrn('certified'),
            context: `Looked through on ${isoDay(scribe.now())}.`,
          };
          const known = JSON.stringify(scribe.value(of.urn, 'globalTags')).includes(certified.tag);
          if (known) return;
          const add = [{ op: 'add', path: '/tags/-', value: certified }];
          scribe.patch(atThePage(people.governance), of.urn, 'globalTags', add);
        },
      };
    }),
  );
}

/** Pages of the wiki, linked from what they explain. */
const links: readonly Act[] = firstDatasets.file.map((of, i) => ({
  at: utc('2025-05-19T10:00') + i * 3 * dayMs + i * 7 * minuteMs,
  tell(scribe) {
    const [{ owner }] = scribe.value(of.urn, 'ownership').owners as readonly [{ readonly owner: string }];
    scribe.upsert(atThePage(owner), of.urn, 'institutionalMemory', {
      elements: [
        {
          url: `https://wiki.example/${of.name.replaceAll('.', '/')}`,
          description: `How ${of.name} is made, and whom to ask.`,
          createStamp: { time: scribe.now(), actor: owner },
        },
      ],
    });
  },
}));

/** The pipelines of the shop take the loyalty programme in. */
const loyaltyJobs: Act = {
  at: utc('2026-04-14T14:30'),
  tell(scribe) {
    for (const [name, step, platform] of [
      ['shop.raw_load', 'load', 'hive'],
      ['shop.curate', 'curate', 'delta-lake'],
    ] as const) {
      const of = findJob(name, step);
      const added = loyaltyDatasets.filter((one) => one.platform === platform);
      const value = flowsThrough({ ...of, outputs: [...of.outputs, ...added] });
      scribe.upsert(atThePage(people.shopOrders), jobUrn(of), 'dataJobInputOutput', value);
    }
  },
};

/** What happens every week, month and quarter, besides the story. */
export function upkeep(seed: number): readonly Act[] {
  const draw = drawFrom(seed);
  return [...newColumnActs, ...rowCounts(draw), ...sayMore(draw), ...certify(draw), ...links, loyaltyJobs];
}
