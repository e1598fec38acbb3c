import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAspectSchemas } from '../../../src/intake/aspect-schemas.ts';
import { shippedSchemas } from '../../../src/intake/schema-folder.ts';
import { readLineageEvents } from '../../../src/intake/translate/openlineage.ts';
import { datasetUrn, jobNames } from '../../../src/intake/translate/openlineage-names.ts';

const folder = new URL('../../golden/openlineage/', import.meta.url);
const { events } = JSON.parse(readFileSync(new URL('events.json', folder), 'utf8')) as {
  readonly events: readonly { readonly name: string; readonly event: Record<string, unknown> }[];
};
const schemas = loadAspectSchemas([shippedSchemas]);

function sentOf(given: unknown, principal = 'token:a') {
  const read = readLineageEvents(Buffer.from(JSON.stringify(given)), principal);
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.fault));
  return read.sent;
}

function eventsOf(given: unknown, principal?: string) {
  const [one] = sentOf(given, principal);
  if (one === undefined || !('events' in one)) throw new Error(JSON.stringify(one));
  return one.events.map(({ value, source, ...event }) => ({
    ...event,
    value: JSON.parse(Buffer.from(value!).toString()) as Record<string, unknown>,
    source: { ...source!, foreign: Object.fromEntries(source!.foreign) },
  }));
}

const named = (name: string) => events.find((event) => event.name === name)!.event;

/** Written once where it is not there yet, and never again. */
function goldenOf(made: string): string {
  const file = new URL('translated.json', folder);
  if (process.env.ANNAL_TEST_NEW_GOLDEN === 'openlineage' && !existsSync(file)) writeFileSync(file, made);
  return readFileSync(file, 'utf8');
}

test('what is made of the events of Spark, Airflow and the Python client stands as it is', () => {
  const told = events.map(({ name, event }) => ({
    name,
    events: eventsOf(event).map(({ urn, aspect, id, occurredAt, correlationId, value, source }) => ({
      ...{ urn, aspect, id, occurredAt, correlationId, value, source },
    })),
  }));
  expect(`${JSON.stringify(told, null, 1)}\n`).toBe(goldenOf(`${JSON.stringify(told, null, 1)}\n`));
});

test.each(
  events.map(({ name }) => name),
)('every aspect fits its schema, and none is personal: %s', (name) => {
  for (const { aspect, value } of eventsOf(named(name)))
    expect([aspect, schemas.check(aspect!, value)]).toMatchObject([aspect, { ok: true, personal: false }]);
});

test('a time without a zone is one of UTC, and what is no time of ISO 8601 is refused', () => {
  const event = named(events[0]!.name);
  const at = (eventTime: string) => eventsOf({ ...event, eventTime })[0]!.occurredAt;
  expect(at('2026-07-01T10:00:00.5')).toBe(Date.UTC(2026, 6, 1, 10, 0, 0, 500));
  expect(at('2026-07-01T10:00:00.5+02:00')).toBe(Date.UTC(2026, 6, 1, 8, 0, 0, 500));
  for (const eventTime of ['7', 'July 1, 2026', '2026-07-01T25:00:00Z'])
    expect(sentOf({ ...event, eventTime })).toMatchObject([{ refusal: { pointer: '/eventTime' } }]);
});

test('names that would come again in each of many columns are refused before they do', () => {
  const [long, many] = ['x'.repeat(50_000), Array.from({ length: 2_000 }, (_, i) => `c${i}`)];
  const dataset = (name: string, facets: object) => ({
    eventTime: '2026-07-01T10:00:00Z',
    dataset: { namespace: 'postgres://db', name, facets },
  });
  const from = { inputFields: [{ namespace: 'n', name: 'm', field: 'f' }] };
  const fields = Object.fromEntries(many.map((name) => [name, from]));
  expect(sentOf(dataset(long, { columnLineage: { fields } }))).toMatchObject([
    { refusal: { code: 'URN_INVALID' }, urn: null },
  ]);
  const nested = [{ name: long, type: 'struct', fields: many.map((name) => ({ name, type: 'int' })) }];
  expect(sentOf(dataset('t', { schema: { fields: nested } }))).toMatchObject([
    { refusal: { code: 'VALUE_TOO_LARGE' } },
  ]);
});

