import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { searchWords } from '../../src/projections/words.ts';

const runs = /[^\s,;()[\]{}<>"'`|]+/gu;
const edges = /^[.:/\-_#@!?*+=~&%$]+|[.:/\-_!?*+=~&%$]+$/gu;

/** What docs say of search words, written down once more with expressions alone. */
function plainWords(text: string): string[] {
  const words = (text.match(runs) ?? []).flatMap((run) => {
    const whole = run.replace(edges, '');
    const parts = whole.split(/[^A-Za-z0-9$+<=>^`|~]+/u);
    return [whole, ...parts.flatMap((part) => [part, ...part.split(/(?<=[a-z0-9])(?=[A-Z])/u)])];
  });
  return [...new Set(words.filter((word) => word !== '').map((word) => word.toLowerCase()))];
}

describe('search words', () => {
  test('are runs, their parts and their humps, in order and each once', () => {
    expect(searchWords('shop.orders_v2 custId, (PROD)')).toEqual(
      'shop.orders_v2 shop orders v2 custid cust id prod'.split(' '),
    );
  });

  test('of ASCII are what the expressions say, whatever stands beside what', () => {
    const dense = fc.string({
      unit: fc.constantFrom(...'aZ9.:/-_#@!$+<=>^`|~ ,;()[]{}"\'%&*?\\bQ'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(dense, fc.string({ unit: 'grapheme-ascii' })), (text) => {
        expect(searchWords(text)).toEqual(plainWords(text));
      }),
      { numRuns: 500 },
    );
  });
});
