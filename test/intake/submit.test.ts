import { expect, test } from 'vitest';
import { limits, type MetadataChangeEvent } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { Principal } from '../../src/domain/policy.ts';
import { decodeEvent, eventSchemaSha256 } from '../../src/formats/event.ts';
import { confluentId, unframe } from '../../src/formats/framing.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import type { Submitted } from '../../src/intake/submit.ts';
import { aChange, anIntake, idOf, orders, resultsOf, submitJson } from '../given/intake.ts';
import { manualClock } from '../given/manual-clock.ts';
import { type ScriptedLog, scriptedLog } from '../given/scripted-log.ts';

async function world() {
  const log = scriptedLog();
  const clock = manualClock();
  const intake = await clock.until(anIntake({ log, clock }));
  const submit = (body: unknown, given: Parameters<typeof submitJson>[2] = {}): Promise<Submitted> =>
    clock.until(submitJson(intake, body, given));
  return { log, clock, intake, submit };
}

const eventsIn = (log: ScriptedLog): MetadataChangeEvent[] =>
  log.records.flat().map(({ value }) => decodeEvent(unframe(value!)));

const text = (fields: string): Buffer => Buffer.from(`{"urn":"${orders}","aspect":"status",${fields}}`);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const properties = (value: string): Buffer =>
  Buffer.from(`{"urn":"${orders}","aspect":"datasetProperties","value":${value}}`);
const usage = (value: object): object => aChange({ aspect: 'datasetUsageStatistics', value });
const person = 'urn:li:corpuser:u1';
const withUrn = (urn: string): object => aChange({ urn });

/** The body as a whole. */
const invalidBodies: [string, Buffer, string, string][] = [
  ['nothing', Buffer.alloc(0), 'JSON_INVALID', ''],
  ['half an object', Buffer.from('{"urn":'), 'JSON_INVALID', '/urn'],
  ['two values', Buffer.from('{} {}'), 'JSON_INVALID', ''],
  ['lines', Buffer.from('{"a":1}\n{"a":2}\n'), 'JSON_INVALID', ''],
  ['NaN', properties('{"name":"a","size":NaN}'), 'JSON_INVALID', '/value/size'],
  ['a byte order mark', Buffer.from('\ufeff{}'), 'JSON_INVALID', ''],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"urn":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    'JSON_INVALID',
    '',
  ],
  ['a lone surrogate', properties('{"name":"\\ud800"}'), 'JSON_INVALID', '/value/name'],
  ['brackets without end', Buffer.from('['.repeat(100_000)), 'JSON_TOO_DEEP', '/0'.repeat(512)],
  [
    'more values than a request may hold',
    Buffer.from(`[${'1,'.repeat(100_001)}1]`),
    'JSON_TOO_LARGE',
    '/100000',
  ],
  ['over 8 MiB', Buffer.alloc(limits.requestBytesMax + 1, ' '), 'BODY_TOO_LARGE', ''],
  [
    '1,001 events',
    Buffer.from(JSON.stringify(Array.from({ length: 1_001 }, () => aChange()))),
    'TOO_MANY_EVENTS',
    '',
  ],
];

test.each(invalidBodies)('refuses a body as a whole: %s', async (_, body, code, pointer) => {
  const { submit, log } = await world();
  expect(await submit(body)).toMatchObject({ kind: 'invalid', fault: { code, pointer } });
  expect(log.appends).toEqual([]);
});

