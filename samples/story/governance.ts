import { mustNotExist } from '../../src/domain/event.ts';
import { atTheCommandLine, atThePage, group, people } from './authors.ts';
import { dayMs, utc } from './calendar.ts';
import { dataset } from './datasets.ts';
import type { Act, Scribe, Value } from './scribe.ts';
import { domainUrn, ownershipValue, present, stamp, tagUrn, termUrn } from './values.ts';

const tags: readonly (readonly [name: string, color: string, text: string])[] = [
  ['pii', '#d62728', 'Holds personal data: read it only for the purpose it was collected for.'],
  ['core', '#1f77b4', 'Many others depend on it: changes are announced thirty days before.'],
  ['certified', '#2ca02c', 'Checked by its owner this quarter.'],
  ['deprecated', '#7f7f7f', 'Do not start to use it; it will go away.'],
  ['stale', '#ff7f0e', 'Its job fails: what it shows is older than it should be.'],
  ['third-party', '#9467bd', 'Comes from outside the company, under the terms of its provider.'],
  ['beta', '#17becf', 'New: columns may still change from one day to the next.'],
  ['finance-close', '#8c564b', 'Needed to close the month: nobody changes it in the first five days.'],
  ['export', '#bcbd22', 'Shared with other products as a file.'],
  ['retention-90d', '#e377c2', 'Rows are deleted after ninety days.'],
  ['retention-10y', '#c49c94', 'Rows have to be kept for ten years.'],
  ['no-sharing', '#000000', 'Never leaves the product that owns it.'],
  ['high-volume', '#aec7e8', 'More than a million rows a day.'],
  ['restricted', '#ff9896', 'Only the readers its contract names may use it.'],
  ['sample-only', '#c7c7c7', 'A part of the rows, for trying things out.'],
];

const domains: readonly (readonly [name: string, title: string, text: string])[] = [
  ['sales', 'Sales', 'What customers look at, put into carts and order.'],
  ['catalogue', 'Catalogue', 'Articles, prices and where they come from.'],
  ['logistics', 'Logistics', 'Storage, parcels and returns.'],
  ['billing', 'Billing', 'Invoices, payments and the ledger.'],
  ['support', 'Customer support', 'Requests of customers and how they were answered.'],
  ['finance', 'Finance', 'Reports for the board, over all products.'],
  ['weather', 'Weather', 'Observations and forecasts of the open weather service.'],
  ['loyalty', 'Loyalty', 'Points, levels and rewards.'],
];

const terms: readonly (readonly [name: string, definition: string])[] = [
  ['Customer', 'Somebody who placed at least one order.'],
  ['Visitor', 'Somebody who looks at the shop, known or not.'],
  ['Order', 'A binding wish to buy, confirmed by us.'],
  ['OrderLine', 'One article of an order with its quantity and price.'],
  ['Article', 'A thing that can be bought, with a number of its own.'],
  ['Supplier', 'A company we buy articles from.'],
  ['Price', 'What one piece costs a customer, with tax.'],
  ['Promotion', 'Days on which prices are lower than usual.'],
  ['Cart', 'Articles a visitor has put aside, before there is an order.'],
  ['Parcel', 'What a carrier takes over from us, for one order.'],
  ['Carrier', 'A company that brings parcels.'],
  ['Stock', 'Pieces that lie in a warehouse at the end of a day.'],
  ['Warehouse', 'A place we store articles at.'],
  ['Return', 'An article that comes back, whatever the reason.'],
  ['Refund', 'Money we pay back.'],
  ['Invoice', 'A demand for money with a number without gaps.'],
  ['Payment', 'Money that came in for an invoice.'],
  ['OpenItem', 'What is left to pay of an invoice.'],
  ['Reminder', 'A letter about an invoice that is late.'],
  ['Ledger', 'All bookings of a year, debit and credit.'],
  ['Revenue', 'Total of all orders that were not cancelled, without tax, in euros.'],
  ['Margin', 'Revenue without the costs of purchase.'],
  ['Ticket', 'A request of a customer, whatever way it came in.'],
  ['Agent', 'Somebody who answers tickets.'],
  ['Satisfaction', 'The score a customer gave when a ticket was closed, one to five.'],
  ['Escalation', 'A ticket the first line could not solve.'],
  ['Station', 'A place where the weather is measured.'],
  ['Observation', 'What one station measured at one time.'],
  ['PersonalData', 'Anything that tells about a person who can be named.'],
  ['Loyalty', 'The programme that gives points for orders.'],
];

const products: readonly (readonly [urn: string, name: string, text: string, assets: readonly string[]])[] = [
  ['shop.orders', 'Orders', 'Orders and their lines, every night.', ['shop.orders', 'shop.order_items']],
  ['shop.customers', 'Customers', 'Who orders, for billing and support only.', ['shop.customers']],
  ['shop.catalogue', 'Catalogue', 'Articles with prices and suppliers.', ['shop.products']],
  ['shop.returns', 'Returns', 'What comes back, and why.', ['shop.returns']],
  [
    'billing.invoices',
    'Invoices and payments',
    'What was demanded and what came in.',
    ['billing.invoices', 'billing.payments'],
  ],
  ['billing.tax', 'Tax rates', 'Rates of value added tax by country.', ['billing.tax_rates']],
  [
    'support.tickets',
    'Tickets',
    'Requests of customers with scores, without texts.',
    ['support.tickets', 'support.satisfaction'],
  ],
  [
    'weather.observations',
    'Weather',
    'What stations near our towns measured.',
    ['weather.observations', 'weather.stations'],
  ],
];

