import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { anEvent, at, recordOf } from '../given/events.ts';

const customers = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.customers,PROD)';
const tag = 'urn:li:tag:größe';
const raw = (text: string): Uint8Array => Buffer.from(text);

/** The first events that were frozen. */
const events: readonly MetadataChangeEvent[] = [
  anEvent({ n: 1, value: { name: 'Orders', description: 'One row per order, cust_id and custName' } }),
  anEvent({
    n: 2,
    aspect: 'ownership',
    value: { owners: [{ owner: 'urn:li:corpGroup:sales', type: 'DATAOWNER' }] },
  }),
  anEvent({ n: 3, aspect: 'globalTags', value: { tags: [{ tag: 'urn:li:tag:pii' }] } }),
  anEvent({
    ...{ n: 4, aspect: 'schemaMetadata', actor: 'urn:li:corpuser:u-1', correlationId: '', causationId: 'x' },
    value: { fields: [{ fieldPath: 'cust_id', description: 'Who' }, { fieldPath: 'items[].sku' }] },
    group: '00000000-0000-7000-8000-00000000abcd',
    source: {
      ...{ plugin: 'scan', version: '1', runId: 'r "1"' },
      foreign: new Map([
        ['root', 'lake'],
        ['～', 'b'],
        ['😀', 'a'],
        ['__proto__', 'c'],
      ]),
    },
  }),
  anEvent({ n: 4, aspect: 'schemaMetadata', value: { fields: [] } }),
  anEvent({ n: 5, change: 'PATCH', value: [{ op: 'replace', path: '/name', value: 'Orders 2' }] }),
  anEvent({ n: 6, change: 'PATCH', value: [{ op: 'remove', path: '/nothing' }] }),
  anEvent({ n: 7, expect: at(0), value: { name: 'late' } }),
  anEvent({ n: 8, expect: at(5), value: { name: 'in time' } }),
  anEvent({
    n: 9,
    urn: customers,
    expect: at(-1, 0),
    value: { name: 'Customers', qualifiedName: 'db.customers' },
  }),
  {
    ...anEvent({ n: 10, urn: customers, aspect: 'x.opaque', aspectSchema: null }),
    value: raw(' {"b":1.0, "a":1e3 } '),
  },
  { ...anEvent({ n: 11, urn: customers, aspect: 'x.odd', aspectSchema: null }), value: raw('{"a":1,"a":2}') },
  anEvent({ n: 12, urn: customers, aspect: 'ownership', change: 'DELETE' }),
  anEvent({ n: 13, aspect: 'globalTags', change: 'DELETE' }),
  anEvent({
    n: 14,
    urn: tag,
    entityType: 'tag',
    namespace: 'default',
    aspect: 'tagProperties',
    value: { name: 'Größe' },
  }),
  anEvent({ n: 15, urn: customers, aspect: null, change: 'DELETE' }),
  anEvent({ n: 16, urn: customers, value: { name: 'Customers again' } }),
];

/** The events, then records that reach no entity. */
export function firstCorpus(): LogRecord[] {
  const records = events.map((event, offset) => recordOf(event, offset));
  const broken = recordOf(anEvent({ n: 20 }), 0);
  const odd: readonly Partial<LogRecord>[] = [
    { headers: [] },
    { value: null },
    { value: Buffer.from([0x7f]) },
    { key: Buffer.from(customers) },
    { key: Buffer.from([0xff]) },
  ];
  for (const change of odd) {
    const offset = records.length;
    records.push({ ...broken, ...change, offset, appendTime: 1_763_600_000_000 });
  }
  return records;
}

const named = {
  name: 'ownName',
  qualifiedName: 'lake.own_name',
  description: 'Told (in words), and/or “quoted”',
};
const urnOf = (kind: string, n: number): string => `urn:li:${kind}:frozen_${n}`;
const manyWords = Array.from({ length: 5_010 }, (_, n) => `word${n}`).join(' ');

/** A value of each aspect whose texts are searched, and of one whose are not. */
const values: Readonly<Record<string, unknown>> = {
  datasetProperties: { ...named, customProperties: { 'owner.team': 'Sales Ops', n: 1, empty: '' } },
  containerProperties: named,
  dataProductProperties: named,
  dataJobInfo: named,
  dataFlowInfo: named,
  domainProperties: named,
  glossaryTermInfo: { ...named, definition: 'What aCustomer2Id means' },
  tagProperties: named,
  schemaMetadata: {
    fields: [
      { fieldPath: '[version=2.0].[type=string].e-mail', globalTags: { tags: [{ tag: 'urn:li:tag:pii' }] } },
    ],
  },
  ownership: { owners: [{ owner: 'urn:li:corpuser:u-1' }, { owner: 'urn:li:corpuser:u-1' }, { owner: 7 }] },
  globalTags: { tags: [{ tag: 'urn:li:tag:Ünïcode' }, {}] },
  glossaryTerms: { terms: [{ urn: 'urn:li:glossaryTerm:Customer.Id' }] },
  domains: { domains: ['urn:li:domain:sales', 'urn:li:domain:marketing'] },
  institutionalMemory: { elements: [{ url: 'https://example.org/a', description: 'not searched' }] },
};

