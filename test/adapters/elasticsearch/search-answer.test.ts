import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSearchAnswer } from '../../../src/adapters/elasticsearch/search-answer.ts';

interface Stored {
  readonly id: string;
  readonly version: number;
  readonly body: string;
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 30 });
const anyDocument = fc.record<Stored>({
  id: wellFormed,
  version: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  body: wellFormed,
});

/** An answer as the engine sends it; `spell` may escape more than has to be. */
function answerOf(documents: readonly Stored[], spell = (json: string): string => json): Buffer {
  const hits = documents.map(({ id, version, body }, n) =>
    [
      `{"_index":"i","_id":${JSON.stringify(id)},"_version":${version},"_score":null`,
      `"_source":{"doc_id":${JSON.stringify(id)},"visible":true,"fields":{"words":["a\\"]}","b"],"n":-1.5e3},"body":${spell(JSON.stringify(body))}}`,
      `"sort":[${n}]}`,
    ].join(','),
  );
  const head = '{"pit_id":"p\\u0041t","took":3,"timed_out":false,"_shards":{"total":1,"failures":[]}';
  return Buffer.from(`${head},"hits":{"max_score":null,"hits":[${hits.join(',')}]}}`);
}

const plain = (documents: readonly { id: string; version: number; body: Buffer }[]): Stored[] =>
  documents.map(({ id, version, body }) => ({ id, version, body: body.toString('utf8') }));

/** Every UTF-16 unit of a JSON string as an escape. */
const allEscaped = (json: string): string =>
  `"${[...Array(JSON.parse(json).length).keys()]
    .map((at) => `\\u${(JSON.parse(json) as string).charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('')}"`;

describe('the answer of a search', () => {
  test('gives the documents that were stored, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(anyDocument, { maxLength: 5 }), fc.boolean(), (documents, escapeAll) => {
        const read = readSearchAnswer(answerOf(documents, escapeAll ? allEscaped : undefined));
        expect(read.pit).toBe('pAt');
        expect(plain(read.documents)).toEqual(documents);
        for (const { visible, unindexable, fields } of read.documents)
          expect({ visible, unindexable, fields: String(fields) }).toEqual({
            ...{ visible: true, unindexable: null },
            fields: '{"words":["a\\"]}","b"],"n":-1.5e3}',
          });
        expect(read.lastSort).toBe(documents.length === 0 ? undefined : `[${documents.length - 1}]`);
      }),
      { numRuns: 300 },
    );
  });

  test('that ends too early, or lacks what is needed, is refused', () => {
    const whole = answerOf([{ id: 'a', version: 1, body: '{"x":"y"}' }]);
    for (const end of [1, 40, 120, whole.length - 30, whole.length - 1])
      expect(() => readSearchAnswer(Buffer.from(whole.subarray(0, end))), String(end)).toThrow(
        /Elasticsearch/,
      );
    expect(() =>
      readSearchAnswer(Buffer.from('{"pit_id":"p","hits":{"hits":[{"_id":"a","sort":[1]}]}}')),
    ).toThrow('without version, id or body');
  });
});
