import { person, program } from './authors.ts';
import { endDay, hourMs, minuteMs, utc } from './calendar.ts';
import {
  boards,
  type Dataset,
  everyDataset,
  loyaltyDatasets,
  type Platform,
  platforms,
  productOf,
  strandsOf,
  trials,
} from './datasets.ts';
import type { Act, Scribe } from './scribe.ts';
import { present, stamp } from './values.ts';

export type Rhythm = 'hour' | 'day' | 'week' | 'month';

/** A step of a pipeline. All its runs are told of one entity: each is two run events with the run's id. */
export interface Job {
  /** `billing.nightly`. */
  readonly flow: string;
  readonly name: string;
  readonly engine: 'airflow' | 'spark';
  readonly rhythm: Rhythm;
  /** Minutes after midnight, or after the full hour. */
  readonly startMinute: number;
  readonly durationMs: number;
  readonly outputs: readonly Dataset[];
  readonly text: string;
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

/** The pipelines were set up without them. */
const cameLater = new Set([...loyaltyDatasets, ...trials]);
const fromTheStart = everyDataset.filter((of) => !cameLater.has(of));

/** `hive shop.*` or `file shop.orders`. */
function outputsOf(text: string): readonly Dataset[] {
  return text.split(' + ').flatMap((one) => {
    const [platformText, name = ''] = one.split(' ');
    const platform: Platform | undefined = platforms.find((known) => known === platformText);
    const found = fromTheStart.filter(
      (of) =>
        of.platform === platform &&
        (name.endsWith('.*') ? productOf(of.name) === name.slice(0, -2) : of.table.name === name),
    );
    if (found.length === 0) throw new Error(`no output ${one}`);
    return found;
  });
}

function job(line: string, outputs: string, text: string, from = '2025-04-03', end?: string): Job {
  const [flow, name, engine, rhythm, at, minutes] = line.trim().split(/\s+/u) as [
    ...[string, string, Job['engine'], Rhythm],
    ...[string, string],
  ];
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  return {
    ...{ flow, name, engine, rhythm, text },
    startMinute: hour * 60 + minute,
    durationMs: Number(minutes) * minuteMs,
    outputs: outputsOf(outputs),
    from: utc(from),
    end: end === undefined ? endDay : utc(end),
  };
}

/** Every pipeline of the company. */
export const jobs: readonly Job[] = [
  job(
    'shop.exports orders airflow day 22:10 14',
    'file shop.orders',
    'Writes the orders of the month as CSV.',
  ),
  job(
    'shop.exports order_items airflow day 22:30 19',
    'file shop.order_items',
    'Writes the lines of orders.',
  ),
  job('shop.exports customers airflow day 22:50 6', 'file shop.customers', 'Writes customers for billing.'),
  job('shop.exports returns airflow week 23:05 4', 'file shop.returns', 'Writes returns as JSON lines.'),
  job('shop.exports products airflow week 04:00 9', 'file shop.products', 'Writes the catalogue.'),
  job(
    'shop.raw_load load airflow day 00:20 38',
    'hive shop.*',
    'Copies the database of the shop into the raw layer.',
  ),
  job('shop.curate curate spark day 02:40 47', 'delta-lake shop.*', 'Checks types and drops repeated rows.'),
  job(
    'shop.peak orders_hourly airflow hour 00:12 3',
    'file shop.orders',
    'Exports orders every hour, in the weeks before Christmas only.',
    '2025-11-24',
    '2025-12-15',
  ),
  job(
    'billing.nightly invoices airflow day 01:30 22',
    'postgres billing.invoices + file billing.invoices',
    'Makes invoices of the orders of the day.',
  ),
  job(
    'billing.nightly payments airflow day 02:10 11',
    'file billing.payments',
    'Matches payments with invoices.',
  ),
  job('billing.nightly dunning airflow week 03:00 7', 'postgres billing.reminders', 'Sends reminders.'),
  job('billing.raw_load load airflow day 03:20 16', 'hive billing.*', 'Copies billing into the raw layer.'),
  job(
    'billing.curate curate spark day 04:10 21',
    'delta-lake billing.*',
    'Checks types and drops repeated rows.',
  ),
  job(
    'billing.tax rates airflow month 05:00 1',
    'file billing.tax_rates',
    'Publishes the tax rates of the month.',
  ),
  job('billing.ledger close airflow month 06:00 95', 'postgres billing.ledger_entries', 'Closes the ledger.'),
  job(
    'support.sync tickets airflow day 02:20 12',
    'file support.tickets',
    'Writes tickets without their texts.',
  ),
  job(
    'support.sync satisfaction airflow week 05:10 3',
    'file support.satisfaction',
    'Writes scores of the week.',
  ),
  job('support.sync agents airflow week 05:20 1', 'file support.agents', 'Writes agents by number.'),
  job('support.raw_load load airflow day 03:40 13', 'hive support.*', 'Copies support into the raw layer.'),
  job(
    'support.curate curate spark week 04:40 15',
    'delta-lake support.*',
    'Checks types and drops repeated rows.',
  ),
  job(
    'weather.fetch observations airflow day 05:15 5',
    'file weather.observations',
    'Fetches what stations measured.',
  ),
  job(
    'weather.fetch forecasts airflow day 05:30 2',
    'file weather.forecasts',
    'Fetches the forecast of five days.',
  ),
  job(
    'weather.fetch stations airflow month 05:45 1',
    'file weather.stations',
    'Fetches the list of stations.',
  ),
  job('weather.curate curate spark week 06:10 8', 'delta-lake weather.*', 'Turns CSV into tables.'),
  job('finance.daily revenue spark day 06:00 17', 'delta-lake finance.revenue_daily', 'Adds up revenue.'),
  job('finance.daily cash airflow week 06:30 2', 'delta-lake finance.cash_position', 'Adds up accounts.'),
  job(
    'finance.daily open_items spark week 06:40 9',
    'delta-lake finance.open_items',
    'Lists unpaid invoices.',
  ),
  job(
    'finance.weekly margin spark week 07:00 33',
    'delta-lake finance.margin_by_product',
    'Computes margins.',
  ),
  job(
    'finance.weekly refunds spark week 07:40 6',
    'delta-lake finance.refunds_by_reason',
    'Adds up refunds.',
  ),
  job(
    'finance.weekly support_cost spark week 07:50 5',
    'delta-lake finance.support_cost',
    'Adds up the cost of answering tickets.',
    '2025-06-16',
  ),
  job(
    'finance.weekly weather_effect spark week 08:00 12',
    'delta-lake finance.weather_effect',
    'Puts orders beside the weather.',
    '2025-06-23',
  ),
  job(
    'finance.weekly conversion_funnel spark week 08:20 18',
    'delta-lake finance.conversion_funnel',
    'Counts visits, carts and orders.',
    '2025-06-30',
  ),
  job(
    'finance.report monthly_report spark month 09:00 26',
    'file finance.monthly_report',
    'Makes the finance report over all products.',
    '2025-05-12',
  ),
  job(
    'finance.boards refresh airflow week 09:30 24',
    boards.map(({ platform, name }) => `${platform} ${name}`).join(' + '),
    'Refreshes the dashboards.',
    '2025-07-08',
  ),
];

export const flowUrn = ({ engine, flow }: Job): string => `urn:li:dataFlow:(${engine},${flow},PROD)`;
export const jobUrn = (of: Job): string => `urn:li:dataJob:(${flowUrn(of)},${of.name})`;
/** The entity that stands for all runs of a job. */
export const runUrn = ({ flow, name }: Job): string => `urn:li:dataProcessInstance:${flow}.${name}`;

export const findJob = (flow: string, name: string): Job =>
  jobs.find((of) => of.flow === flow && of.name === name)!;

const orchestrator = person('svc-orchestrator');

/** dataJobInputOutput: every output and all it is made of. */
export function flowsThrough({ outputs }: Pick<Job, 'outputs'>) {
  const strands = outputs.flatMap(strandsOf);
  const inputs = strands.flatMap(({ from }) => from.map(({ dataset }) => dataset.urn));
  const written = new Set(outputs.map(({ urn }) => urn));
  return {
    inputDatasets: [...new Set(inputs)].filter((urn) => !written.has(urn)),
    outputDatasets: [...written],
  };
}

function arriveJob(scribe: Scribe, of: Job): void {
  const by = program('orchestrator', 'deploy', orchestrator);
  const flow = flowUrn(of);
  const [product, flowName] = of.flow.split('.') as [string, string];
  if (!scribe.has(flow, 'dataFlowInfo')) {
    const description = `Pipeline ${flowName} of the product ${product}.`;
    scribe.upsert(by, flow, 'dataFlowInfo', { name: flowName, description, project: product, env: 'PROD' });
    scribe.upsert(by, flow, 'status', present);
  }
  const type = { string: of.engine.toUpperCase() };
  const info = { name: of.name, description: of.text, type, flowUrn: flow };
  scribe.upsert(by, jobUrn(of), 'dataJobInfo', {
    ...info,
    customProperties: { rhythm: `every ${of.rhythm}` },
  });
  scribe.upsert(by, jobUrn(of), 'dataJobInputOutput', flowsThrough(of));
  scribe.upsert(by, jobUrn(of), 'status', present);
  scribe.upsert(by, runUrn(of), 'dataProcessInstanceProperties', {
    name: `${of.flow}.${of.name}`,
    type: 'BATCH_SCHEDULED',
    created: stamp(scribe.now(), orchestrator),
  });
  const relations = { parentTemplate: jobUrn(of), upstreamInstances: [] };
  scribe.upsert(by, runUrn(of), 'dataProcessInstanceRelationships', relations);
}

/** A job is made known in the afternoon before its first day. */
export const jobArrivals: readonly Act[] = jobs.map((of) => ({
  at: of.from - 8 * hourMs,
  tell: (scribe) => arriveJob(scribe, of),
}));
