import { expect, test } from 'vitest';
import { subjectOf } from '../../src/streams/document-subject.ts';

const urn = 'urn:li:tag:pii';
const body = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

test.each([
  ['of an event', body({ position: '1-0-7', urn, aspect: 'ownership' }), ['/outcome'], urn, ['ownership']],
  ['of an entity as a whole', body({ urn, aspects: { a: {}, b: {} } }), [], urn, ['a', 'b']],
  [
    'of an entity, two members of one aspect',
    body({ urn, aspects: { a: {}, b: {} } }),
    ['/aspects/b/x', '/aspects/b/y'],
    urn,
    ['b'],
  ],
  ['of an entity beside its aspects', body({ urn, aspects: { a: {} } }), ['/deleted'], urn, []],
  ['that names nothing', body({}), [], null, []],
  ['that is no object', body('text'), [], null, []],
  ['that is no JSON', Buffer.from('{'), ['the body is not JSON'], null, []],
  ['that was not kept', undefined, [], null, []],
])('a document %s', (_, given, pointers, entity, aspects) => {
  expect(subjectOf(given, pointers)).toEqual({ urn: entity, aspects });
});
