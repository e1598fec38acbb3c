import { describe, expect, test } from 'vitest';
import type { AvroValue } from '../../../src/formats/avro-schema.ts';
import { unframe } from '../../../src/formats/framing.ts';
import { uuid8 } from '../../../src/formats/uuid8.ts';
import { datahub, translateProposal } from '../../../src/intake/translate/datahub.ts';
import type { Translation } from '../../../src/intake/translate/translation.ts';
import { proposalOf, proposalSchema } from '../../given/datahub.ts';
import { orders } from '../../given/intake.ts';

const place = {
  ...{ source: 'datahub', topic: 'MetadataChangeProposal_v1', partition: 2, offset: 41 },
  appendTime: 1_763_600_000_000,
};
const translated = (name: string): Translation =>
  datahub().translate(proposalSchema, unframe(proposalOf(name).value), place);
const eventOf = (translation: Translation) => {
  if (!('events' in translation)) throw new Error(JSON.stringify(translation));
  expect(translation.events).toHaveLength(1);
  return translation.events[0]!;
};

describe("what DataHub's SDK wrote", () => {
  test('an UPSERT: value bytes as they are, run, time and place of the sender', () => {
    const event = eventOf(translated('upsert of datasetProperties'));
    expect(event).toMatchObject({
      ...{ urn: orders, aspect: 'datasetProperties', change: 'UPSERT', expect: null, actor: null },
      ...{ occurredAt: 1_700_000_000_123, opaqueAllowed: false, group: null },
      id: uuid8('annal-id/bridge', 'datahub', 'MetadataChangeProposal_v1', '2', '41', '0'),
      source: { plugin: 'datahub', runId: 'ingest-2023-11-14' },
    });
    expect(Buffer.from(event.value!).toString('utf8')).toBe(
      '{"customProperties": {"rows": "1e3"}, "name": "orders", ' +
        '"description": "Gr\\u00f6\\u00dfe \\u2013 caf\\u00e9 \\u2615", "tags": []}',
    );
    expect(Object.fromEntries(event.source!.foreign)).toEqual({
      ...{ topic: 'MetadataChangeProposal_v1', partition: '2', offset: '41' },
      pipelineName: 'orders nightly',
    });
  });

  test('CREATE expects the aspect not to exist; without its own time the log tells it', () => {
    expect(eventOf(translated('create of status'))).toMatchObject({
      ...{ change: 'UPSERT', expect: { offset: -1 }, occurredAt: place.appendTime },
      source: { runId: '' },
    });
  });

  test('DELETE of an aspect, and of the entity where it names none', () => {
    expect(eventOf(translated('delete of an aspect'))).toMatchObject({
      ...{ aspect: 'globalTags', change: 'DELETE', value: null },
    });
    expect(eventOf(translated('delete of the entity'))).toMatchObject({
      ...{ aspect: null, change: 'DELETE', value: null },
    });
  });

  test('aspects without a schema are opaque where the list names them', () => {
    expect(eventOf(translated('upsert of an allowed aspect without a schema')).opaqueAllowed).toBe(true);
    expect(eventOf(translated('upsert of an aspect that is not allowed')).opaqueAllowed).toBe(false);
    const decoded = (allowList: readonly string[]) =>
      eventOf(
        datahub(allowList).translate(
          proposalSchema,
          unframe(proposalOf('upsert of an aspect that is not allowed').value),
          place,
        ),
      ).opaqueAllowed;
    expect([decoded(['*']), decoded(['roleProperties']), decoded([])]).toEqual([true, true, false]);
  });

  test.each([
    ['patch of globalTags', 'PATCH_DIALECT', '/changeType', orders],
    ['restate', 'CHANGE_UNSUPPORTED', '/changeType', orders],
    ['key aspect, no urn', 'EVENT_SHAPE', '/entityKeyAspect', null],
  ])('refused: %s', (name, code, pointer, urn) => {
    expect(translated(name)).toMatchObject({ refusal: { code, pointer }, urn, entityType: 'dataset' });
  });

  test('every cut of a record is refused as Avro, none runs over', () => {
    const { value } = proposalOf('upsert of ownership');
    for (let length = 5; length < value.length; length += 1)
      expect(() => datahub().translate(proposalSchema, value.subarray(5, length), place)).toThrow(
        expect.objectContaining({ code: 'AVRO_INVALID' }),
      );
  });
});

