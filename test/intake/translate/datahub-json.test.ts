import { describe, expect, test } from 'vitest';
import { datahubTechnicalAspects } from '../../../src/intake/translate/datahub-aspects.ts';
import {
  readDeleteEntity,
  readIngestEntity,
  readIngestProposals,
  readOpenApiEntities,
  type SentProposals,
} from '../../../src/intake/translate/datahub-json.ts';
import { sdkRequests } from '../../given/datahub.ts';
import { orders } from '../../given/intake.ts';

const restli = (body: string) => readIngestProposals(Buffer.from(body), datahubTechnicalAspects);
const openApi = (body: string, changeType: 'UPSERT' | 'CREATE' | 'PATCH' = 'UPSERT') =>
  readOpenApiEntities(Buffer.from(body), { entityType: 'dataset', changeType }, datahubTechnicalAspects);

const proposalsOf = (sent: SentProposals) => {
  if (sent.kind === 'invalid') throw new Error(JSON.stringify(sent.fault));
  return sent.proposals;
};
const eventsOf = (sent: SentProposals) =>
  proposalsOf(sent).map((one) => {
    if (!('event' in one)) throw new Error(JSON.stringify(one));
    const { value, source, ...event } = one.event;
    return { ...event, value: value === null ? null : Buffer.from(value).toString(), source };
  });
const bodyOf = (name: string): string => sdkRequests(name)[0]!.body!;

describe('what the SDK sends says the same by both of its dialects', () => {
  test.each(['one', 'batch, async'])('%s', (name) => {
    const [plain] = eventsOf(restli(bodyOf(`restli ${name}`)));
    const [cut] = eventsOf(openApi(bodyOf(`openapi ${name}`)));
    expect(plain).toMatchObject({
      ...{ urn: orders, aspect: 'datasetProperties', change: 'UPSERT', id: null, expect: null },
      ...{ occurredAt: 1_700_000_000_123, opaqueAllowed: false },
      source: { plugin: 'datahub', runId: 'ingest-2023-11-14' },
    });
    expect(Object.fromEntries(plain!.source!.foreign)).toEqual({
      pipelineName: 'orders nightly',
      'property.clientId': 'acryl-datahub',
      'property.clientVersion': '1.7.0.17',
    });
    expect({ ...cut, value: JSON.parse(cut!.value!) }).toEqual({
      ...plain,
      value: JSON.parse(plain!.value!),
    });
    // Each as it was sent: the one as a text within JSON, the other as JSON within JSON.
    expect(plain!.value).toContain('Gr\\u00f6\\u00dfe');
    expect(cut!.value).toContain('Gr\\u00f6\\u00dfe');
  });

  test('a patch is refused by its dialect, whatever it patches', () => {
    const patches = ['restli patches', 'openapi patches'].flatMap((name) =>
      sdkRequests(name).flatMap(({ method, body }) =>
        proposalsOf(method === 'PATCH' ? openApi(body!, 'PATCH') : restli(body!)),
      ),
    );
    expect(patches).toHaveLength(12);
    for (const patch of patches)
      expect(patch).toMatchObject({
        refusal: { code: 'PATCH_DIALECT', pointer: '/changeType' },
        urn: orders,
      });
  });

  test('a deletion is of the whole entity', () => {
    const body = Buffer.from(bodyOf('restli delete'));
    expect(eventsOf(readDeleteEntity(body, []))).toMatchObject([
      { urn: orders, aspect: null, change: 'DELETE', value: null },
    ]);
  });
});

test('of the report of a run nothing is kept that may hold a credential', () => {
  for (const [name, read] of [
    ['restli batch, async', restli],
    ['openapi batch, async', openApi],
  ] as const) {
    const body = sdkRequests(name).find((request) => request.body!.includes('hunter2'))!.body!;
    const sent =
      read === openApi
        ? readOpenApiEntities(
            Buffer.from(body),
            { entityType: 'dataHubIngestionSource', changeType: 'UPSERT' },
            datahubTechnicalAspects,
          )
        : restli(body);
    const report = eventsOf(sent).at(-1)!;
    expect(report).toMatchObject({ aspect: 'dataHubIngestionSourceInfo', opaqueAllowed: true });
    expect(JSON.parse(report.value!)).toEqual({
      name: '[CLI] file',
      type: 'file',
      platform: 'urn:li:dataPlatform:unknown',
      config: { version: '1.7.0.17', executorId: '__datahub_cli_' },
    });
  }
});

test('of a profile the samples of rows are left out; without any it stays as it stands', () => {
  const kept = (value: string) =>
    eventsOf(openApi(`[{"urn":"${orders}","datasetProfile":{"value":${value}}}]`))[0]!.value;
  const plain = '{"timestampMillis": 1, "fieldProfiles": [{"fieldPath": "a", "min": "1"}]}';
  expect(kept(plain)).toBe(plain);
  const sampled = { fieldPath: 'a', min: '1', sampleValues: ['ann'], quantiles: [], histogram: {} };
  const profile = { timestampMillis: 1, rowCount: 3, fieldProfiles: [sampled, { fieldPath: 'b' }] };
  expect(JSON.parse(kept(JSON.stringify(profile))!)).toEqual({
    ...profile,
    fieldProfiles: [{ fieldPath: 'a', min: '1' }, { fieldPath: 'b' }],
  });
});

