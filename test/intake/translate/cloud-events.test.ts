import { describe, expect, test } from 'vitest';
import {
  changeType,
  type EnvelopedEvents,
  readBinary,
  readStructured,
} from '../../../src/intake/translate/cloud-events.ts';
import { orders } from '../../given/intake.ts';

const data = { urn: orders, aspect: 'status', value: { removed: false } };
const attributes = { specversion: '1.0', id: 'e-1', source: '/shop/web', type: changeType };
const envelope = { ...attributes, time: '2024-05-03T03:00:00.5+02:00', subject: orders, data };

const structured = (given: unknown) => readStructured(Buffer.from(JSON.stringify(given)), false, 'token:a');
const binary = (headers: Record<string, string>, body: unknown = data) =>
  readBinary(
    Buffer.from(JSON.stringify(body)),
    { 'content-type': 'application/json', ...headers },
    'token:a',
  );
const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));

function sentOf(read: EnvelopedEvents) {
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.fault));
  return read.sent;
}
function eventOf(read: EnvelopedEvents) {
  const [one] = sentOf(read);
  if (one === undefined || !('event' in one)) throw new Error(JSON.stringify(one));
  const { source, value, ...event } = one.event;
  return {
    ...event,
    value: value?.toString(),
    source: { ...source!, foreign: Object.fromEntries(source!.foreign) },
  };
}

test('structured, binary and base64 say the same', () => {
  const one = eventOf(structured(envelope));
  expect(one).toMatchObject({
    ...{ urn: orders, aspect: 'status', change: 'UPSERT', value: '{"removed":false}' },
    occurredAt: Date.UTC(2024, 4, 3, 1, 0, 0, 500),
    source: {
      plugin: 'cloudevents',
      foreign: { 'cloudevents.id': 'e-1', 'cloudevents.source': '/shop/web' },
    },
  });
  const timed = { ...headers, 'ce-time': envelope.time, 'ce-subject': encodeURIComponent(orders) };
  expect(eventOf(binary(timed))).toEqual(one);
  const { data: _, ...rest } = envelope;
  const packed = { ...rest, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') };
  expect(eventOf(structured(packed))).toEqual(one);
});

test('source and id name the event, for each sender by itself', () => {
  const { id } = eventOf(structured(envelope));
  expect(eventOf(structured({ ...envelope, time: undefined })).id).toBe(id);
  for (const other of [{ id: 'e-2' }, { source: '/shop/app' }])
    expect(eventOf(structured({ ...envelope, ...other })).id).not.toBe(id);
  const [stranger] = sentOf(readStructured(Buffer.from(JSON.stringify(envelope)), false, 'token:b'));
  expect(stranger).not.toMatchObject({ event: { id } });
});

test('what the event says itself goes before the envelope', () => {
  const said = { ...data, occurredAt: 5, source: { plugin: 'web', foreign: { a: 'b' } } };
  expect(eventOf(structured({ ...envelope, data: said }))).toMatchObject({
    occurredAt: 5,
    source: { plugin: 'web', foreign: { a: 'b', 'cloudevents.id': 'e-1' } },
  });
});

test('of a batch each event is judged alone', () => {
  const batch = [envelope, { ...envelope, id: 'e-2', type: 'other' }, { ...envelope, id: 'e-3' }];
  const read = readStructured(Buffer.from(JSON.stringify(batch)), true, 'token:a');
  expect(sentOf(read)).toMatchObject([
    { event: { urn: orders } },
    { refusal: { code: 'EVENT_TYPE_UNKNOWN', pointer: '/type' }, urn: orders },
    { event: { urn: orders } },
  ]);
});

describe('refused', () => {
  test.each<[string, EnvelopedEvents, string, string]>([
    ['another version', structured({ ...envelope, specversion: '0.3' }), 'EVENT_SHAPE', '/specversion'],
    ['no id', structured({ ...envelope, id: '' }), 'EVENT_SHAPE', '/id'],
    ['no source', binary({ ...headers, 'ce-source': '' }), 'EVENT_SHAPE', '/source'],
    ['no attributes', binary({}), 'EVENT_SHAPE', '/specversion'],
    ['a long id', structured({ ...envelope, id: 'a'.repeat(513) }), 'EVENT_SHAPE', '/id'],
    ['another type', structured({ ...envelope, type: 'com.example' }), 'EVENT_TYPE_UNKNOWN', '/type'],
    ['no data', structured({ ...envelope, data: undefined }), 'EVENT_SHAPE', '/data'],
    [
      'data that is no JSON',
      structured({ ...envelope, datacontenttype: 'text/xml' }),
      'EVENT_SHAPE',
      '/datacontenttype',
    ],
    [
      'a time without a zone',
      structured({ ...envelope, time: '2024-05-03T03:00:00' }),
      'EVENT_SHAPE',
      '/time',
    ],
    [
      'an id of its own',
      structured({ ...envelope, data: { ...data, id: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11' } }),
      'EVENT_SHAPE',
      '/data/id',
    ],
    [
      'an unknown member',
      structured({ ...envelope, data: { ...data, colour: 1 } }),
      'FIELD_UNKNOWN',
      '/colour',
    ],
    ['no object', structured(1), 'EVENT_SHAPE', '/specversion'],
  ])('%s', (_, read, code, pointer) => {
    expect(sentOf(read)).toMatchObject([{ refusal: { code, pointer } }]);
  });

  test('a lossy number in the data, by its place', () => {
    const text = JSON.stringify(envelope).replace('false', '1e400');
    expect(sentOf(readStructured(Buffer.from(text), false, 'a'))).toMatchObject([
      { refusal: { code: 'NUMBER_LOSSY', pointer: '/data/value/removed' } },
    ]);
  });

  test.each([
    ['no JSON', '{', false, 'JSON_INVALID'],
    ['a batch that is none', '{}', true, 'EVENT_SHAPE'],
    ['too many', `[${new Array(1_001).fill('{}').join(',')}]`, true, 'TOO_MANY_EVENTS'],
  ] as const)('%s: as a whole', (_, text, many, code) => {
    expect(readStructured(Buffer.from(text), many, 'a')).toMatchObject({ kind: 'invalid', fault: { code } });
  });
});