/** One event each. */
const refusedEvents: [string, unknown, string, string][] = [
  ['a number', 5, 'EVENT_SHAPE', ''],
  ['no URN', { aspect: 'status', value: {} }, 'EVENT_SHAPE', '/urn'],
  ['a URN that is no text', aChange({ urn: 7 }), 'EVENT_SHAPE', '/urn'],
  ['no aspect', { urn: orders, value: {} }, 'EVENT_SHAPE', '/aspect'],
  ['no value', { urn: orders, aspect: 'status' }, 'EVENT_SHAPE', '/value'],
  ['a value with DELETE', aChange({ change: 'DELETE' }), 'EVENT_SHAPE', '/value'],
  ['an unknown change', aChange({ change: 'upsert' }), 'EVENT_SHAPE', '/change'],
  ['an aspect that is no name', aChange({ aspect: '../status' }), 'EVENT_SHAPE', '/aspect'],
  ['an id that is no UUID', aChange({ id: '1' }), 'EVENT_SHAPE', '/id'],
  ['a group that is no UUID', aChange({ group: 'x' }), 'EVENT_SHAPE', '/group'],
  ['a time without zone', aChange({ occurredAt: '2024-05-01T10:00:00' }), 'EVENT_SHAPE', '/occurredAt'],
  ['30 February', aChange({ occurredAt: '2024-02-30T10:00:00Z' }), 'EVENT_SHAPE', '/occurredAt'],
  ['half a millisecond', aChange({ occurredAt: 1.5 }), 'EVENT_SHAPE', '/occurredAt'],
  ['the year 10000', aChange({ occurredAt: limits.occurredAtMax + 1 }), 'EVENT_SHAPE', '/occurredAt'],
  ['no position', aChange({ expect: '1-0' }), 'EVENT_SHAPE', '/expect'],
  ['a position that cannot be', aChange({ expect: '0-0-1' }), 'EVENT_SHAPE', '/expect'],
  ['an actor that is no URN', aChange({ actor: 'jane' }), 'URN_INVALID', '/actor'],
  ['a source that is no object', aChange({ source: 'dbt' }), 'EVENT_SHAPE', '/source'],
  ['a source without plugin', aChange({ source: {} }), 'EVENT_SHAPE', '/source/plugin'],
  [
    'a source with a number',
    aChange({ source: { plugin: 'dbt', foreign: { a: 1 } } }),
    'EVENT_SHAPE',
    '/source/foreign/a',
  ],
  [
    'a source with an array',
    aChange({ source: { plugin: 'dbt', foreign: ['a'] } }),
    'EVENT_SHAPE',
    '/source/foreign',
  ],
  [
    'a run id with a line end',
    aChange({ source: { plugin: 'dbt', runId: 'a\nb' } }),
    'EVENT_SHAPE',
    '/source/runId',
  ],
  ['a long correlation id', aChange({ correlationId: 'x'.repeat(513) }), 'EVENT_SHAPE', '/correlationId'],
  [
    'many foreign members',
    aChange({
      source: { plugin: 'p', foreign: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, ''])) },
    }),
    'EVENT_SHAPE',
    '/source/foreign',
  ],
  ['a misspelt member', aChange({ ocurredAt: 1 }), 'FIELD_UNKNOWN', '/ocurredAt'],
  ['a namespace', aChange({ namespace: 'shop' }), 'FIELD_UNKNOWN', '/namespace'],
  ['a recorder', aChange({ recordedBy: 'local:owner' }), 'FIELD_UNKNOWN', '/recordedBy'],
  ['an entity type', aChange({ entityType: 'dataset' }), 'FIELD_UNKNOWN', '/entityType'],
  ['a member of source', aChange({ source: { plugin: 'p', runid: '1' } }), 'FIELD_UNKNOWN', '/source/runid'],
  ['no URN in the URN', withUrn('orders'), 'URN_INVALID', '/urn'],
  ['a line end in the URN', withUrn('urn:li:dataset:a\nb'), 'URN_INVALID', '/urn'],
  ['an escape character in the URN', withUrn('urn:li:dataset:a\u001b[31m'), 'URN_INVALID', '/urn'],
  ['traversal in the URN', withUrn('urn:li:dataset:../../etc'), 'URN_INVALID', '/urn'],
  ['encoded traversal in the URN', withUrn('urn:li:dataset:a/%2e%2e/b'), 'URN_INVALID', '/urn'],
  ['a URN that is not NFC', withUrn('urn:li:dataset:cafe\u0301'), 'URN_INVALID', '/urn'],
  ['a URN of 513 bytes', withUrn(`urn:li:dataset:${'x'.repeat(498)}`), 'URN_INVALID', '/urn'],
  ['the same key twice', properties('{"name":"a","name":"b"}'), 'DUPLICATE_KEY', '/value/name'],
  [
    'the same key twice, escaped',
    properties('{"name":"a","\\u006eame":"b"}'),
    'DUPLICATE_KEY',
    '/value/name',
  ],
  ['a member twice', text('"value":{},"aspect":"status"'), 'DUPLICATE_KEY', '/aspect'],
  ['1e400', properties('{"name":"a","size":1e400}'), 'NUMBER_LOSSY', '/value/size'],
  ['-0', properties('{"name":"a","size":-0}'), 'NUMBER_LOSSY', '/value/size'],
  ['twenty digits', properties('{"name":"a","size":12345678901234567890}'), 'NUMBER_LOSSY', '/value/size'],
  [
    '__proto__ in the value',
    properties('{"name":"a","x":{"__proto__":{"removed":true}}}'),
    'KEY_FORBIDDEN',
    '/value/x/__proto__',
  ],
  ['__proto__, escaped', properties('{"name":"a","\\u005f_proto__":1}'), 'KEY_FORBIDDEN', '/value/__proto__'],
  [
    '__proto__ in the source',
    text('"value":{},"source":{"plugin":"p","foreign":{"__proto__":"x"}}'),
    'KEY_FORBIDDEN',
    '/source/foreign/__proto__',
  ],
  [
    'a value of 65 levels',
    properties(`{"name":"a","x":${nested(64)}}`),
    'JSON_TOO_DEEP',
    `/value/x${'/0'.repeat(63)}`,
  ],
  ['a value over 768 KiB', properties(`"${'x'.repeat(limits.valueBytesMax)}"`), 'VALUE_TOO_LARGE', '/value'],
  [
    'a record over 1,000,000 bytes',
    aChange({
      aspect: 'datasetProperties',
      value: { name: 'x'.repeat(700_000) },
      source: {
        plugin: 'p',
        foreign: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, 'x'.repeat(8_000)])),
      },
    }),
    'RECORD_TOO_LARGE',
    '',
  ],
  ['an unknown aspect', aChange({ aspect: 'datasetPropertys' }), 'ASPECT_UNKNOWN', '/aspect'],
  [
    'an unknown aspect, deleted',
    { urn: orders, aspect: 'stauts', change: 'DELETE' },
    'ASPECT_UNKNOWN',
    '/aspect',
  ],
  [
    'an aspect named like a part of every object',
    aChange({ aspect: 'constructor' }),
    'ASPECT_UNKNOWN',
    '/aspect',
  ],
  ['a value against its schema', aChange({ value: { removed: 'no' } }), 'ASPECT_INVALID', '/value/removed'],
  [
    'a value without a required field',
    aChange({ aspect: 'ownership', value: {} }),
    'ASPECT_INVALID',
    '/value/owners',
  ],
  ['null', aChange({ value: null }), 'ASPECT_INVALID', '/value'],
  ['a patch that is no array', aChange({ change: 'PATCH' }), 'PATCH_INVALID', '/value'],
  [
    'a patch of an unknown kind',
    aChange({ change: 'PATCH', value: [{ op: 'merge', path: '/a' }] }),
    'PATCH_INVALID',
    '/value',
  ],
  [
    'a patch of a prototype',
    aChange({ change: 'PATCH', value: [{ op: 'add', path: '/constructor/x', value: 1 }] }),
    'PATCH_INVALID',
    '/value',
  ],
  [
    'a person',
    aChange({ urn: person, aspect: 'corpUserInfo', value: { active: true } }),
    'SEALING_REQUIRED',
    '/urn',
  ],
  ['a person in other capitals', aChange({ urn: 'urn:li:corpUser:u1' }), 'SEALING_REQUIRED', '/urn'],
  ['a person, deleted', { urn: person, change: 'DELETE' }, 'SEALING_REQUIRED', '/urn'],
  ['a secret', aChange({ urn: 'urn:li:dataHubSecret:s' }), 'SEALING_REQUIRED', '/urn'],
  [
    'an aspect about persons on a table',
    aChange({ aspect: 'corpUserInfo', value: { active: true } }),
    'SEALING_REQUIRED',
    '/value',
  ],
  [
    'a personal field',
    usage({ timestampMillis: 1, userCounts: [{ user: person, count: 1, userEmail: 'a@example.org' }] }),
    'SEALING_REQUIRED',
    '/value',
  ],
  ['a patch of an aspect with personal fields', usage({}), 'ASPECT_INVALID', '/value/timestampMillis'],
  [
    'a patch beside a personal field',
    aChange({
      aspect: 'datasetUsageStatistics',
      change: 'PATCH',
      value: [{ op: 'add', path: '/uniqueUserCount', value: 1 }],
    }),
    'SEALING_REQUIRED',
    '/value',
  ],
];

