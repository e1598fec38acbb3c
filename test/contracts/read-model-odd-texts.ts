const longId = (end: string): string => `urn:li:dataset:${'x'.repeat(584)}${end}`;

/** Ids that an engine, a path, a query language or a shell might take for something else. */
export const ids = [
  'urn:li:dataset:(urn:li:dataPlatform:hive,db.orders,PROD)',
  longId('a'),
  longId('b'),
  'ü'.repeat(300),
  '@1-2-3',
  '~urn:li:corpuser:ann',
  '!1-0',
  'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '_id',
  '.',
  '..',
  '../../etc/passwd',
  '/a/b?c=d&e=%2F#f',
  'a b',
  ' a b ',
  `it's "quoted" \\ and * (or) -- {}`,
  'größe/İ/ı/ß/ﬀ',
  'e\u0301',
  'é',
  '😀👩‍👩‍👧',
  'A',
  'a',
  '__proto__',
  'null',
  '0',
];

/** JSON texts that a parser and printer, or an engine's own reading of them, would give back changed. */
export const bodies = [
  '{}',
  '{"n":[1.0,-0,1e3,1e400,12345678901234567890,0.1000]}',
  '{"a":1,"a":2, "b" :\t[ ]\n}\n',
  '{"__proto__":{"constructor":1},"version":9,"doc_id":"x","body":"y"}',
  JSON.stringify({ text: '\u2028\u2029\u0000\u007f\\"/\b' }),
  '{"raw":"\u2028\u2029😀 İ é e\u0301 \ufeff"}',
  '{"lone":"\\ud800","nul":"\\u0000","slash":"\\/"}',
  `{"deep":${'['.repeat(1_200)}${']'.repeat(1_200)}}`,
  '{"line":\n"feeds","and":\r\n[]\n}',
  'null',
];
