import { expect, test } from 'vitest';
import { uuid8 } from '../../../src/formats/uuid8.ts';
import { loadAspectSchemas } from '../../../src/intake/aspect-schemas.ts';
import { shippedSchemas } from '../../../src/intake/schema-folder.ts';
import { datahubSnapshots } from '../../../src/intake/translate/datahub.ts';
import { snapshotOf, snapshotSchema } from '../../given/datahub.ts';

const place = {
  ...{ source: 'datahub-snapshots', topic: 'MetadataChangeEvent_v4', partition: 1, offset: 7 },
  appendTime: 1_763_600_000_000,
};
const schemas = loadAspectSchemas([shippedSchemas]);
const translated = (name: string) =>
  datahubSnapshots().translate(snapshotSchema, snapshotOf(name).value, place);

function eventsOf(name: string) {
  const translation = translated(name);
  if (!('events' in translation)) throw new Error(JSON.stringify(translation));
  return translation.events.map(({ value, ...event }) => ({
    ...event,
    value: Buffer.from(value!).toString(),
  }));
}

test.each([
  ['a dataset', ['status', 'datasetProperties', 'schemaMetadata', 'ownership']],
  ['a job', ['dataJobInfo', 'dataJobInputOutput']],
])('%s: an UPSERT of each aspect in its order, with the value that the SDK itself writes in JSON', (name, aspects) => {
  const { json } = snapshotOf(name);
  const events = eventsOf(name);
  expect(events.map(({ urn, aspect, change }) => [urn, aspect, change])).toEqual(
    aspects.map((aspect) => [json.urn, aspect, 'UPSERT']),
  );
  const written = JSON.parse(JSON.stringify(json.aspects).replaceAll('.pegasus2avro.', '.')) as object[];
  expect(events.map(({ value }) => JSON.parse(value))).toEqual(
    written.map((aspect) => Object.values(aspect)[0]),
  );
  for (const { aspect, value } of events)
    expect(schemas.check(aspect!, JSON.parse(value))).toMatchObject({ ok: true });
});

test('each aspect has an id of its own, by place and index; run, time and place are told', () => {
  const events = eventsOf('a dataset');
  for (const [index, event] of events.entries())
    expect(event).toMatchObject({
      id: uuid8('annal-id/bridge', 'datahub-snapshots', place.topic, '1', '7', String(index)),
      occurredAt: 1_700_000_000_123,
      source: { plugin: 'datahub', runId: 'ingest-2023-11-14' },
    });
});

test('a snapshot without an aspect is refused, and every cut of a record', () => {
  expect(translated('nothing')).toMatchObject({
    refusal: { code: 'EVENT_SHAPE', pointer: '/proposedSnapshot' },
  });
  const { value } = snapshotOf('a job');
  for (let length = 0; length < value.length; length += 1)
    expect(() => datahubSnapshots().translate(snapshotSchema, value.subarray(0, length), place)).toThrow(
      expect.objectContaining({ code: 'AVRO_INVALID' }),
    );
});

test('what is of a person is an event that intake refuses', () => {
  expect(eventsOf('a person')).toMatchObject([{ urn: 'urn:li:corpuser:ann', aspect: 'corpUserInfo' }]);
});