const wideEvents: readonly MetadataChangeEvent[] = [
  ...Object.entries(values).map(([aspect, value], n) =>
    anEvent({ n: 100 + n, urn: urnOf('domain', n), entityType: 'domain', aspect, value }),
  ),
  // More ids than are remembered, then a repeat of each at the edge.
  ...Array.from({ length: 18 }, (_, n) => anEvent({ n: 200 + n, urn: urnOf('tag', 1) })),
  ...[201, 202, 203, 200].map((n) => anEvent({ n, urn: urnOf('tag', 1) })),
  // Values at and over their bounds.
  anEvent({ n: 300, urn: urnOf('tag', 2), value: { name: 'x'.repeat(300), description: manyWords } }),
  anEvent({
    ...{ n: 301, urn: urnOf('tag', 2), aspect: 'globalTags' },
    value: { tags: [{ tag: `urn:li:tag:${'ü'.repeat(600)}` }] },
  }),
  anEvent({ n: 302, urn: urnOf('tag', 2), aspect: '1', aspectSchema: null, value: { a: 1 } }),
  // Patches of patches, of what was deleted, and of what comes again after a deletion of all.
  anEvent({
    n: 303,
    urn: urnOf('tag', 2),
    change: 'PATCH',
    value: [{ op: 'add', path: '/list', value: [1, 2] }],
  }),
  anEvent({
    n: 304,
    urn: urnOf('tag', 2),
    change: 'PATCH',
    value: [{ op: 'move', from: '/list/0', path: '/list/-' }],
  }),
  anEvent({ n: 305, urn: urnOf('tag', 2), change: 'DELETE' }),
  anEvent({ n: 306, urn: urnOf('tag', 2), change: 'PATCH', value: [{ op: 'remove', path: '/list' }] }),
  anEvent({ n: 307, urn: urnOf('tag', 2), aspect: null, change: 'DELETE' }),
  anEvent({ n: 308, urn: urnOf('tag', 2), aspect: null, change: 'DELETE', expect: at(0) }),
  anEvent({ n: 309, urn: urnOf('tag', 2), expect: at(-1, 0), value: { name: 'back' } }),
  anEvent({
    n: 310,
    urn: 'urn:li:chart:(looker,sales.Chart-1)',
    entityType: 'chart',
    value: { title: 'no name' },
  }),
];

/** What the first ones do not reach: every aspect that is searched, the ring of ids, bounds of values and words, patches in a row. */
export const wideCorpus = (): LogRecord[] => wideEvents.map((event, offset) => recordOf(event, offset));

/** Of entities that nothing deletes: what is at a bound is still there at the end. */
const boundEvents: readonly MetadataChangeEvent[] = [
  anEvent({ n: 400, urn: urnOf('tag', 3), value: { name: 'x'.repeat(300), description: manyWords } }),
  ...[1_023, 1_024, 1_025].map((length, n) =>
    anEvent({
      ...{ n: 410 + n, urn: urnOf('tag', 4 + n), aspect: 'globalTags' },
      value: { tags: [{ tag: 'a'.repeat(length) }, { tag: `ä${'é'.repeat(length / 2)}` }] },
    }),
  ),
  ...[255, 256, 257].map((length, n) =>
    anEvent({
      n: 420 + n,
      urn: urnOf('chart', n),
      value: { name: `${'w'.repeat(length)} ü${'v'.repeat(length)}` },
    }),
  ),
  // Conditions on what never was, on what is gone, and on another position than the last.
  anEvent({ n: 430, urn: urnOf('tag', 8), expect: at(3) }),
  anEvent({ n: 431, urn: urnOf('tag', 8) }),
  anEvent({ n: 432, urn: urnOf('tag', 8), aspect: null, change: 'DELETE', expect: at(-1, 0) }),
  anEvent({ n: 433, urn: urnOf('tag', 8), aspect: 'ownership', expect: at(3) }),
  anEvent({ n: 434, urn: urnOf('tag', 8), expect: at(3) }),
];

/** What stands at a bound, and conditions of every kind. */
export const boundCorpus = (): LogRecord[] => boundEvents.map((event, offset) => recordOf(event, offset));

const column = (table: string, path: string): string => `urn:li:schemaField:(${table},${path})`;
const job = 'urn:li:dataJob:(urn:li:dataFlow:(airflow,daily,PROD),load)';
const run = (n: number): string => `urn:li:dataProcessInstance:run-${n}`;
const table = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;
const lineage = (n: number, urn: string, aspect: string, value: unknown): MetadataChangeEvent =>
  anEvent({ ...{ n, urn, aspect, value }, entityType: urn.split(':')[2]!, aspectSchema: null });

