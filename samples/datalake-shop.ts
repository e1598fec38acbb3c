import { customerCount, customerId, type Files, moment, money, months, rows, towns, two } from './company.ts';
import type { Draw } from './draw.ts';
import { csv, json, ndjson, type Row } from './table-text.ts';

const statuses = ['delivered', 'delivered', 'delivered', 'shipped', 'cancelled', 'returned'] as const;
const givenNames = [
  'Ada',
  'Björn',
  'Chloé',
  'Deniz',
  'Emil',
  'Farah',
  'Greta',
  'Hana',
  'Ivo',
  'Jana',
] as const;
const familyNames = [
  'Brandt',
  'Çelik',
  "D'Amico",
  'Eriksen',
  'Fischer',
  'Moreau',
  'Novák',
  'Okafor',
] as const;
const goods = ['Lamp', 'Chair', 'Desk', 'Shelf', 'Rug', 'Clock', 'Mirror', 'Vase'] as const;

const orderRow = (draw: Draw, month: string, n: number): Row => [
  `O-${month.replace('-', '')}-${String(n + 1).padStart(4, '0')}`,
  customerId(draw.below(customerCount)),
  moment(draw, month),
  draw.one(statuses),
  'EUR',
  money(900 + draw.below(60_000)),
];
const orderHeader = (customer: string): string[] => [
  'order_id',
  customer,
  'ordered_at',
  'status',
  'currency',
  'total_amount',
];

function customerRow(draw: Draw, n: number): Row {
  const [given, family, [country, postal, town]] = [
    draw.one(givenNames),
    draw.one(familyNames),
    draw.one(towns),
  ];
  const mailbox = `${given}.${family}.${n}`
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9.]/g, '');
  const since = `202${2 + draw.below(3)}-${two(1 + draw.below(12))}-${two(1 + draw.below(28))}`;
  return [
    customerId(n),
    `${family}, ${given}`,
    `${mailbox}@example.com`,
    country,
    postal,
    town,
    draw.chance(0.4),
    since,
  ];
}

function sales(files: Files, draw: Draw): void {
  // Renamed from cust_id in September 2025 and written again for all months; the old year keeps the old name.
  for (const month of months)
    files.set(
      `shop/orders/${month}.csv`,
      csv(
        orderHeader('customer_id'),
        rows(130, (n) => orderRow(draw, month, n)),
      ),
    );
  const past = rows(120, (n) => orderRow(draw, `2023-${two(1 + (n % 12))}`, n));
  files.set('shop/archive/orders-2023.csv', csv(orderHeader('cust_id'), past));
  const header = [
    'customer_id',
    'full_name',
    'email',
    'country',
    'postal_code',
    'town',
    'newsletter',
    'customer_since',
  ];
  files.set(
    'shop/customers.csv',
    csv(
      header,
      rows(customerCount, (n) => customerRow(draw, n)),
    ),
  );
  for (const part of [0, 1, 2])
    files.set(
      `shop/order_items/part-0000${part}.csv`,
      csv(
        ['order_id', 'line', 'sku', 'quantity', 'unit_price'],
        rows(180, (n) => [
          `O-2025${two(7 + part * 2)}-${String(1 + (n >> 1)).padStart(4, '0')}`,
          1 + (n & 1),
          `SKU-${100 + draw.below(24)}`,
          1 + draw.below(4),
          money(450 + draw.below(20_000)),
        ]),
      ),
    );
}

function catalogue(files: Files, draw: Draw): void {
  const products = rows(24, (n) => ({
    sku: `SKU-${100 + n}`,
    name: `${draw.one(goods)} ${n + 1}`,
    price: { amount: (450 + draw.below(20_000)) / 100, currency: 'EUR' },
    dimensions_cm: [20 + draw.below(80), 20 + draw.below(80), 5 + draw.below(60)],
    suppliers: rows(1 + draw.below(2), () => ({
      supplier_id: `S-${draw.below(9)}`,
      lead_days: 3 + draw.below(30),
    })),
    discontinued_on: draw.chance(0.2) ? `2025-${two(1 + draw.below(12))}-15` : null,
  }));
  files.set('shop/products.json', json(products));
  const returned = rows(60, (n) => ({
    return_id: `R-${n + 1}`,
    order_id: `O-2025${two(7 + draw.below(6))}-${String(1 + draw.below(130)).padStart(4, '0')}`,
    received_at: moment(draw, draw.one(months)),
    reason: draw.one(['damaged', 'too late', 'not as shown', 'changed mind']),
    refund: draw.chance(0.8)
      ? { amount: draw.below(20_000) / 100, method: draw.one(['card', 'transfer']) }
      : null,
  }));
  files.set('shop/returns.ndjson', ndjson(returned));
}

export function shop(files: Files, draw: Draw): void {
  sales(files, draw);
  catalogue(files, draw);
}
