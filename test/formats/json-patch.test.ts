import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patchValue } from '../../src/formats/json-patch.ts';

const patched = (value: unknown, patch: unknown): unknown => {
  const result = patchValue(Buffer.from(JSON.stringify(value)), Buffer.from(JSON.stringify(patch)));
  return result.ok ? JSON.parse(Buffer.from(result.value).toString()) : result.reason;
};

// The cases of RFC 6902, appendix A.
describe('RFC 6902', () => {
  test.each([
    [
      'A.1 add a member',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux' }],
      { baz: 'qux', foo: 'bar' },
    ],
    [
      'A.2 add an element',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'q' }],
      { foo: ['bar', 'q', 'baz'] },
    ],
    ['A.3 remove a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [
      'A.4 remove an element',
      { foo: ['a', 'b', 'c'] },
      [{ op: 'remove', path: '/foo/1' }],
      { foo: ['a', 'c'] },
    ],
    ['A.5 replace', { baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    [
      'A.6 move a value',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7 move an element',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8 test, success',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [{ op: 'test', path: '/foo/1', value: 2 }],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.9 test, error',
      { baz: 'qux' },
      [{ op: 'test', path: '/baz', value: 'bar' }],
      'operation 0 does not apply',
    ],
    [
      'A.11 unknown members are ignored',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux', xyz: 1 }],
      { foo: 'bar', baz: 'qux' },
    ],
    [
      'A.12 no such target',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz/bat', value: 'qux' }],
      'operation 0 does not apply',
    ],
    ['A.14 escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [
      'A.15 strings are no numbers',
      { '/': 9, '~1': 10 },
      [{ op: 'test', path: '/~01', value: '10' }],
      'operation 0 does not apply',
    ],
    [
      'A.16 add an array value',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc'] }],
      { foo: ['bar', ['abc']] },
    ],
    ['the whole value', { foo: 1 }, [{ op: 'replace', path: '', value: [1] }], [1]],
    [
      'copy is a copy',
      { a: { b: 1 } },
      [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'add', path: '/c/b', value: 2 },
      ],
      { a: { b: 1 }, c: { b: 2 } },
    ],
    [
      'a value does not move into itself',
      { a: { b: 1 } },
      [{ op: 'move', from: '/a', path: '/a/b' }],
      'operation 0 does not apply',
    ],
    ['an index with a leading zero', [1, 2], [{ op: 'remove', path: '/01' }], 'operation 0 does not apply'],
    ['an index beyond the end', [1], [{ op: 'add', path: '/2', value: 2 }], 'operation 0 does not apply'],
    ['a member of a scalar', false, [{ op: 'add', path: '/a', value: 2 }], 'operation 0 does not apply'],
    [
      'the prototype',
      {},
      [{ op: 'add', path: '/constructor/prototype/x', value: 2 }],
      'operation 0 names a forbidden key',
    ],
  ])('%s', (_, value, patch, expected) => {
    expect(patched(value, patch)).toEqual(expected);
  });

  test('any patch on any value gives a value or a reason, never an error, and twice the same', () => {
    const pointer = fc.array(fc.constantFrom('a', '0', '1', '-', '', '~1', '__proto__'), { maxLength: 3 });
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'else'),
      path: pointer.map((tokens) => tokens.map((token) => `/${token}`).join('')),
      from: pointer.map((tokens) => tokens.map((token) => `/${token}`).join('')),
      value: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(operation, { maxLength: 5 }), (value, patch) => {
        const first = patched(value, patch);
        expect(patched(value, patch)).toEqual(first);
        expect(({} as Record<string, unknown>).x).toBeUndefined();
      }),
    );
  });
});