test('queries, plans, owners and messages are left out', () => {
  const all = JSON.stringify(events.map(({ event }) => eventsOf(event)));
  for (const word of ['ann@example.org', 'select', 'logicalPlan', 'local[*]'])
    expect(all).not.toContain(word);
});

test('the same event again has the same ids; of another sender it has others', () => {
  const ids = (principal?: string) => eventsOf(named('spark: it ended'), principal).map(({ id }) => id);
  expect(ids()).toEqual(ids());
  expect(new Set(ids()).size).toBe(ids().length);
  expect(ids('token:b')).not.toEqual(ids());
});

test('what is half told before the end of a run takes nothing away from what was told by the run before', () => {
  const aspects = (name: string) => eventsOf(named(name)).map(({ aspect }) => aspect);
  expect(aspects('airflow: a task starts')).not.toContain('dataJobInputOutput');
  expect(aspects('airflow: it failed')).not.toContain('dataJobInputOutput');
  expect(aspects('airflow: it ended')).toContain('dataJobInputOutput');
});

test('what is told of a dataset that is only read replaces nothing', () => {
  const schemasOf = (event: unknown) =>
    eventsOf(event)
      .filter(({ aspect }) => aspect === 'schemaMetadata')
      .map(({ urn, expect: expected }) => [/:([a-z]+),/.exec(urn)![1], expected?.offset]);
  const ended = named('spark: it ended');
  expect(schemasOf(ended)).toEqual([
    ['postgres', -1],
    ['abs', undefined],
  ]);
  // Who reads and writes it knows all of it.
  const both = { ...ended, outputs: [...(ended.inputs as object[]), ...(ended.outputs as object[])] };
  expect(schemasOf(both).map(([, offset]) => offset)).toEqual([undefined, undefined]);
});

test('a step does not take away what its flow told of itself', () => {
  const flows = (name: string) =>
    eventsOf(named(name)).flatMap(({ aspect, value }) => (aspect === 'dataFlowInfo' ? [value] : []));
  expect(flows('airflow: a DAG ended')).toMatchObject([{ description: 'Nightly invoices' }]);
  expect(flows('airflow: it ended')).toEqual([]);
  expect(flows('a job of itself')).toHaveLength(1);
});

test('column lineage leads from the columns read to the column written', () => {
  const moves = eventsOf(named('spark: it ended')).find(({ aspect }) => aspect === 'dataJobInputOutput')!;
  const orders = 'urn:li:dataset:(urn:li:dataPlatform:postgres,shop.public.orders,PROD)';
  const daily = 'urn:li:dataset:(urn:li:dataPlatform:abs,lake/curated/orders_daily,PROD)';
  expect(moves.value).toEqual({
    inputDatasets: [],
    inputDatasetEdges: [{ destinationUrn: orders }],
    outputDatasets: [],
    outputDatasetEdges: [{ destinationUrn: daily }],
    fineGrainedLineages: [
      {
        upstreamType: 'FIELD_SET',
        upstreams: [`urn:li:schemaField:(${orders},placed_at)`],
        downstreamType: 'FIELD',
        downstreams: [`urn:li:schemaField:(${daily},day)`],
        transformOperation: 'DIRECT:TRANSFORMATION',
        confidenceScore: 1,
      },
      {
        upstreamType: 'FIELD_SET',
        upstreams: [`urn:li:schemaField:(${orders},amount)`, `urn:li:schemaField:(${orders},id)`],
        downstreamType: 'FIELD',
        downstreams: [`urn:li:schemaField:(${daily},total)`],
        transformOperation: 'DIRECT:AGGREGATION, INDIRECT:FILTER',
        confidenceScore: 1,
      },
    ],
  });
});