test('the statement of a view is taken where views are, that of any other query is not', () => {
  const taken = (urn: string, allowList: readonly string[]) =>
    eventsOf(
      readOpenApiEntities(
        Buffer.from(JSON.stringify([{ urn, queryProperties: { value: {} } }])),
        { entityType: 'query', changeType: 'UPSERT' },
        allowList,
      ),
    )[0]!.opaqueAllowed;
  expect(taken('urn:li:query:view_1', datahubTechnicalAspects)).toBe(true);
  expect(taken('urn:li:query:1', datahubTechnicalAspects)).toBe(false);
  expect(taken('urn:li:query:view_1', ['operation'])).toBe(false);
  expect(taken('urn:li:query:1', ['*'])).toBe(true);
});

test('a snapshot is an event for each of its aspects, in their order', () => {
  const events = eventsOf(readIngestEntity(Buffer.from(bodyOf('snapshot')), datahubTechnicalAspects));
  expect(events.map(({ urn, aspect, change }) => [urn, aspect, change])).toEqual(
    ['status', 'datasetProperties', 'schemaMetadata', 'ownership'].map((aspect) => [
      orders,
      aspect,
      'UPSERT',
    ]),
  );
  expect(events[0]!.value).toBe('{"removed": false}');
  expect(events[3]!.source!.runId).toBe('ingest-2023-11-14');
});

describe('requests as others might write them', () => {
  const item = (aspects: object) => JSON.stringify([{ urn: orders, ...aspects }]);

  test.each<[string, SentProposals, string]>([
    ['no JSON', restli('{"proposal":'), 'JSON_INVALID'],
    ['the same member twice', restli('{"proposals":[],"proposals":[]}'), 'DUPLICATE_KEY'],
    ['neither one nor many', restli('{"proposal_":{}}'), 'EVENT_SHAPE'],
    ['a list', restli('[]'), 'EVENT_SHAPE'],
    ['__proto__', restli('{"proposal":{"__proto__":{}}}'), 'KEY_FORBIDDEN'],
    ['too many', restli(JSON.stringify({ proposals: new Array(1_001).fill({}) })), 'TOO_MANY_EVENTS'],
    ['too deep', restli(`{"proposal":${'['.repeat(80)}${']'.repeat(80)}}`), 'JSON_TOO_DEEP'],
    ['no array of entities', openApi('{}'), 'EVENT_SHAPE'],
    ['an entity that names no aspect', openApi(item({})), 'EVENT_SHAPE'],
    ['no snapshot', readIngestEntity(Buffer.from('{"entity":{"value":{}}}'), []), 'EVENT_SHAPE'],
  ])('refused as a whole: %s', (_, sent, code) => {
    expect(sent).toMatchObject({ kind: 'invalid', fault: { code } });
  });

  test.each<[string, SentProposals, string, string]>([
    ['no record', restli('{"proposal":1}'), 'EVENT_SHAPE', ''],
    ['nothing in it', restli('{"proposal":{}}'), 'EVENT_SHAPE', '/entityUrn'],
    ['an aspect without a value', openApi(item({ status: {} })), 'EVENT_SHAPE', '/aspect'],
    [
      'a value that is no text',
      restli(
        JSON.stringify({
          proposal: {
            ...{ entityUrn: orders, changeType: 'UPSERT', aspectName: 'status' },
            aspect: { value: {}, contentType: 'application/json' },
          },
        }),
      ),
      'EVENT_SHAPE',
      '/aspect',
    ],
    [
      'a URN of another type than the address',
      readOpenApiEntities(
        Buffer.from(item({ status: { value: {} } })),
        { entityType: 'chart', changeType: 'UPSERT' },
        [],
      ),
      'EVENT_SHAPE',
      '/entityType',
    ],
    ['no URN to delete', readDeleteEntity(Buffer.from('{}'), []), 'EVENT_SHAPE', '/entityUrn'],
  ])('refused alone: %s', (_, sent, code, pointer) => {
    expect(proposalsOf(sent)).toMatchObject([{ refusal: { code, pointer } }]);
  });

  test('a snapshot that holds two where one belongs is refused whole: none of them is left out in silence', () => {
    const aspects = [{ 'com.linkedin.common.Status': { removed: false } }];
    const type = 'com.linkedin.metadata.snapshot.DatasetSnapshot';
    const read = (value: object) =>
      readIngestEntity(Buffer.from(JSON.stringify({ entity: { value } })), datahubTechnicalAspects);
    expect(proposalsOf(read({ [type]: { urn: orders, aspects } }))).toHaveLength(1);
    const both = [{ ...aspects[0], 'com.linkedin.common.GlobalTags': { tags: [] } }];
    for (const value of [
      { [type]: { urn: orders, aspects: both } },
      {
        [type]: { urn: orders, aspects },
        'com.linkedin.metadata.snapshot.TagSnapshot': { urn: 'urn:li:tag:a' },
      },
    ])
      expect(read(value)).toMatchObject({ kind: 'invalid', fault: { code: 'EVENT_SHAPE' } });
  });

  test('what is to be made only where none is expects that there is none', () => {
    const [event] = eventsOf(openApi(item({ status: { value: { removed: false } } }), 'CREATE'));
    expect(event).toMatchObject({ change: 'UPSERT', expect: { offset: -1 } });
  });

  test('a value keeps its spelling', () => {
    const [event] = eventsOf(openApi(`[{"urn":"${orders}","status":{"value": {"n" : 1.0e3,"b":1} }}]`));
    expect(event!.value).toBe('{"n" : 1.0e3,"b":1}');
  });
});
