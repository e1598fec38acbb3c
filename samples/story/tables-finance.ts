import { type Table, table } from './tables.ts';

/** What finance computes from the products of others. */
export const financeTables: readonly Table[] = [
  table(
    'finance.revenue_daily',
    'Revenue by day and country, from the orders of the night before.',
    `day date! <shop.orders.ordered_at> Day of the orders.
     country text! <shop.customers.country> Country of delivery.
     orders int <shop.orders.order_id> How many orders.
     revenue_eur num <shop.orders.total_amount shop.orders.currency> Total in euros.`,
  ),
  table(
    'finance.margin_by_product',
    'What is left of each article after purchase and returns.',
    `sku text! <shop.order_items.sku> Article.
     month date! <shop.orders.ordered_at> First day of the month.
     revenue_eur num <shop.order_items.unit_price shop.order_items.quantity> Sold, in euros.
     returned_eur num <shop.returns.refund_amount> Paid back, in euros.`,
  ),
  table(
    'finance.refunds_by_reason',
    'Refunds of each month by the reason customers gave.',
    `month date! <shop.returns.received_at> First day of the month.
     reason text! <shop.returns.reason> Reason of the return.
     amount_eur num <shop.returns.refund_amount> Paid back, in euros.`,
  ),
  table(
    'finance.open_items',
    'Invoices that are not paid, with the days since they were due.',
    `invoice_id text! <billing.invoices.invoice_id> Invoice.
     cust_id text <billing.invoices.cust_id> Customer who has to pay.
     open_eur num <billing.invoices.net billing.payments.amount> What is left to pay.
     days_late int <billing.invoices.issued_on> Days since it was due.`,
  ),
  table(
    'finance.cash_position',
    'Money on our accounts each morning.',
    `day date! <billing.bank_statements.booked_on> Morning it is for.
     cash_eur num <billing.bank_statements.amount> Sum of all accounts in euros.`,
  ),
  table(
    'finance.support_cost',
    'What answering tickets costs, by product and week.',
    `week date! <support.tickets.opened_at> Monday of the week.
     product text! <support.escalations.product> Product the tickets are about.
     tickets int <support.tickets.ticket_id> How many tickets.
     hours float <support.calls.seconds> Hours on the telephone.`,
  ),
  table(
    'finance.weather_effect',
    'How orders move with temperature, wind and rain.',
    `day date! <shop.orders.ordered_at weather.observations.observed_at> Day.
     town text! <weather.stations.town> Town.
     orders int <shop.orders.order_id> How many orders.
     temperature_c float <weather.observations.temperature_c> Mean temperature.
     wind float <weather.observations.wind_kmh> Mean wind, in the unit the weather service delivers.
     rain_mm float <weather.observations.rain_mm> Sum of rain.`,
  ),
  table(
    'finance.conversion_funnel',
    'From visit to cart to order, by week.',
    `week date! <shop.sessions.started_at> Monday of the week.
     visits int <shop.sessions.session_id> How many visits.
     carts int <shop.carts.cart_id> How many carts were opened.
     orders int <shop.carts.ordered> How many carts became an order.`,
  ),
];

/** The finance report over all products, as a file for the board. */
export const reportTables: readonly Table[] = [
  table(
    'finance.monthly_report',
    'The finance report: revenue, refunds, support load and weather by month and country, over all products.',
    `month date! <shop.orders.ordered_at> First day of the month.
     country text! <billing.invoices.tax.country> Country of delivery.
     revenue_eur num <shop.orders.total_amount billing.invoices.net> Revenue in euros.
     refunds_eur num <shop.returns.refund.amount> Refunds in euros.
     support_tickets int <support.tickets.ticket_id> Tickets that were opened.
     mean_temperature_c float <weather.observations.temperature_c> Mean temperature in degrees Celsius.`,
  ),
  table(
    'finance.targets',
    'Targets that the finance board approved, by month.',
    `month text! First day of the month.
     revenue_eur num Target in euros.
     approved_by text Who approved it, as a body, never a person.`,
  ),
];

