import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { bundleBytes, parseBundle } from '../../src/formats/fold-bundle.ts';

// What is kept under such a name has to be found again by every later version.
const golden =
  '{"entry":"fold.ts","files":{"data/a.avsc":"{}","fold.ts":"export default \'ö\';\\n","src/b.ts":"x"},"v":1}';
const goldenSha256 = '8cb04269440be811d7c56fb84b3932c4dfd388b2c5967f3e3cbac2fa12c9c358';

test('the same files are the same bytes, in any order', () => {
  const files = { 'src/b.ts': 'x', 'fold.ts': "export default 'ö';\n", 'data/a.avsc': '{}' };
  const bytes = bundleBytes({ entry: 'fold.ts', files });
  expect(bytes.toString()).toBe(golden);
  expect(hash('sha256', bytes)).toBe(goldenSha256);
  expect(parseBundle(bytes, 'b')).toEqual({ entry: 'fold.ts', files });
});

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['another version', '{"v":2,"entry":"a.ts","files":{"a.ts":""}}'],
  ['no entry', '{"v":1,"entry":"b.ts","files":{"a.ts":""}}'],
  ['a file elsewhere', '{"v":1,"entry":"a.ts","files":{"a.ts":"","../b.ts":""}}'],
  ['a hidden file', '{"v":1,"entry":"a.ts","files":{"a.ts":"","x/.y":""}}'],
  ['an absolute one', '{"v":1,"entry":"a.ts","files":{"a.ts":"","/tmp/b.ts":""}}'],
  ['no text', '{"v":1,"entry":"a.ts","files":{"a.ts":7}}'],
])('%s is no bundle', (_, text) => {
  expect(() => parseBundle(Buffer.from(text), 'b')).toThrow(
    expect.objectContaining({ code: 'ARCHIVE_CORRUPT', facts: expect.objectContaining({ blob: 'b' }) }),
  );
});
