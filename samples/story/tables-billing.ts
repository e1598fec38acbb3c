import { type Table, table } from './tables.ts';

/** What billing keeps in its own database. */
export const billingTables: readonly Table[] = [
  table(
    'billing.invoices',
    'Invoices as they were sent to customers, one row an invoice.',
    `invoice_id text! Number of the invoice, without gaps within a year.
     order_id text <shop.orders.order_id> Order that is invoiced.
     cust_id text <shop.orders.cust_id> Customer who has to pay.
     issued_on date Day of the invoice.
     net num <shop.orders.total_amount> Amount without tax.
     tax_rate float Share of tax, 0.19 for nineteen per cent.
     tax_country text Country whose tax it is.
     paid bool Whether all of it was paid.`,
  ),
  table(
    'billing.invoice_lines',
    'The lines of each invoice.',
    `invoice_id text! Invoice the line belongs to.
     line int! Number of the line, from 1.
     sku text Article or service.
     net num Amount of the line without tax.`,
  ),
  table(
    'billing.payments',
    'Money that came in, and the invoice it was for.',
    `payment_id text! Number of the payment.
     invoice_id text Invoice it pays.
     amount num What came in.
     method text card, transfer or direct debit.
     booked_on date Day it was booked.
     note text Remark of the bookkeeper.`,
  ),
  table(
    'billing.refunds',
    'Money that was paid back to customers.',
    `refund_id text! Number of the refund.
     return_id text Return it is for.
     amount num What was paid back.
     paid_on date Day it left the account.`,
  ),
  table(
    'billing.tax_rates',
    'Rates of value added tax by country.',
    `country text! Two letters of the country.
     valid_from date! First day of the rates.
     standard float Rate for most articles.
     reduced float Rate for food and books; empty where there is none.`,
  ),
  table(
    'billing.reminders',
    'Letters about invoices that were not paid in time.',
    `reminder_id text! Number of the letter.
     invoice_id text Invoice it is about.
     level int First, second or last reminder.
     sent_on date Day it was sent.`,
  ),
  table(
    'billing.chargebacks',
    'Card payments that the bank took back.',
    `chargeback_id text! Number given by the bank.
     payment_id text Payment that was taken back.
     reason text Word of the bank.
     booked_on date Day it was taken back.`,
  ),
  table(
    'billing.payment_methods',
    'Ways to pay and what each costs us.',
    `method text! Short name of the way to pay.
     fee_percent float Share the provider keeps.
     active bool Whether it is offered.`,
  ),
  table(
    'billing.bank_statements',
    'Lines of the bank statements, as the bank sends them each morning.',
    `statement_id text! Day and number of the line.
     booked_on date Day of the booking.
     amount num Above zero: came in; below: went out.
     purpose text Text of the booking.`,
  ),
  table(
    'billing.ledger_entries',
    'The general ledger: every booking on every account.',
    `entry_id text! Number of the booking.
     account text Number of the account.
     booked_on date Day of the booking.
     debit num Left side.
     credit num Right side.`,
  ),
  table(
    'billing.exchange_rates',
    'Rates of the central bank by day.',
    `currency text! Three letters of the currency.
     day date! Day of the rate.
     per_euro float How much of it one euro buys.`,
  ),
  table(
    'billing.dunning_levels',
    'After how many days which reminder is sent.',
    `level int! First, second or last.
     after_days int Days after the due date.
     fee num What the reminder costs the customer.`,
  ),
  table(
    'billing.credit_limits',
    'Up to which amount a customer may pay by invoice.',
    `customer_id text! Number of the customer.
     limit_amount num Highest open amount.
     checked_on date Day of the last check.`,
  ),
  table(
    'billing.tax_reports',
    'What was reported to the tax offices, by country and quarter.',
    `country text! Two letters of the country.
     quarter text! For example 2025-2.
     net num Sum of invoices without tax.
     tax num Tax that is due.`,
  ),
];

/** What support keeps in its own database. */
export const supportTables: readonly Table[] = [
  table(
    'support.tickets',
    'Requests of customers, one row a ticket, whatever way they came in.',
    `ticket_id int! Number of the ticket.
     customer_id text Customer who asks.
     opened_at time When the request came in.
     closed_at time When it was solved; empty while it is open.
     subject text First line of the request.
     tags list Words the agents gave it.
     messages list The conversation, in order.`,
  ),
  table(
    'support.ticket_events',
    'What happened to a ticket: taken, passed on, solved, opened again.',
    `ticket_id int! Ticket that is meant.
     happened_at time! When it happened.
     what text taken, passed-on, solved or reopened.`,
  ),
  table(
    'support.agents',
    'Who answers tickets, by number only.',
    `agent_id text! Number of the agent.
     team text first line or second line.
     language text Two letters of the language the agent answers in.
     active bool Whether the agent takes tickets now.`,
  ),
  table(
    'support.teams',
    'Teams of agents and the hours they answer in.',
    `team text! Name of the team.
     opens int First hour of the day.
     closes int Last hour of the day.`,
  ),
  table(
    'support.satisfaction',
    'What customers answered when a ticket was closed.',
    `ticket_id int! Ticket they answered for.
     score int One to five.
     comment text What they wrote; mostly empty.`,
  ),
  table(
    'support.macros',
    'Answers that agents use again and again.',
    `macro_id text! Short name of the answer.
     language text Two letters of its language.
     body text The text.`,
  ),
  table(
    'support.calls',
    'Telephone calls, without what was said.',
    `call_id text! Number of the call.
     ticket_id int Ticket it led to.
     started_at time When somebody answered.
     seconds int How long it took.`,
  ),
  table(
    'support.chat_sessions',
    'Conversations in the chat window of the shop.',
    `chat_id text! Number of the conversation.
     session_id text Visit of the shop it began in.
     started_at time First message.
     messages int How many messages were sent.`,
  ),
  table(
    'support.escalations',
    'Tickets that the second line or a product team had to solve.',
    `ticket_id int! Ticket that was passed on.
     passed_on_at time When it was passed on.
     product text Product team that has to help.`,
  ),
  table(
    'support.articles',
    'Help pages that customers can read themselves.',
    `article_id text! Short name of the page.
     title text Its heading.
     views int How often it was read.`,
  ),
  table(
    'support.opening_hours',
    'Days on which nobody answers.',
    `day date! The day.
     reason text For example a holiday.`,
  ),
  table(
    'support.shifts',
    'How many agents answer at which hour.',
    `day date! The day.
     hour int! Hour of the day.
     agents int How many agents answer.`,
  ),
];
