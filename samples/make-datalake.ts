import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  customerCount,
  customerId,
  type Files,
  moment,
  money,
  months,
  rows,
  stations,
  towns,
  two,
} from './company.ts';
import { shop } from './datalake-shop.ts';
import { type Draw, drawFrom } from './draw.ts';
import { csv, json, ndjson } from './table-text.ts';

/**
 * The sample lake: what the products shop, billing and support of a made-up company and a weather service left in their
 * folders by the end of 2025. Seeded and without a clock: the same bytes every time.
 */
export const datalakeSeed = 20_251_231;

function billing(files: Files, draw: Draw): void {
  for (const month of months.slice(3))
    files.set(
      `billing/invoices/${month}.ndjson`,
      ndjson(
        rows(90, (n) => ({
          invoice_id: `I-${month.replace('-', '')}-${n + 1}`,
          order_id: `O-${month.replace('-', '')}-${String(n + 1).padStart(4, '0')}`,
          // Billing still reads the name that shop gave up.
          cust_id: customerId(draw.below(customerCount)),
          issued_on: `${month}-${two(1 + draw.below(28))}`,
          net: draw.below(60_000) / 100,
          tax: { rate: draw.one([0.07, 0.19]), country: draw.one(['DE', 'FR', 'DK']) },
          paid: draw.chance(0.9),
        })),
      ),
    );
  const payments = rows(160, (n) => [
    `P-${n + 1}`,
    `I-2025${10 + draw.below(3)}-${1 + draw.below(90)}`,
    money(900 + draw.below(60_000)).replace('.', ','),
    draw.one(['card', 'transfer', 'direct debit']),
    `2025-${two(10 + draw.below(3))}-${two(1 + draw.below(28))}`,
    draw.chance(0.3) ? 'partial; second payment follows' : '',
  ]);
  files.set(
    'billing/payments.csv',
    csv(['payment_id', 'invoice_id', 'amount', 'method', 'booked_on', 'note'], payments, ';'),
  );
  const rates = {
    valid_from: '2025-01-01',
    rates: [
      { country: 'DE', standard: 0.19, reduced: 0.07 },
      { country: 'FR', standard: 0.2 },
    ],
  };
  files.set('billing/tax_rates.json', json(rates));
}

function support(files: Files, draw: Draw): void {
  for (const part of [1, 2, 3])
    files.set(
      `support/tickets/part-${part}.json`,
      json(
        rows(35, (n) => ({
          ticket_id: part * 1_000 + n,
          customer_id: customerId(draw.below(customerCount)),
          opened_at: moment(draw, months[part * 2 - 1]!),
          ...(draw.chance(0.7) ? { closed_at: moment(draw, '2025-12') } : {}),
          subject: draw.one([
            'Where is my order?',
            'Wrong colour',
            'Invoice is wrong',
            'Lamp does not light up',
          ]),
          tags: rows(draw.below(3), () => draw.one(['delivery', 'invoice', 'quality', 'urgent'])),
          messages: rows(1 + draw.below(2), () => ({
            from: draw.one(['customer', 'agent']),
            words: 5 + draw.below(90),
          })),
        })),
      ),
    );
  const agents = rows(12, (n) => [
    `A-${n + 1}`,
    draw.one(['first line', 'second line']),
    draw.one(['de', 'fr', 'en']),
    true,
  ]);
  files.set('support/agents.csv', csv(['agent_id', 'team', 'language', 'active'], agents));
  const scores = rows(70, (n) => ({
    ticket_id: 1_000 + n,
    score: 1 + draw.below(5),
    comment: draw.chance(0.4) ? 'Thank you' : null,
  }));
  files.set('support/satisfaction.ndjson', ndjson(scores));
}

function weather(files: Files, draw: Draw): void {
  files.set(
    'weather/LICENCE.txt',
    'Observations of the open weather service; free to use if the service is named.\n',
  );
  const places = stations.map((code, i) => [
    code,
    towns[i]![2],
    (50 + i * 1.25).toFixed(4),
    (9 + i * 0.8).toFixed(4),
    20 + draw.below(200),
  ]);
  files.set(
    'weather/stations.tsv',
    csv(['station', 'town', 'latitude', 'longitude', 'height_m'], places, '\t'),
  );
  for (const day of ['2025-12-28', '2025-12-29', '2025-12-30', '2025-12-31'])
    files.set(
      `weather/observations/day=${day}/part-0.csv`,
      csv(
        ['station', 'observed_at', 'temperature_c', 'wind_ms', 'rain_mm'],
        stations.flatMap((station) =>
          rows(8, (n) => [
            station,
            `${day}T${two(n * 3)}:00:00Z`,
            draw.between(-6, 9).toFixed(1),
            draw.between(0, 14).toFixed(1),
            draw.chance(0.6) ? '' : draw.between(0, 6).toFixed(1),
          ]),
        ),
      ),
    );
}

function finance(files: Files, draw: Draw): void {
  const report = months.flatMap((month) =>
    ['DE', 'FR', 'DK', 'CZ'].map((country) => {
      const [revenue, returns, tickets] = [
        900_000 + draw.below(4_000_000),
        draw.below(90_000),
        10 + draw.below(60),
      ];
      return [
        `${month}-01`,
        country,
        money(revenue),
        money(returns),
        tickets,
        draw.between(-4, 22).toFixed(1),
      ];
    }),
  );
  const header = ['month', 'country', 'revenue_eur', 'refunds_eur', 'support_tickets', 'mean_temperature_c'];
  files.set('finance/monthly_report.csv', csv(header, report));
  const targets = months.map((month) => ({
    month,
    revenue_eur: 10_000_000 + draw.below(2_000_000),
    approved_by: 'finance board',
  }));
  files.set('finance/targets.json', json(targets));
}

/** Every file of the lake, by path. */
export function datalakeFiles(): ReadonlyMap<string, string> {
  const files: Files = new Map();
  const draw = drawFrom(datalakeSeed);
  for (const product of [shop, billing, support, weather, finance]) product(files, draw);
  return files;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, 'datalake');
  rmSync(root, { recursive: true, force: true });
  for (const [path, content] of datalakeFiles()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