test.each(refusedEvents)('refuses an event: %s', async (_, body, code, pointer) => {
  const { submit, log } = await world();
  const [result] = resultsOf(await submit(body));
  expect(result).toMatchObject({ status: 'refused', code, pointer });
  expect(log.appends).toEqual([]);
});

test.each(refusedEvents)('and takes the others of its request: %s', async (_, body, code, pointer) => {
  const { submit, log } = await world();
  const raw = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const good = (n: number): string => JSON.stringify(aChange({ id: idOf(n) }));
  const array = Buffer.concat([Buffer.from(`[${good(1)},`), raw, Buffer.from(`,${good(2)}]`)]);
  const results = resultsOf(await submit(array));
  expect(results).toMatchObject([
    { status: 'appended', id: idOf(1) },
    { status: 'refused', code, pointer },
    { status: 'appended', id: idOf(2) },
  ]);
  expect(eventsIn(log).map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
});

test('what was meant is suggested, what is reserved is said so', async () => {
  const { submit } = await world();
  const detail = async (body: unknown): Promise<string> => {
    const [result] = resultsOf(await submit(body));
    return result?.status === 'refused' ? result.detail : '';
  };
  expect(await detail(aChange({ ocurredAt: 1 }))).toContain('did you mean "occurredAt"');
  expect(await detail(aChange({ aspect: 'datasetPropertys' }))).toContain('did you mean "datasetProperties"');
  expect(await detail(aChange({ namespace: 'shop' }))).toContain('set by intake');
  expect(await detail(aChange({ aspect: 'zzz' }))).not.toContain('did you mean');
});

test('a refusal never repeats what a value holds', async () => {
  const { submit } = await world();
  const secret = 'Ada Example';
  for (const body of [
    aChange({ value: { removed: secret } }),
    aChange({ aspect: 'corpUserInfo', value: { active: true, displayName: secret } }),
    aChange({ change: 'PATCH', value: [{ op: secret }] }),
  ])
    expect(JSON.stringify(await submit(body))).not.toContain(secret);
});

test.each([
  ['one event', 'properties'],
  ['an array', 'array'],
])('a value is kept as it was written: %s', async (_, form) => {
  const { submit, log } = await world();
  const values = [
    '{ "name" : "a", "size": 1.0,\t"big":1e3, "zero":0.0 }',
    '{"name":"\\u0061\\/\\ud83d\\ude00 ü 😀"}',
    '{\r\n  "name": "b"\r\n}',
    '{"name":"c","other":{"z":1,"a":2}}',
  ];
  const bodies = values.map(
    (value) => `  {"urn":"${orders}","value": ${value} ,"aspect":"datasetProperties"}\n`,
  );
  if (form === 'array') await submit(Buffer.from(` [${bodies.join(',')}] `));
  else for (const body of bodies) await submit(Buffer.from(body));
  expect(eventsIn(log).map(({ value }) => Buffer.from(value!).toString('utf8'))).toEqual(values);
});

test('a value of 64 levels and 768 KiB is taken', async () => {
  const { submit } = await world();
  const deep = properties(`{"name":"a","x":${nested(63)}}`);
  const large = properties(`{"name":"${'x'.repeat(limits.valueBytesMax - '{"name":""}'.length)}"}`);
  for (const body of [deep, large])
    expect(resultsOf(await submit(body))).toMatchObject([{ status: 'appended' }]);
});

test('the record: partition and key by URN, framed value, headers in order, completed by intake', async () => {
  const { submit, log, clock } = await world();
  const principal: Principal = {
    name: 'token:dbt',
    grants: [{ actions: ['publish'], namespace: 'shop' }],
  };
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const sent = aChange({
    occurredAt: '2024-05-01T12:00:00.5+02:00',
    actor: 'urn:li:corpuser:u1',
    expect: '1-0-41',
    group: idOf(9).toUpperCase(),
    correlationId: '',
    source: { plugin: 'dbt', version: '1.9', runId: 'r1', foreign: { job: 'nightly' } },
  });
  const [result] = resultsOf(await submit(sent, { principal, traceparent }));
  const partition = partitionOf(orders, 2);
  expect(result).toEqual({
    ...{ status: 'appended', urn: orders, aspect: 'status', id: idOf(1) },
    position: { epoch: 1, partition, offset: 0 },
  });
  const [record] = log.records[partition]!;
  expect(Buffer.from(record!.key!).toString('utf8')).toBe(orders);
  expect(confluentId(record!.value!)).toBe(7);
  expect(record!.headers.map((pair) => pair.map(String))).toEqual([
    ['annal-epoch', '1'],
    ['annal-schema', eventSchemaSha256],
    ['traceparent', traceparent],
  ]);
  expect(decodeEvent(unframe(record!.value!))).toEqual({
    ...{
      urn: orders,
      aspect: 'status',
      change: 'UPSERT',
      id: idOf(1),
      namespace: 'shop',
      entityType: 'dataset',
    },
    occurredAt: Date.parse('2024-05-01T10:00:00.500Z'),
    expect: { epoch: 1, partition: 0, offset: 41 },
    ...{ actor: 'urn:li:corpuser:u1', recordedBy: 'token:dbt', group: idOf(9), aspectSchema: 'status/1' },
    source: { plugin: 'dbt', version: '1.9', runId: 'r1', foreign: new Map([['job', 'nightly']]) },
    ...{ correlationId: '', causationId: null, value: Buffer.from('{"removed":false}') },
  });
  await submit(aChange({ expect: 'absent', actor: null, source: null }), { traceparent: 'no trace' });
  const event = eventsIn(log)[1]!;
  expect(event).toMatchObject({ expect: { epoch: 0, partition: 0, offset: -1 }, actor: '', source: null });
  expect(event.occurredAt).toBe(clock.now());
  expect(log.records[partition]![1]!.headers).toHaveLength(2);
});

test('DELETE of an aspect and of the whole entity, PATCH', async () => {
  const { submit, log } = await world();
  const patch = [{ op: 'replace', path: '/removed', value: true }];
  await submit([
    { urn: orders, aspect: 'status', change: 'DELETE', value: null },
    { urn: orders, change: 'DELETE' },
    { urn: orders, aspect: 'status', change: 'PATCH', value: patch },
  ]);
  expect(eventsIn(log)).toMatchObject([
    { aspect: 'status', change: 'DELETE', value: null, aspectSchema: null },
    { aspect: null, change: 'DELETE', value: null, aspectSchema: null },
    {
      aspect: 'status',
      change: 'PATCH',
      value: Buffer.from(JSON.stringify(patch)),
      aspectSchema: 'status/1',
    },
  ]);
});

test('who has no grant for the namespace is refused before anything is said about the value', async () => {
  const { submit, log } = await world();
  const principal: Principal = {
    name: 'token:billing',
    grants: [
      { actions: ['publish'], namespace: 'billing' },
      { actions: ['read'], namespace: '*' },
    ],
  };
  const bodies = [
    aChange(),
    aChange({ value: 5 }),
    aChange({ aspect: 'nothing' }),
    { urn: orders, change: 'DELETE' },
  ];
  for (const result of resultsOf(await submit(bodies, { principal })))
    expect(result).toMatchObject({ status: 'refused', code: 'NOT_ALLOWED', pointer: '/urn', urn: orders });
  expect(log.appends).toEqual([]);
});

test('an empty array has no results', async () => {
  const { submit } = await world();
  expect(await submit([])).toEqual({ kind: 'many', results: [] });
});

test('while the registry is away events are refused to be sent again, and go in once it is back', async () => {
  const log = scriptedLog();
  const clock = manualClock();
  let isBack = false;
  const intake = await clock.until(
    anIntake({
      log,
      clock,
      ensureSchema: async () => {
        if (!isBack) throw new Fault('REGISTRY_UNAVAILABLE', { place: 'here' });
        return { kind: 'confluent', id: 3 };
      },
    }),
  );
  const submit = async () =>
    resultsOf(await clock.until(submitJson(intake, [aChange(), aChange({ value: 5 })])));
  expect(await submit()).toMatchObject([{ code: 'REGISTRY_UNAVAILABLE' }, { code: 'ASPECT_INVALID' }]);
  expect(intake.status().schemaId).toBeUndefined();
  isBack = true;
  expect(await submit()).toMatchObject([{ status: 'appended' }, { code: 'ASPECT_INVALID' }]);
  expect(intake.status().schemaId).toBe(3);
});

test('a schema of Azure is named in a header, beside the bare event; the record counts as long as it is', async () => {
  const log = scriptedLog({ partitions: 2 });
  const clock = manualClock();
  const id = '0b0bd5a7d3d84b4d8fa2f3d8f3ed2f12';
  const intake = await clock.until(
    anIntake({ log, clock, schemaKind: 'azure', ensureSchema: async () => ({ kind: 'azure', id }) }),
  );
  await clock.until(submitJson(intake, aChange()));
  const [record] = log.records[partitionOf(orders, 2)]!;
  expect(record!.headers.map((pair) => pair.map(String))).toEqual([
    ['annal-epoch', '1'],
    ['annal-schema', eventSchemaSha256],
    ['content-type', `avro/binary+${id}`],
  ]);
  expect(decodeEvent(record!.value!)).toMatchObject({ urn: orders, aspect: 'status' });
  expect(intake.status().schemaId).toBe(id);
});