/** Everything that tells of lineage: each aspect, each form of an end, ends of a time, and what cannot be read. */
const lineageEvents: readonly MetadataChangeEvent[] = [
  lineage(500, table('orders'), 'upstreamLineage', {
    upstreams: [
      { dataset: table('raw_ä'), type: 'TRANSFORMED' },
      { dataset: table('raw_ä'), type: 'COPY' },
      { dataset: table('rates'), type: 'COPY' },
      { dataset: 'rates' },
    ],
    fineGrainedLineages: [
      {
        ...{ upstreamType: 'FIELD_SET', downstreamType: 'FIELD', transformOperation: 'a + b' },
        upstreams: [column(table('raw_ä'), 'a'), column(table('other'), 'b.c,(d)')],
        downstreams: [column(table('orders'), 'total')],
      },
      { upstreamType: 'DATASET', downstreamType: 'FIELD_SET', upstreams: [table('rates')] },
      { upstreamType: 'NONE', downstreamType: 'FIELD', downstreams: [column(table('orders'), 'now')] },
      {
        ...{ upstreamType: 'FIELD_SET', downstreamType: 'FIELD' },
        upstreams: [column(table('orders'), 'total'), `urn:${'x'.repeat(1_021)}`],
        downstreams: [column(table('orders'), 'tax'), 7],
      },
    ],
  }),
  {
    ...lineage(501, table('orders'), 'upstreamLineage', []),
    change: 'PATCH',
    value: raw('[{"op":"remove","path":"/upstreams/0"}]'),
  },
  anEvent({ n: 502, urn: table('orders') }),
  anEvent({ n: 502, urn: table('orders') }),
  lineage(503, job, 'dataJobInputOutput', {
    ...{ inputDatasets: [table('orders')], outputDatasets: [table('sums')] },
    ...{ inputDatasetEdges: [{ destinationUrn: table('orders') }, { destinationUrn: table('rates') }] },
    ...{ inputDatajobs: [job], inputDatasetFields: [column(table('fields'), 'a')] },
    outputDatasetFields: [column(table('made'), 'a')],
    fineGrainedLineages: [
      { upstreams: [column(table('orders'), 'total')], downstreams: [column(table('sums'), 'sum')] },
    ],
  }),
  lineage(504, run(1), 'dataProcessInstanceInput', { inputs: [table('orders')] }),
  lineage(505, run(1), 'dataProcessInstanceOutput', {
    outputs: [],
    outputEdges: [{ destinationUrn: table('sums') }],
  }),
  lineage(506, run(2), 'dataProcessInstanceRelationships', {
    parentTemplate: job,
    upstreamInstances: [run(1)],
  }),
  lineage(507, 'urn:li:chart:(looker,sums)', 'chartInfo', {
    title: 'Sums',
    inputs: [{ string: table('sums') }],
  }),
  lineage(508, 'urn:li:dashboard:(looker,all)', 'dashboardInfo', {
    ...{ charts: ['urn:li:chart:(looker,sums)'], datasets: [table('sums')] },
    dashboards: [{ destinationUrn: 'urn:li:dashboard:(looker,part)' }],
  }),
  { ...lineage(509, table('odd'), 'upstreamLineage', {}), value: raw('{"upstreams":[],"upstreams":[]}') },
  { ...lineage(510, table('odd'), 'upstreamLineage', {}), value: raw('{ "upstreams": 7 }') },
  {
    ...lineage(511, table('spaced'), 'upstreamLineage', {}),
    value: raw(`{ "upstreams": [{"dataset":"${table('odd')}"}] }`),
  },
  anEvent({ n: 512, urn: table('odd'), aspect: 'upstreamLineage', change: 'DELETE' }),
  anEvent({ n: 513, urn: table('odd'), aspect: 'upstreamLineage', expect: at(0) }),
  lineage(514, table('orders'), 'upstreamLineage', {
    upstreams: [{ dataset: table('orders'), type: 'VIEW' }],
  }),
  anEvent({ n: 515, urn: table('orders'), aspect: null, change: 'DELETE' }),
  anEvent({ n: 516, urn: table('orders'), namespace: 'other' }),
  anEvent({ n: 517, urn: table('orders'), namespace: 'shop' }),
  anEvent({ n: 518, urn: table('never'), expect: at(3) }),
  anEvent({ n: 519, urn: table('gone'), aspect: null, change: 'DELETE' }),
];

/** Behind the first ones: what they do not tell a projection of lineage. */
export const lineageCorpus = (): LogRecord[] =>
  [...events, ...lineageEvents].map((event, offset) => recordOf(event, offset));
