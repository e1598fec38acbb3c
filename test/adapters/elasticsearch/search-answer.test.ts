import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, indexAction, writeLine } from '../../../src/adapters/elasticsearch/bulk.ts';
import { sourceWith, withBodyAsText } from '../../../src/adapters/elasticsearch/documents.ts';
import { readById, readPage, readSearchAnswer } from '../../../src/adapters/elasticsearch/search-answer.ts';

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

/** The source that a bulk body carries, which the engine gives back as it is. */
function sourceSent(source: ReturnType<typeof sourceWith>): string {
  const line = { action: indexAction('a', 1), source };
  const memory = Buffer.alloc(bytesOf(line));
  expect(writeLine(memory, 0, line)).toBe(memory.length);
  const text = memory.toString();
  expect(text.indexOf('\n', line.action.length)).toBe(text.length - 1);
  return text.slice(line.action.length, -1);
}

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

  test('gives bodies back byte for byte, whichever way they were sent', () => {
    const text = fc.json().map((json) => `{"n":1.0,"v":${json}}`);
    const bodies = fc.array(fc.oneof(text, wellFormed, fc.constant('{"a":[{"b":"]}"}]}')), { maxLength: 5 });
    fc.assert(
      fc.property(bodies, fc.boolean(), (given, asText) => {
        const documents = given.map((body, n) => ({ id: `d${n}`, version: n, body: Buffer.from(body) }));
        const sources = documents.map((document) => sourceWith(document, Buffer.from('{"k":"a"}')));
        const sent = sources.map((source) => sourceSent(asText ? withBodyAsText(source) : source));
        const hits = sent.map(
          (source, n) => `{"_id":"d${n}","_version":${n},"_source":${source},"sort":[${n}]}`,
        );
        const page = `{"pit_id":"p","hits":{"total":{"value":7,"relation":"eq"},"hits":[${hits.join(',')}]}}`;
        const told = documents.map((document) => ({ ...document, visible: true, unindexable: null }));
        const plainly = (read: readonly object[]) => read.map((one) => ({ ...one, fields: undefined }));
        const wanted = plainly(told);
        expect(plainly(readSearchAnswer(Buffer.from(page)).documents)).toEqual(wanted);
        const { total, hits: read } = readPage(Buffer.from(page));
        expect(total).toBe(7);
        expect(plainly(read.map(({ document }) => document))).toEqual(wanted);
        expect(read.map(({ sort }) => sort)).toEqual(documents.map((_, n) => `[${n}]`));
        const docs = [
          '{"_id":"x","found":false}',
          ...hits.map((hit) => hit.replace(/,"sort":\[\d+\]\}$/, '}')),
        ];
        const byId = readById(Buffer.from(`{"docs":[${docs.join(',')}]}`));
        expect(plainly(byId.documents)).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  test.for([
    ['shorter than its size says', '[9,{"a":1}]', '{"a":1}'],
    ['longer', '[7,{"a":"longer"}]', '{"a":"longer"}'],
    ['without a size', '[{"a":1}]', '[{"a":1}]'],
    ['with more behind it', '[7,{"a":1},2]', '[7,{"a":1},2]'],
    ['an object', '{"a":1}', '{"a":1}'],
    ['nothing', 'null', 'null'],
  ])('takes a body that somebody else put there as it is: %s', ([, body, read]) => {
    const hitOf = (id: string, json: string): string =>
      `{"_id":"${id}","_version":3,"_source":{"doc_id":"${id}","visible":false,"body":${json}},"sort":[1]}`;
    const [hit, after] = [hitOf('a', body!), hitOf('b', '[2,{}]')];
    const answer = readSearchAnswer(Buffer.from(`{"pit_id":"p","hits":{"hits":[${hit},${after}]}}`));
    expect(plain(answer.documents)).toEqual([
      { id: 'a', version: 3, body: read },
      { id: 'b', version: 3, body: '{}' },
    ]);
  });

  test('tells why a document could not be looked for', () => {
    const error = { type: 'index_not_found_exception', reason: 'no such index' };
    const answer = {
      docs: [
        { _index: 'i', _id: 'a', error },
        { _id: 'b', found: false },
      ],
    };
    expect(readById(Buffer.from(JSON.stringify(answer)))).toEqual({ documents: [], error });
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
