import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Header, LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { mustNotExist } from '../../src/domain/event.ts';
import { eventSchemaSha256 } from '../../src/formats/event.ts';
import { projections } from '../../src/projections/registry.ts';
import { readState } from '../../src/projections/state-text.ts';
import { anEvent, at, recordOf } from '../given/events.ts';
import { foldInBatches, readAll, rootOfDocuments } from '../given/fold.ts';
import { type PlainRecord, plainFold } from '../given/plain-reducer.ts';
import { type PlainDocument, plainRoot } from '../given/plain-root.ts';

const urns = ['a', 'b'].map((name) => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`);
const patches = [
  [{ op: 'add', path: '/name', value: 'patched' }],
  [{ op: 'replace', path: '/name', value: { deep: 1 } }],
  [
    { op: 'test', path: '/name', value: 'patched' },
    { op: 'remove', path: '/name' },
  ],
];

const column = (table: string, path: string): string => `urn:li:schemaField:(${table},${path})`;
const anyEnd = fc.constantFrom(
  ...urns,
  'urn:li:x:y',
  column(urns[0]!, 'a'),
  column(urns[1]!, 'b,(c'),
  7,
  'no',
);
const ends = fc.array(anyEnd, { maxLength: 3 });
const anyLineage = fc.record(
  {
    upstreams: fc.array(fc.record({ dataset: anyEnd, type: fc.constantFrom('COPY', 1) }), { maxLength: 3 }),
    inputDatasets: ends,
    inputDatasetEdges: fc.array(fc.record({ destinationUrn: anyEnd }), { maxLength: 2 }),
    outputDatasets: ends,
    fineGrainedLineages: fc.array(
      fc.record(
        { upstreams: ends, downstreams: ends, transformOperation: fc.constant('+') },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

const anyEvent = fc
  .record({
    urn: fc.constantFrom(...urns),
    aspect: fc.constantFrom('datasetProperties', 'upstreamLineage', 'dataJobInputOutput', null),
    change: fc.constantFrom<MetadataChangeEvent['change'][]>('UPSERT', 'UPSERT', 'PATCH', 'DELETE'),
    n: fc.nat(60),
    expect: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      fc.constant(mustNotExist),
      fc.nat(20).map((offset) => at(offset)),
    ),
    actor: fc.constantFrom('', 'urn:li:corpuser:ann'),
    source: fc.constantFrom(null, new Map([['10', 'x']]), new Map([...'ä9'].map((name) => [name, '"']))),
    value: fc.oneof(
      fc.constantFrom('{"name":"one"}', ' {"n": 1.0e2, "name" : 2}\n', '[3]', '{"a":1,"a":2}', '"\u00e4'),
      anyLineage.map((value) => JSON.stringify(value)),
    ),
    patch: fc.constantFrom(...patches),
  })
  .map(({ change, aspect, source, value, patch, ...rest }): MetadataChangeEvent => {
    const kind = aspect === null ? 'DELETE' : change;
    return {
      ...anEvent({ ...rest, aspect, change: kind }),
      source: source === null ? null : { plugin: 'test', version: '', runId: 'r', foreign: source },
      value: kind === 'DELETE' ? null : Buffer.from(kind === 'PATCH' ? JSON.stringify(patch) : value),
    };
  });

/** What may befall a record on its way: nothing, mostly. */
const anyDamage = fc.oneof(
  { weight: 6, arbitrary: fc.constant((record: LogRecord) => record) },
  fc.constantFrom(
    (record: LogRecord) => ({ ...record, headers: [] }),
    (record: LogRecord) => ({ ...record, headers: [...record.headers, ...record.headers] }),
    (record: LogRecord) => ({ ...record, headers: record.headers.slice(0, 1) }),
    (record: LogRecord) => ({ ...record, key: Buffer.from('not a URN') }),
    (record: LogRecord) => ({ ...record, key: null }),
    (record: LogRecord) => ({ ...record, value: null }),
    (record: LogRecord) => ({ ...record, value: Buffer.from(record.value!).subarray(0, 30) }),
    (record: LogRecord) => ({ ...record, value: Buffer.from('f8ffffff0f', 'hex') }),
    (record: LogRecord) => ({ ...record, appendTime: record.appendTime - 100 }),
  ),
);

/** The record as a consumer gives it that puts headers into an object. */
function asPlain({ offset, appendTime, key, value, headers }: LogRecord): PlainRecord {
  const bytes = (given: Uint8Array | null): Buffer | null => given && Buffer.from(given);
  const byName = Map.groupBy(headers, ([name]: Header) => Buffer.from(name).toString());
  return {
    ...{ offset, timestamp: appendTime, key: bytes(key), value: bytes(value) },
    headers: Object.fromEntries([...byName].map(([name, all]) => [name, all.map(([, own]) => bytes(own))])),
  };
}

test('a fold that was written apart from ours, from the documents of the formats, makes the same documents', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, anyDamage), { minLength: 1, maxLength: 40 }), (history) => {
      const records = history.map(([event, damage], offset) => damage(recordOf(event, offset)));
      const plain = plainFold([{ epoch: 1, records: [records.map(asPlain)] }], eventSchemaSha256);
      let time = 0;
      const monotone = records.map((record) => {
        time = Math.max(time, record.appendTime);
        return { ...record, appendTime: time };
      });
      for (const projection of projections) {
        const ours = foldInBatches(projection, readAll(monotone), [7], readState);
        const theirs = plain[projection.definition.projection as keyof Omit<typeof plain, 'outcomes'>];
        const shown = (documents: Iterable<Pick<PlainDocument, 'id' | 'version'> & { body: Uint8Array }>) =>
          [...documents].map(({ id, version, body }) => [id, version, Buffer.from(body).toString()]).sort();
        expect(shown(theirs)).toEqual(shown(ours.values()));
        for (const document of ours.values()) expect(projection.searchOf(document)).toEqual(document.search);
      }
    }),
  );
});

test('a root that was computed apart from ours is the same', () => {
  const documents = Array.from({ length: 5_000 }, (_, n) => ({
    ...{ id: `urn:li:dataset:ä${n}`, version: 2 ** 44 + n, body: Buffer.from(`{"n":${n}}`), search: null },
  }));
  expect(plainRoot(documents)).toBe(rootOfDocuments(documents));
  expect(plainRoot([])).toBe(rootOfDocuments([]));
});