export const productUrn = (name: string): string => `urn:li:dataProduct:${name}`;

/** The words of the company, put in by governance before anything else. */
export const words: Act = {
  at: utc('2025-04-01T07:00'),
  tell(scribe) {
    const by = atTheCommandLine(people.governance);
    const isNew = { expect: mustNotExist };
    for (const [name, color, text] of tags) {
      const value = { name, description: text, colorHex: color };
      scribe.upsert(by, tagUrn(name), 'tagProperties', value, isNew);
    }
    for (const [name, title, text] of domains.slice(0, -1)) addDomain(scribe, name, title, text);
    for (const [name, definition] of terms.slice(0, -1)) addTerm(scribe, name, definition);
  },
};

function addDomain(scribe: Scribe, name: string, title: string, description: string): void {
  const by = atTheCommandLine(people.governance);
  const created = stamp(scribe.now(), people.governance);
  scribe.upsert(by, domainUrn(name), 'domainProperties', { name: title, description, created });
  const owners = ownershipValue(scribe.now(), people.governance, people.governance, group('g-governance'));
  scribe.upsert(by, domainUrn(name), 'ownership', owners);
}

function addTerm(scribe: Scribe, name: string, definition: string): void {
  const value = { name, definition, termSource: 'INTERNAL' };
  scribe.upsert(atTheCommandLine(people.governance), termUrn(name), 'glossaryTermInfo', value);
}

/** The last word of each list comes with the loyalty programme. */
export const loyaltyWords: Act = {
  at: utc('2026-04-13T09:00'),
  tell(scribe) {
    const [domain, term] = [domains.at(-1)!, terms.at(-1)!];
    addDomain(scribe, ...domain);
    addTerm(scribe, ...term);
  },
};

/** What the products offer to others, as data products: June 2025, the finance report in July. */
export const offers: readonly Act[] = [
  ...products.map(
    ([name, title, text, assets], i): Act => ({
      at: utc('2025-06-03T09:00') + i * 900_000,
      tell: (scribe) => offer(scribe, name, title, text, assets),
    }),
  ),
  {
    at: utc('2025-07-01T13:30'),
    tell: (scribe) =>
      offer(scribe, 'finance.report', 'Finance report', 'The monthly report over all products.', [
        'finance.monthly_report',
        'finance.targets',
      ]),
  },
];

function offer(scribe: Scribe, name: string, title: string, text: string, assets: readonly string[]): void {
  const by = atThePage(people.governance);
  const urn = productUrn(name);
  const value: Value = {
    name: title,
    description: text,
    assets: assets.map((asset) => ({ destinationUrn: dataset('file', asset).urn, outputPort: true })),
  };
  scribe.upsert(by, urn, 'dataProductProperties', value);
  const owner = group(`g-${name.split('.')[0]}`);
  scribe.upsert(
    by,
    urn,
    'ownership',
    ownershipValue(scribe.now(), people.governance, people.governance, owner),
  );
  scribe.upsert(by, urn, 'status', present);
}

const promises: Readonly<Record<string, string>> = {
  'shop.orders': 'columns: announced 30 days before a change\nfreshness: before 01:00 UTC',
  'shop.order_items': 'columns: announced 30 days before a change\nfreshness: before 01:00 UTC',
  'shop.customers': 'columns: announced 30 days before a change\nreaders: billing, support',
  'shop.products': 'freshness: every Monday',
  'shop.returns': 'columns: announced 30 days before a change',
  'billing.invoices': 'columns: announced 30 days before a change\nfreshness: before 04:00 UTC',
  'billing.payments': 'freshness: before 04:00 UTC',
  'support.tickets': 'columns: no personal data\nfreshness: before 03:00 UTC',
  'support.satisfaction': 'freshness: every Monday',
  'weather.observations': 'columns: units are announced 30 days before a change',
  'finance.monthly_report': 'freshness: on the third of the month',
};

const streamsWithContract = [
  'shop.orders',
  'shop.order_items',
  'shop.shipments',
  'billing.invoices',
  'billing.payments',
  'support.tickets',
];

/** Contracts: files after the broken nights of September 2025, streams in February 2026, one a day. */
export const contracts: readonly Act[] = [
  ...Object.entries(promises).map(
    ([name, text], i): Act => ({
      at: utc('2025-10-01T12:00') + i * dayMs,
      tell: (scribe) => promise(scribe, name, dataset('file', name).urn, text),
    }),
  ),
  ...streamsWithContract.map(
    (name, i): Act => ({
      at: utc('2026-02-02T10:00') + i * dayMs,
      tell(scribe) {
        const stream = dataset('kafka', name);
        promise(scribe, stream.name, stream.urn, 'columns: only added at the end\nkept: 90 days');
      },
    }),
  ),
];

function promise(scribe: Scribe, name: string, entity: string, text: string): void {
  const urn = `urn:li:dataContract:${name}`;
  const by = atThePage(people.governance);
  scribe.upsert(by, urn, 'dataContractProperties', {
    entity,
    schema: [{ assertion: `urn:li:assertion:${name}.columns` }],
    freshness: [{ assertion: `urn:li:assertion:${name}.freshness` }],
    rawContract: `entity: ${name}\n${text}\n`,
  });
  scribe.upsert(by, urn, 'status', present);
}
