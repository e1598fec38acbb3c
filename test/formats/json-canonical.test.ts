import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, canonicalSchemaText, schemaSha256 } from '../../src/formats/json-canonical.ts';
import { vectors } from './vectors.ts';

test.for(Object.entries(vectors.schemas))('golden schema text: %s', ([, { canonical, sha256 }]) => {
  expect(canonicalSchemaText(JSON.parse(canonical))).toBe(canonical);
  expect(schemaSha256(canonical)).toBe(sha256);
});

test('keys stand in UTF-16 order, numbers as ECMAScript prints them', () => {
  // The example of RFC 8785 §3.2.3, and its numbers of §3.2.4.
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1F600}', '\u0080', '\u00f6'];
  const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1F600}', '\ufb33'];
  const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
  expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
  expect(canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  );
});

test('the order in which a value was built does not show', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.integer()), (object) => {
      const again = Object.fromEntries(Object.entries(object).toReversed());
      expect(canonicalJson(again)).toBe(canonicalJson(object));
      expect(JSON.parse(canonicalJson(object))).toEqual(JSON.parse(JSON.stringify(object)));
    }),
  );
});

test('__proto__ is a key like any other', () => {
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
});

test('what is not JSON has no text', () => {
  let deep: unknown = 0;
  for (let i = 0; i < 100; i++) deep = [deep];
  for (const value of [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud800',
    { '\udc00': 1 },
    1n,
    deep,
  ]) {
    expect(() => canonicalJson(value)).toThrow(RangeError);
  }
});