/** What people look at: tiles on dashboards. */
export const boardTables: readonly Table[] = [
  table(
    'finance.revenue_overview',
    'Dashboard of revenue by day, country and channel.',
    `day date! <finance.revenue_daily.day> Day.
     country text! <finance.revenue_daily.country> Country.
     revenue_eur num <finance.revenue_daily.revenue_eur> Revenue.`,
  ),
  table(
    'finance.board_pack',
    'Dashboard that the finance board sees each month: the monthly report against its targets.',
    `month date! <finance.monthly_report.month> Month.
     revenue_eur num <finance.monthly_report.revenue_eur> Revenue.
     target_eur num <finance.targets.revenue_eur> Target.`,
  ),
  table(
    'finance.cash_today',
    'Dashboard of the money we have this morning.',
    `day date! <finance.cash_position.day> Day.
     cash_eur num <finance.cash_position.cash_eur> Money.`,
  ),
  table(
    'finance.late_payers',
    'Dashboard of open invoices by age.',
    `days_late int! <finance.open_items.days_late> Age.
     open_eur num <finance.open_items.open_eur> Open amount.`,
  ),
  table(
    'finance.weather_and_orders',
    'Dashboard that puts orders beside temperature and wind.',
    `day date! <finance.weather_effect.day> Day.
     orders int <finance.weather_effect.orders> Orders.
     wind float <finance.weather_effect.wind> Wind.`,
  ),
  table(
    'finance.funnel',
    'Dashboard of visits, carts and orders.',
    `week date! <finance.conversion_funnel.week> Week.
     visits int <finance.conversion_funnel.visits> Visits.
     orders int <finance.conversion_funnel.orders> Orders.`,
  ),
  table(
    'support.team_load',
    'Dashboard of open tickets by team.',
    `team text! <support.agents.team> Team.
     tickets int <support.tickets.ticket_id> Open tickets.`,
  ),
  table(
    'support.first_answer',
    'Dashboard of the time until somebody answers.',
    `day date! <support.tickets.opened_at> Day.
     minutes float <support.ticket_events.happened_at> Median minutes until the ticket was taken.`,
  ),
  table(
    'shop.stock_today',
    'Dashboard of articles that run out.',
    `sku text! <shop.stock_levels.sku> Article.
     pieces int <shop.stock_levels.pieces> Pieces left.`,
  ),
  table(
    'shop.top_articles',
    'Dashboard of what sells best this week.',
    `sku text! <shop.order_items.sku> Article.
     pieces int <shop.order_items.quantity> Pieces sold.`,
  ),
  table(
    'shop.delivery_times',
    'Dashboard of days from order to delivery by carrier.',
    `carrier text! <shop.shipments.carrier> Carrier.
     days float <shop.shipments.handed_over_at shop.shipments.delivered_at> Mean days.`,
  ),
  table(
    'billing.dunning_overview',
    'Dashboard of reminders by level.',
    `level int! <billing.reminders.level> Level.
     letters int <billing.reminders.reminder_id> Letters.`,
  ),
  table(
    'billing.payment_mix',
    'Dashboard of ways to pay.',
    `method text! <billing.payments.method> Way to pay.
     amount num <billing.payments.amount> What came in.`,
  ),
  table(
    'support.score_trend',
    'Dashboard of the scores customers give.',
    `score int! <support.satisfaction.score> Score.
     tickets int <support.satisfaction.ticket_id> Tickets with that score.`,
  ),
  table(
    'finance.margins',
    'Dashboard of margins by article.',
    `sku text! <finance.margin_by_product.sku> Article.
     revenue_eur num <finance.margin_by_product.revenue_eur> Revenue.
     returned_eur num <finance.margin_by_product.returned_eur> Paid back.`,
  ),
  table(
    'shop.supplier_delays',
    'Dashboard of suppliers that deliver late.',
    `supplier_id text! <shop.purchase_orders.supplier_id> Supplier.
     pieces int <shop.purchase_orders.pieces> Pieces that are late.`,
  ),
  table(
    'shop.newsletter_results',
    'Dashboard of newsletters that were opened.',
    `issue text! <shop.newsletter_sends.issue> Issue.
     opened int <shop.newsletter_sends.opened> How many were opened.`,
  ),
];
