import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanJson } from '../../src/formats/json-text.ts';
import { isPlainJson } from '../../src/formats/plain-json.ts';

const plain = (text: string): boolean => isPlainJson(Buffer.from(text));

/** Whether the scan takes the bytes as they are, all of them. */
function isTakenWhole(bytes: Uint8Array): boolean {
  const scanned = scanJson(bytes, { spanDepth: 0 });
  return scanned.verdict === 'accept' && scanned.root.start === 0 && scanned.root.end === bytes.length;
}

test('of any bytes near JSON, those that are plain are taken whole by the scan', () => {
  const piece = fc.constantFrom(
    ...'{}[]:,"\\/ \n\tabfnrtuE-+.0123456789é\u0001'.split(''),
    ...[
      '"a"',
      '"a":',
      '"b": ',
      'true',
      'false',
      'null',
      '-0',
      '{"a":',
      '"\\ud800"',
      '"\\u00e9"',
      '"__proto__":1',
    ],
    ...['999999999999999', '9007199254740993', '{"a":1,"', '":[]}', '[[', ']]'],
  );
  const near = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')));
  const broken = fc
    .tuple(fc.json({ maxDepth: 6 }), fc.nat(), fc.nat({ max: 255 }))
    .map(([text, at, byte]) => {
      const bytes = Buffer.from(text);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(near, broken), (bytes) => {
      expect(isPlainJson(bytes) && !isTakenWhole(bytes)).toBe(false);
    }),
    { numRuns: 5_000 },
  );
});

test('what programs write of texts, whole numbers and literals is plain, close or spaced', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer().filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.constant(null),
  );
  const key = fc.stringMatching(/^[a-z]{0,6}$/);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(value, (given) => {
      expect(plain(JSON.stringify(given))).toBe(true);
    }),
  );
  expect(plain('{"a": [1, "b,c:d", {"e": null}], "f": -7}')).toBe(true);
});

test.for([
  ...[
    '',
    ' 1',
    '1 ',
    '01',
    '-',
    '-0',
    '1.5',
    '1e3',
    '1234567890123456',
    'nul',
    'tru',
    '"',
    '"\u0007"',
    '"\\x"',
  ],
  ...[
    '[',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1}',
    '{"a":1]',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '{"a":1,}',
    '{,}',
    '1,2',
  ],
  ...['{"a":1,"a":2}', '{"a":{"b":1,"c":{"b":2}},"a":2}', '{"\\u0061":1}', '[ 1]', '{ "a":1}', '{"a" :1}'],
  ...[`${'['.repeat(31)}${']'.repeat(31)}`, `{${Array.from({ length: 65 }, (_, n) => `"k${n}":1`).join()}}`],
])('%s is not plain', (text) => {
  expect(plain(text)).toBe(false);
});

test('a key may come again in another object, and what is not UTF-8 is not plain', () => {
  expect(plain('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}')).toBe(true);
  expect(isPlainJson(Buffer.from([0x22, 0xff, 0x22]))).toBe(false);
});
