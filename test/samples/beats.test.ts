import { beforeAll, expect, test } from 'vitest';
import { isLive } from '../../src/domain/entity-state.ts';
import { readSampleLog, type SampleLog, type Told } from '../given/sample-log.ts';

const dataset = (platform: string, name: string): string =>
  `urn:li:dataset:(urn:li:dataPlatform:${platform},${name},PROD)`;
const column = (of: string, name: string): string => `urn:li:schemaField:(${of},${name})`;
const orders = dataset('file', 'shop.orders');

let log: SampleLog;
let byUrn: ReadonlyMap<string, readonly Told[]>;
beforeAll(async () => {
  log = await readSampleLog();
  byUrn = Map.groupBy(log.told, ({ event }) => event.urn);
});

const changes = (urn: string, aspect: string | null): readonly Told[] =>
  byUrn.get(urn)!.filter(({ event }) => event.aspect === aspect);
/** The value of an aspect at a moment, by the append time. */
const asOf = (time: string, urn: string, aspect: string): unknown =>
  changes(urn, aspect).findLast(({ at }) => at <= time)?.after;
const told = (correlationId: string): readonly Told[] =>
  log.told.filter(({ event }) => event.correlationId === correlationId);

interface Schema {
  readonly fields: readonly { readonly fieldPath: string; readonly globalTags?: unknown }[];
}
const columns = (time: string, urn: string): string[] =>
  (asOf(time, urn, 'schemaMetadata') as Schema).fields.map(({ fieldPath }) => fieldPath);

interface Lineage {
  readonly upstreams: readonly { readonly dataset: string }[];
  readonly fineGrainedLineages: readonly {
    readonly upstreams: readonly string[];
    readonly downstreams: readonly string[];
    readonly transformOperation?: string;
  }[];
}
const strand = (time: string, urn: string, name: string) =>
  (asOf(time, urn, 'upstreamLineage') as Lineage).fineGrainedLineages.find(({ downstreams }) =>
    downstreams.includes(column(urn, name)),
  );

test('shop renames orders.cust_id, on a day, by somebody', () => {
  const [renaming, ...others] = told('SHOP-2291').filter(
    ({ event }) => event.urn === orders && event.aspect === 'schemaMetadata',
  );
  expect(others).toEqual([]);
  expect(renaming!.at.slice(0, 16)).toBe('2025-09-16T22:25');
  expect(renaming!.event.actor).toBe('urn:li:corpuser:u-0142');
  expect(columns('2025-09-16T22:00', orders)).toContain('cust_id');
  for (const platform of ['file', 'postgres', 'delta-lake']) {
    const after = columns('2025-09-18', dataset(platform, 'shop.orders'));
    expect([after.includes('cust_id'), after.includes('customer_id')]).toEqual([false, true]);
  }
});

test('billing fails for six nights after it, then adapts and goes on', () => {
  const invoices = dataset('file', 'billing.invoices');
  const [renaming] = told('SHOP-2291').filter(({ event }) => event.urn === orders);
  const runs = changes('urn:li:dataProcessInstance:billing.nightly.invoices', 'dataProcessInstanceRunEvent');
  const failed = runs.filter(
    ({ after }) => (after as { result?: { type: string } }).result?.type === 'FAILURE',
  );
  expect(failed.map(({ at }) => at.slice(0, 10))).toEqual(
    [17, 18, 19, 20, 21, 22].map((day) => `2025-09-${day}`),
  );
  expect(failed[0]!.at > renaming!.at).toBe(true);
  const next = runs.find(
    ({ at, after }) => at > '2025-09-23' && (after as { status: string }).status === 'COMPLETE',
  );
  expect(next!.after).toMatchObject({ messageId: '2025-09-23', result: { type: 'SUCCESS' } });
  const stale = (time: string) =>
    JSON.stringify(asOf(time, invoices, 'globalTags')).includes('urn:li:tag:stale');
  expect([stale('2025-09-17'), stale('2025-09-19'), stale('2025-09-23')]).toEqual([false, true, false]);
  expect(strand('2025-09-21', invoices, 'cust_id')!.upstreams).toEqual([column(orders, 'cust_id')]);
  expect(strand('2025-09-23', invoices, 'cust_id')).toMatchObject({
    upstreams: [column(orders, 'customer_id')],
    transformOperation: 'RENAME',
  });
  const adapted = told('BILL-871').filter(({ event }) => event.causationId === renaming!.event.id);
  expect(adapted).toHaveLength(3);
});

test('an owner leaves: twenty datasets go to another within a week', () => {
  const [leaver, successor] = ['urn:li:corpuser:u-0107', 'urn:li:corpuser:u-0173'];
  const owned = (time: string, by: string) =>
    [...log.states.keys()].filter((urn) => JSON.stringify(asOf(time, urn, 'ownership') ?? '').includes(by));
  const before = owned('2026-01-12', leaver);
  expect(before).toHaveLength(20);
  expect(owned('2026-01-17', leaver)).toEqual([]);
  expect(owned('2026-01-17', successor)).toEqual(expect.arrayContaining(before));
  const moves = told('HAND-OVER-0107');
  expect(new Set(moves.map(({ at }) => at.slice(0, 10))).size).toBe(5);
  expect(moves.map(({ outcome }) => outcome)).toEqual(new Array(20).fill('applied'));
});

