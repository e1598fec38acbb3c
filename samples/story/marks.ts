import { group, people } from './authors.ts';
import { copiesOf, type Dataset, everyDataset, productOf } from './datasets.ts';

/** Domain and glossary terms of a table, one a line. */
const marks = `
shop.orders sales Order Customer
shop.order_items sales OrderLine Article
shop.customers sales Customer PersonalData
shop.products catalogue Article Supplier
shop.returns logistics Return Refund
shop.carts sales Cart Visitor
shop.categories catalogue Article
shop.prices catalogue Price
shop.promotions catalogue Promotion
shop.vouchers catalogue Promotion
shop.shipments logistics Parcel Carrier
shop.shipment_events logistics Parcel
shop.warehouses logistics Warehouse
shop.stock_levels logistics Stock Warehouse
shop.suppliers catalogue Supplier
shop.purchase_orders catalogue Supplier Article
shop.reviews catalogue Article
shop.wishlists sales Customer
shop.sessions sales Visitor
shop.page_views sales Visitor
shop.search_queries sales Visitor
shop.delivery_slots logistics Carrier
shop.gift_cards sales Payment
shop.archive.orders-2023 sales Order
shop.newsletter_sends sales Promotion
shop.newsletter_results sales Promotion
shop.banners catalogue Promotion
shop.price_checks catalogue Price
shop.supplier_delays catalogue Supplier
shop.loyalty_members loyalty Loyalty Customer
shop.loyalty_points loyalty Loyalty
shop.loyalty_rewards loyalty Loyalty
shop.returns_forecast logistics Return
shop.stock_forecast logistics Stock
shop.stock_today logistics Stock
shop.top_articles sales Article
shop.delivery_times logistics Parcel Carrier
billing.invoices billing Invoice Customer
billing.invoice_lines billing Invoice
billing.payments billing Payment
billing.refunds billing Refund
billing.tax_rates billing Invoice
billing.reminders billing Reminder
billing.chargebacks billing Payment
billing.payment_methods billing Payment
billing.bank_statements billing Ledger
billing.ledger_entries billing Ledger
billing.exchange_rates billing Ledger
billing.dunning_levels billing Reminder
billing.credit_limits billing Customer
billing.dunning_overview billing Reminder
billing.tax_reports billing Invoice
billing.payment_mix billing Payment
support.tickets support Ticket Customer
support.ticket_events support Ticket
support.ticket_topics support Ticket
support.agents support Agent
support.teams support Agent
support.satisfaction support Satisfaction
support.macros support Agent
support.calls support Ticket
support.chat_sessions support Ticket Visitor
support.escalations support Escalation
support.articles support Ticket
support.opening_hours support Agent
support.shifts support Agent
support.score_trend support Satisfaction
support.team_load support Ticket Agent
support.first_answer support Ticket
weather.stations weather Station
weather.observations weather Observation Station
weather.forecasts weather Station
weather.warnings weather Station
finance.revenue_daily finance Revenue Order
finance.margin_by_product finance Margin Article
finance.refunds_by_reason finance Refund Return
finance.open_items finance OpenItem Invoice
finance.cash_position finance Ledger
finance.support_cost finance Ticket
finance.weather_effect finance Order Observation
finance.conversion_funnel finance Visitor Cart Order
finance.monthly_report finance Revenue Refund
finance.targets finance Revenue
finance.revenue_overview finance Revenue
finance.board_pack finance Revenue
finance.cash_today finance Ledger
finance.late_payers finance OpenItem
finance.weather_and_orders finance Order
finance.margins finance Margin
finance.funnel finance Visitor Order
`;

interface Marks {
  readonly domain: string;
  readonly terms: readonly string[];
}

const marksByTable = new Map(
  marks
    .trim()
    .split('\n')
    .map((line): [string, Marks] => {
      const [name, domain, ...terms] = line.split(' ');
      return [name!, { domain: domain!, terms }];
    }),
);

export function marksOf({ table }: Dataset): Marks {
  const found = marksByTable.get(table.name);
  if (found === undefined) throw new Error(`no marks for ${table.name}`);
  return found;
}

/** Tables that u-0107 looks after until January 2026. */
export const logisticsTables = [
  'shop.returns',
  'shop.shipments',
  'shop.shipment_events',
  'shop.stock_levels',
  'shop.warehouses',
] as const;
export const handedOver: readonly Dataset[] = logisticsTables.flatMap((name) => copiesOf(name));

const ownersByTable = new Map<string, string>([
  ...logisticsTables.map((name): [string, string] => [name, people.shopLogistics]),
  ...['orders', 'order_items', 'customers', 'carts', 'sessions', 'page_views', 'search_queries'].map(
    (name): [string, string] => [`shop.${name}`, people.shopOrders],
  ),
  ...['ledger_entries', 'bank_statements', 'exchange_rates', 'tax_rates'].map((name): [string, string] => [
    `billing.${name}`,
    people.billingLedger,
  ]),
  ['support.tickets', people.support],
  ['support.ticket_events', people.support],
]);

const ownersByProduct: Readonly<Record<string, string>> = {
  shop: people.shopCatalogue,
  billing: people.billing,
  support: people.supportReports,
  weather: people.platform,
  finance: people.finance,
};

/** The person and the group that answer for a dataset at first. */
export function ownersOf({ platform, name, table }: Dataset): readonly [technical: string, business: string] {
  const product = productOf(name);
  const technical =
    product === 'finance' && platform === 'looker'
      ? people.financeReports
      : (ownersByTable.get(table.name) ?? ownersByProduct[product]!);
  return [technical, group(product === 'weather' ? 'g-platform' : `g-${product}`)];
}

const highVolume = new Set(['shop.page_views', 'shop.shipment_events', 'shop.search_queries']);
const widelyUsed = new Set(['shop.orders', 'shop.customers', 'billing.invoices', 'support.tickets']);
const keptForTenYears = new Set(['billing.invoices', 'billing.ledger_entries', 'billing.payments']);

/** Tags a dataset gets when governance looks at it first. */
export function firstTags({ platform, name, table }: Dataset): readonly string[] {
  const tags = [
    [productOf(name) === 'weather', 'third-party'],
    [table.name === 'shop.customers', 'pii'],
    [platform === 'file' && productOf(name) !== 'weather', 'export'],
    [widelyUsed.has(table.name) && platform === 'file', 'core'],
    [highVolume.has(table.name), 'high-volume'],
    [keptForTenYears.has(table.name) && platform === 'postgres', 'retention-10y'],
    [platform === 'kafka', 'retention-90d'],
  ] as const;
  return tags.flatMap(([holds, tag]) => (holds ? [tag] : []));
}

/** Datasets whose use is counted, the most used first. */
export const usedDatasets: readonly Dataset[] = everyDataset.filter(
  ({ platform, name }) =>
    platform === 'looker' ||
    platform === 'file' ||
    (platform === 'delta-lake' && productOf(name) === 'finance'),
);
