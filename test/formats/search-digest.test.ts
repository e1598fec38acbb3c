import fc from 'fast-check';
import { expect, test } from 'vitest';
import { searchDigest } from '../../src/formats/search-digest.ts';

const told = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([id]) => id, maxLength: 20 });
const digestOf = (documents: readonly (readonly [string, string])[]): string => {
  const digest = searchDigest();
  for (const [id, text] of documents) digest.add(id, Buffer.from(text));
  return digest.hex();
};

test('says the same in any order and in parts, and another thing once a text is another', () => {
  fc.assert(
    fc.property(told, fc.nat(), (documents, at) => {
      const whole = digestOf(documents);
      expect(digestOf(documents.toReversed())).toBe(whole);
      const cut = at % (documents.length + 1);
      const parts = searchDigest();
      parts.join(digestOf(documents.slice(0, cut)));
      parts.join(digestOf(documents.slice(cut)));
      expect(parts.hex()).toBe(whole);
      if (documents.length === 0) return;
      const n = at % documents.length;
      expect(digestOf(documents.map(([id, text], m) => [id, m === n ? `${text}x` : text]))).not.toBe(whole);
    }),
  );
});