test('a personal column appears in tickets and is tagged six days later', () => {
  const tickets = dataset('postgres', 'support.tickets');
  expect(columns('2026-03-10T09:00', tickets)).not.toContain('email');
  expect(columns('2026-03-10T10:00', tickets)).toContain('email');
  const isPii = (value: unknown) => JSON.stringify(value ?? '').includes('urn:li:tag:pii');
  for (const copy of [
    ...[tickets, dataset('kafka', 'support.tickets_changes'), dataset('hive', 'support.raw_tickets')],
    dataset('delta-lake', 'support.tickets'),
  ]) {
    expect(isPii(asOf('2026-03-16T14:00', copy, 'globalTags'))).toBe(false);
    expect(isPii(asOf('2026-03-17', copy, 'globalTags'))).toBe(true);
    const { fields } = asOf('2026-03-17', copy, 'schemaMetadata') as Schema;
    expect(isPii(fields.find(({ fieldPath }) => fieldPath === 'email')!.globalTags)).toBe(true);
  }
  const marks = told('PRIV-77').filter(({ event }) => event.aspect === 'globalTags');
  expect(new Set(marks.map(({ event }) => event.actor))).toEqual(new Set(['urn:li:corpuser:u-0118']));
  expect(columns('2026-09-30', dataset('file', 'support.tickets'))).not.toContain('email');
});

test('a dataset vanishes and its consumer still names it', () => {
  const carts = dataset('hive', 'shop.raw_carts');
  const [deletion, ...others] = changes(carts, null);
  expect(others).toEqual([]);
  expect(deletion).toMatchObject({ event: { change: 'DELETE' }, outcome: 'applied' });
  expect(deletion!.at.slice(0, 16)).toBe('2026-05-19T10:12');
  expect(isLive(log.states.get(carts)!)).toBe(false);
  expect(log.told.filter(({ event, at }) => event.urn === carts && at > deletion!.at)).toEqual([]);
  const funnel = dataset('delta-lake', 'finance.conversion_funnel');
  const { upstreams } = asOf('2026-10-01', funnel, 'upstreamLineage') as Lineage;
  expect(upstreams.map((upstream) => upstream.dataset)).toContain(carts);
  const runs = changes(
    'urn:li:dataProcessInstance:finance.weekly.conversion_funnel',
    'dataProcessInstanceRunEvent',
  );
  expect(runs.at(-1)!.after).toMatchObject({ result: { type: 'SKIPPED' } });
});

test('the weather service changes a unit', () => {
  const observations = dataset('file', 'weather.observations');
  expect(columns('2025-11-04T05:00', observations)).toContain('wind_kmh');
  expect(columns('2025-11-04T06:00', observations)).toContain('wind_ms');
  const effect = dataset('delta-lake', 'finance.weather_effect');
  const read = dataset('delta-lake', 'weather.observations');
  expect(strand('2025-11-12', effect, 'wind')!.upstreams).toEqual([column(read, 'wind_kmh')]);
  expect(strand('2025-11-13', effect, 'wind')!.upstreams).toEqual([column(read, 'wind_ms')]);
  expect(asOf('2025-11-13', effect, 'datasetProperties')).toMatchObject({
    description: expect.stringContaining('metres a second'),
  });
});

test('a schema is patched, a delivery comes twice, an edit is too late, a patch does not apply', () => {
  const returns = dataset('postgres', 'shop.returns');
  const [patch] = changes(returns, 'schemaMetadata').filter(({ event }) => event.change === 'PATCH');
  expect(patch).toMatchObject({ outcome: 'applied', event: { correlationId: 'SHOP-3044' } });
  expect(patch!.at.slice(0, 10)).toBe('2026-04-21');
  const others = log.told.filter(({ outcome }) => outcome !== 'applied');
  const days = (outcome: string) =>
    new Set(others.filter((one) => one.outcome === outcome).map(({ at }) => at.slice(0, 10)));
  expect(days('duplicate')).toEqual(new Set(['2025-12-02', '2026-02-24']));
  expect(days('conflict')).toEqual(new Set(['2025-08-19', '2026-06-11']));
  expect(days('patch-failed')).toEqual(new Set(['2025-10-15', '2026-06-24']));
});

test('the finance report is made of all products and the weather', () => {
  const report = dataset('file', 'finance.monthly_report');
  const { upstreams } = asOf('2026-10-01', report, 'upstreamLineage') as Lineage;
  const read = ['shop.orders', 'shop.returns', 'billing.invoices', 'support.tickets', 'weather.observations'];
  expect(upstreams.map((upstream) => upstream.dataset).sort()).toEqual(
    read.map((name) => dataset('file', name)).sort(),
  );
  expect(changes(report, 'schemaMetadata')[0]!.at.slice(0, 10)).toBe('2025-05-12');
});
