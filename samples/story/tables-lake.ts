import { type Table, table } from './tables.ts';

/** What the products share as files, in the columns of samples/datalake. */
export const lakeTables: readonly Table[] = [
  table(
    'shop.orders',
    'Orders as other products may use them, exported every night as one CSV file a month.',
    `order_id text!
     cust_id text
     ordered_at time
     status text
     currency text
     total_amount num`,
  ),
  table(
    'shop.order_items',
    'Lines of the exported orders, in CSV parts.',
    `order_id text!
     line int!
     sku text
     quantity int
     unit_price num`,
  ),
  table(
    'shop.customers',
    'Customers with names and addresses; only billing and support may read it.',
    `customer_id text!
     full_name text
     email text
     country text
     postal_code text
     town text
     newsletter bool
     customer_since date`,
  ),
  table(
    'shop.products',
    'The catalogue as one JSON file, with suppliers inside each article.',
    `sku text!
     name text
     price obj
     price.amount num <shop.products.price_amount>
     price.currency text <shop.products.price_currency>
     dimensions_cm list
     suppliers list
     suppliers[].supplier_id text <shop.products.suppliers> Number of a supplier.
     suppliers[].lead_days int <shop.products.suppliers> Days that supplier needs.
     discontinued_on date`,
  ),
  table(
    'shop.returns',
    'Returns with their refunds, one JSON line each.',
    `return_id text!
     order_id text
     received_at time
     reason text
     refund obj
     refund.amount num <shop.returns.refund_amount>
     refund.method text <shop.returns.refund_method>`,
  ),
  table(
    'shop.archive.orders-2023',
    'Orders of 2023, kept as they were written then: the customer is still called cust_id.',
    `order_id text!
     cust_id text <shop.orders.cust_id>
     ordered_at time <shop.orders.ordered_at>
     status text <shop.orders.status>
     currency text <shop.orders.currency>
     total_amount num <shop.orders.total_amount>`,
  ),
  table(
    'billing.invoices',
    'Invoices of each month, for finance and for the customer pages of the shop.',
    `invoice_id text!
     order_id text <shop.orders.order_id>
     cust_id text <shop.orders.cust_id>
     issued_on date
     net num
     tax obj
     tax.rate float <billing.invoices.tax_rate>
     tax.country text <billing.invoices.tax_country>
     paid bool`,
  ),
  table(
    'billing.payments',
    'Payments with semicolons and decimal commas, as the bookkeepers open them.',
    `payment_id text!
     invoice_id text
     amount text
     method text
     booked_on date
     note text`,
  ),
  table(
    'billing.tax_rates',
    'Tax rates as one JSON document.',
    `valid_from date
     rates list
     rates[].country text <billing.tax_rates.country>
     rates[].standard float <billing.tax_rates.standard>
     rates[].reduced float <billing.tax_rates.reduced>`,
  ),
  table(
    'support.tickets',
    'Tickets without the text of their messages.',
    `ticket_id int!
     customer_id text
     opened_at time
     closed_at time
     subject text
     tags list
     messages list
     messages[].from text <support.tickets.messages> Whether customer or agent wrote.
     messages[].words int <support.tickets.messages> How long the message is.`,
  ),
  table(
    'support.agents',
    'Agents by number, for reports about workload.',
    `agent_id text!
     team text
     language text
     active bool`,
  ),
  table(
    'support.satisfaction',
    'Scores that customers gave, one JSON line each.',
    `ticket_id int!
     score int
     comment text`,
  ),
];

/** What the weather service delivers; nobody here can change it. */
export const weatherTables: readonly Table[] = [
  table(
    'weather.stations',
    'Weather stations near our towns, from the open weather service.',
    `station text! Short name of the station.
     town text Town it stands for.
     latitude float Degrees north.
     longitude float Degrees east.
     height_m int Metres above the sea.`,
  ),
  table(
    'weather.observations',
    'What the stations measured, every three hours, one folder a day.',
    `station text! Station that measured.
     observed_at time! When it was measured, in UTC.
     temperature_c float Air temperature in degrees Celsius.
     wind_kmh float Mean wind speed in kilometres an hour.
     rain_mm float Rain since the last row in millimetres; empty when it stayed dry.
     day text Day of the folder.`,
  ),
  table(
    'weather.forecasts',
    'Forecast of the next five days for each station, replaced every morning.',
    `station text! Station it is for.
     day date! Day that is forecast.
     low_c float Lowest temperature in degrees Celsius.
     high_c float Highest temperature in degrees Celsius.
     rain_chance float Chance of rain, 0 to 1.`,
  ),
  table(
    'weather.warnings',
    'Warnings of storm, ice and heat.',
    `warning_id text! Number of the warning.
     station text Station it is for.
     kind text storm, ice or heat.
     until time When it ends.`,
  ),
];