describe('proposals as others might write them', () => {
  const aspect = (contentType: string) =>
    new Map<string, AvroValue>([
      ['value', Buffer.from('{}')],
      ['contentType', contentType],
    ]);
  const proposal = (fields: Record<string, AvroValue>): AvroValue =>
    new Map<string, AvroValue>(
      Object.entries({
        ...{ entityType: 'dataset', entityUrn: orders, changeType: 'UPSERT', aspectName: 'status' },
        ...{ aspect: aspect('application/json'), ...fields },
      }),
    );
  const refusalOf = (value: AvroValue) => translateProposal(value, place);

  test.each<[string, AvroValue, string, string]>([
    ['no record', 'text', 'EVENT_SHAPE', ''],
    ['no URN', proposal({ entityUrn: null }), 'EVENT_SHAPE', '/entityUrn'],
    ['a URN with a line end', proposal({ entityUrn: 'urn:li:dataset:a\nb' }), 'URN_INVALID', '/entityUrn'],
    ['another type than its URN', proposal({ entityType: 'corpuser' }), 'EVENT_SHAPE', '/entityType'],
    ['no aspect name', proposal({ aspectName: null }), 'EVENT_SHAPE', '/aspectName'],
    ['no aspect', proposal({ aspect: null }), 'EVENT_SHAPE', '/aspect'],
    ['UPDATE', proposal({ changeType: 'UPDATE' }), 'CHANGE_UNSUPPORTED', '/changeType'],
    ['CREATE_ENTITY', proposal({ changeType: 'CREATE_ENTITY' }), 'CHANGE_UNSUPPORTED', '/changeType'],
    ['a change that is no text', proposal({ changeType: 3 }), 'CHANGE_UNSUPPORTED', '/changeType'],
    [
      'Avro in it',
      proposal({ aspect: aspect('avro/binary') }),
      'CONTENT_TYPE_UNSUPPORTED',
      '/aspect/contentType',
    ],
    [
      'a JSON patch',
      proposal({ aspect: aspect('application/json-patch+json') }),
      'CONTENT_TYPE_UNSUPPORTED',
      '/aspect/contentType',
    ],
  ])('refused: %s', (_, value, code, pointer) => {
    expect(refusalOf(value)).toMatchObject({ refusal: { code, pointer } });
  });

  test('a content type may have parameters', () => {
    eventOf(refusalOf(proposal({ aspect: aspect('application/json; charset=utf-8') })));
  });

  test('who changed it is told where that is a URN; what else is said stays in the source', () => {
    const stamp = (actor: string) => new Map<string, AvroValue>([['actor', actor]]);
    const metadata = (modified: string, created: string) =>
      new Map<string, AvroValue>([
        ['aspectModified', stamp(modified)],
        ['aspectCreated', stamp(created)],
        ['runId', 'no-run-id-provided'],
        ['properties', new Map([['clientVersion', '1.7']])],
      ]);
    const event = eventOf(
      refusalOf(
        proposal({
          systemMetadata: metadata('nobody', 'urn:li:corpuser:u1'),
          headers: new Map([['__proto__', 'x']]),
        }),
      ),
    );
    expect(event).toMatchObject({ actor: 'urn:li:corpuser:u1', source: { runId: '' } });
    expect([...event.source!.foreign].slice(3)).toEqual([
      ['property.clientVersion', '1.7'],
      ['header.__proto__', 'x'],
    ]);
  });
});