describe('names', () => {
  test.each([
    ['postgres://db:5432', 'shop.public.orders', 'postgres,shop.public.orders'],
    ['s3a://bucket', '/raw/orders/', 's3,bucket/raw/orders'],
    ['gs://bucket', 'raw', 'gcs,bucket/raw'],
    ['abfss://lake@acc.dfs.core.windows.net', 'a/b', 'abs,lake/a/b'],
    ['bigquery', 'p.d.t', 'bigquery,p.d.t'],
    ['file', '/data/a,(b).csv', 'file,/data/a%2C%28b%29.csv'],
    ['my_team', 'orders', 'openlineage,my_team.orders'],
  ])('a dataset of %s', (namespace, name, key) => {
    expect(datasetUrn({ namespace, name })).toBe(`urn:li:dataset:(urn:li:dataPlatform:${key},PROD)`);
  });

  const ofJob = (name: string, more: { parentJob?: string; kind?: string; moves?: boolean } = {}) => {
    const { flowUrn, urn } = jobNames(
      { namespace: 'jdbc://me:secret@host/db', name },
      {
        facets: { jobType: { integration: 'AIRFLOW', jobType: more.kind ?? 'TASK' } },
        parentJob: more.parentJob,
        producer: '',
        moves: more.moves ?? false,
      },
    );
    return [flowUrn, urn].map((one) => one.replaceAll(',jdbc://host/db)', ')'));
  };

  test.each([
    ['a.b.c', {}, 'a', 'b.c'],
    ['a.b.c', { parentJob: 'a.b' }, 'a.b', 'c'],
    ['a.b', { parentJob: 'other' }, 'a', 'b'],
    ['alone', {}, 'alone', 'alone'],
    ['dag', { kind: 'DAG', moves: true }, 'dag', 'dag'],
  ])('the job %s %j', (name, more, flow, job) => {
    const flowUrn = `urn:li:dataFlow:(airflow,${flow})`;
    expect(ofJob(name, more)).toEqual([flowUrn, `urn:li:dataJob:(${flowUrn},${job})`]);
  });

  test('a DAG is a flow and no job; no password of a namespace is in a URN', () => {
    expect(ofJob('dag.of.dots', { kind: 'DAG' })).toEqual(
      new Array(2).fill('urn:li:dataFlow:(airflow,dag.of.dots)'),
    );
  });
});

describe('refused', () => {
  const base = named('spark: it ended');
  test.each<[string, unknown, string, string]>([
    ['no event', 1, 'EVENT_SHAPE', '/eventTime'],
    ['no time', { ...base, eventTime: 'today' }, 'EVENT_SHAPE', '/eventTime'],
    ['no job', { ...base, job: {} }, 'EVENT_SHAPE', '/job'],
    ['a run without a UUID', { ...base, run: { runId: '17' } }, 'EVENT_SHAPE', '/run/runId'],
    ['a dataset without a name', { ...base, inputs: [{ namespace: 'a' }] }, 'EVENT_SHAPE', ''],
    [
      'a name that is no URN',
      {
        ...base,
        inputs: [{ namespace: 'pg', name: 'a\nb', facets: { documentation: { description: 'x' } } }],
      },
      'URN_INVALID',
      '',
    ],
    [
      'more datasets than one event may name',
      { ...base, inputs: new Array(201).fill({ namespace: 'a', name: 'b' }) },
      'EVENT_SHAPE',
      '',
    ],
  ])('alone: %s', (_, given, code, pointer) => {
    expect(sentOf(given)).toMatchObject([{ refusal: { code, pointer } }]);
  });

  test.each([
    ['no JSON', '{', 'JSON_INVALID'],
    ['too many', JSON.stringify(new Array(101).fill({})), 'TOO_MANY_EVENTS'],
    ['too deep', '['.repeat(600) + ']'.repeat(600), 'JSON_TOO_DEEP'],
  ])('as a whole: %s', (_, text, code) => {
    expect(readLineageEvents(Buffer.from(text), 'a')).toMatchObject({ kind: 'invalid', fault: { code } });
  });
});
