import { expect, test } from 'vitest';
import { mustNotExist } from '../../../src/domain/event.ts';
import { parseAvroSchema } from '../../../src/formats/avro-schema.ts';
import { encodeEvent, eventSchemaText } from '../../../src/formats/event.ts';
import { inbox } from '../../../src/intake/translate/inbox.ts';
import { bridgeId } from '../../../src/intake/translate/translation.ts';
import { anEvent } from '../../given/events.ts';

const place = { source: 'inbox', topic: 'annal.inbox', partition: 1, offset: 7, appendTime: 5 };
const schema = parseAvroSchema(JSON.parse(eventSchemaText));
const translated = (avro: Uint8Array) => {
  const translation = inbox.translate(schema, avro, place);
  return 'events' in translation ? translation.events : [];
};

test('one event, as its sender meant it, without what only intake decides', () => {
  const sent = anEvent({ n: 1, expect: mustNotExist, actor: 'urn:li:corpuser:u1', causationId: 'c' });
  const { namespace, entityType, recordedBy, aspectSchema, ...meant } = sent;
  expect([namespace, entityType, recordedBy, aspectSchema]).not.toContain('');
  expect(translated(encodeEvent(sent))).toEqual([{ ...meant, opaqueAllowed: false }]);
});

test('the nil UUID asks for an id; the same place gives the same one', () => {
  const nil = encodeEvent(anEvent({ id: '00000000-0000-0000-0000-000000000000' }));
  expect(translated(nil)).toMatchObject([{ id: bridgeId(place, 0) }]);
  expect(bridgeId({ ...place, offset: 8 }, 0)).not.toBe(bridgeId(place, 0));
});

test('bytes of another schema are refused as Avro', () => {
  expect(() => inbox.translate(parseAvroSchema('string'), Buffer.from('0278', 'hex'), place)).toThrow(
    expect.objectContaining({ code: 'AVRO_INVALID' }),
  );
});
