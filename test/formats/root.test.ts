import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, docHash, exchangedRoot, hashBuckets, rootOf } from '../../src/formats/root.ts';
import { text } from './arbitrary.ts';
import { vectors } from './vectors.ts';

interface Document {
  readonly id: string;
  readonly version: number;
  readonly body: Buffer;
}

function builderOf(documents: Iterable<Document>) {
  const builder = rootOf();
  for (const { id, version, body } of documents) builder.add(id, version, body);
  return builder;
}

function generated(i: number): Document {
  const id = `urn:li:dataset:(urn:li:dataPlatform:hive,db.${i % 50 === 0 ? 'größe' : 't'}${i},PROD)`;
  const body = i % 10 === 9 ? '{"deleted":true}' : `{"n":${i},"urn":"${id}"}`;
  return { id, version: (1 + (i % 3)) * 2 ** 44 + 7 * i, body: Buffer.from(body) };
}
const someDocuments = Array.from({ length: 5_000 }, (_, i) => generated(i));
const duplicate = expect.objectContaining({ code: 'DUPLICATE_DOCUMENT' });

test.for(vectors.roots)('golden root: $name', ({ documents, root }) => {
  const given = documents?.map(({ id, version, body }) => ({ id, version, body: Buffer.from(body) }));
  const builder = builderOf(given ?? someDocuments);
  expect(builder.root()).toBe(root);
  const buckets = builder.buckets();
  for (const { id, version, body, bucket, keyHash, docHash: hash, bucketHash } of documents ?? []) {
    expect(docHash(id, version, Buffer.from(body)).toString('hex')).toBe(hash);
    expect(bucketOf(id)).toBe(bucket);
    expect(buckets[bucket]!.toString('hex')).toBe(bucketHash);
    expect(builder.entriesOf(bucket)).toContainEqual({ keyHash, docHash: hash });
  }
});

test('the order of documents does not show, nor when the root was asked for', () => {
  const documents = fc.uniqueArray(fc.record({ id: text, version: fc.maxSafeNat() }), {
    selector: ({ id }) => id,
  });
  const shuffled = documents.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  const withBody = (all: { id: string; version: number }[]) =>
    all.map((document) => ({ ...document, body: Buffer.from(document.id) }));
  fc.assert(
    fc.property(shuffled, ([all, again]) => {
      const asked = rootOf();
      for (const { id, version, body } of withBody(again)) {
        asked.add(id, version, body);
        if (asked.size % 3 === 0) asked.root();
      }
      expect(asked.root()).toBe(builderOf(withBody(all)).root());
    }),
    { numRuns: 20 },
  );
});

test('more than one chunk of documents, backwards', () => {
  const documents = Array.from({ length: 20_000 }, (_, i) => generated(i));
  const [forth, back] = [builderOf(documents), builderOf(documents.toReversed())];
  expect(back.root()).toBe(forth.root());
  for (const bucket of [0, 1, 4_095]) expect(back.entriesOf(bucket)).toEqual(forth.entriesOf(bucket));
  const entries = Array.from({ length: 4_096 }, (_, bucket) => forth.entriesOf(bucket).length);
  expect(entries.reduce((sum, count) => sum + count)).toBe(20_000);
});

test('every part of a document shows in the root, and only in its bucket', () => {
  const builder = builderOf(someDocuments);
  const changes: Partial<Document>[] = [
    { version: someDocuments[0]!.version + 1 },
    { version: 2 ** 53 - 1 },
    { body: Buffer.from('{"deleted":false}') },
    { id: 'urn:li:tag:pii' },
  ];
  for (const change of changes) {
    const other = builderOf([{ ...someDocuments[0]!, ...change }, ...someDocuments.slice(1)]);
    expect(other.root()).not.toBe(builder.root());
    const [ours, theirs] = [builder.buckets(), other.buckets()];
    const touched = new Set([someDocuments[0]!.id, change.id ?? someDocuments[0]!.id].map(bucketOf));
    expect(ours.flatMap((hash, bucket) => (hash.equals(theirs[bucket]!) ? [] : bucket)).sort()).toEqual(
      [...touched].sort(),
    );
  }
});

test('an id given twice is an error, also with equal content', () => {
  const builder = builderOf([...someDocuments, someDocuments[4_321]!]);
  expect(() => builder.root()).toThrow(duplicate);
  expect(() => builder.buckets()).toThrow(duplicate);
  expect(() => builder.entriesOf(bucketOf(someDocuments[4_321]!.id))).toThrow(duplicate);
});

test('large documents have the hash of the definition', () => {
  for (const size of [128 * 1024 - 100, 128 * 1024, 1_000_000]) {
    const [id, body] = [`~${'é'.repeat(300)}`, Buffer.alloc(size, 'x')];
    const whole = Buffer.concat([Buffer.alloc(4), Buffer.from(id), Buffer.alloc(8), body]);
    whole.writeUInt32BE(601);
    whole.writeBigUInt64BE(2n ** 53n - 1n, 4 + 601);
    expect(docHash(id, 2 ** 53 - 1, body)).toEqual(createHash('sha256').update(whole).digest());
  }
});

test('what is no document is not hashed', () => {
  expect(() => docHash('a', -1, Buffer.alloc(0))).toThrow(RangeError);
  expect(() => docHash('a', 2 ** 53, Buffer.alloc(0))).toThrow(RangeError);
  expect(() => docHash('\ud800', 1, Buffer.alloc(0))).toThrow(RangeError);
});

/** What steps lead to, and how many there were. */
/** Some milliseconds of hashing. */
const entriesPerStep = 2_048;

function stepped<Result>(steps: Iterator<undefined, Result>): {
  readonly result: Result;
  readonly steps: number;
} {
  for (let count = 0; ; count += 1) {
    const step = steps.next();
    if (step.done === true) return { result: step.value, steps: count };
  }
}

test('a root is hashed in steps of a few buckets, once, and anew after what is added', () => {
  const documents = Array.from({ length: 35_000 }, (_, i) => generated(i));
  const [first, then, last] = [documents.slice(0, -2), documents.at(-2)!, documents.at(-1)!];
  const builder = builderOf(first);
  expect(stepped(hashBuckets(builder)).steps).toBeGreaterThanOrEqual(first.length / entriesPerStep);
  const hashed = builder.buckets();
  expect(hashed).toEqual(builderOf(first.toReversed()).buckets());
  expect(builder.buckets().every((hash, bucket) => hash === hashed[bucket])).toBe(true);
  builder.add(then.id, then.version, then.body);
  expect(builder.root()).toBe(builderOf([...first, then]).root());
  builder.addEntries(builderOf([last]).entries());
  expect(builder.root()).toBe(builderOf(documents).root());
  const exchanged = stepped(exchangedRoot(builder, builderOf([last]), rootOf()));
  expect(exchanged.result).toBe(builderOf(documents.slice(0, -1)).root());
  expect(exchanged.steps).toBeGreaterThan(4);
});

test('with documents in the place of others it is the root of those; what is not there as it should be has none', () => {
  const before = someDocuments.slice(0, 60);
  const after = before.map((one) => ({ ...one, version: one.version + 1, body: Buffer.from('{"later":1}') }));
  const others = someDocuments.slice(60, 3_000);
  const born = { id: 'born later', version: 9, body: Buffer.from('{}') };
  const whole = builderOf([...others, ...after, born]);
  const gone = builderOf([...after, born]);
  expect(stepped(exchangedRoot(whole, gone, builderOf(before))).result).toBe(
    builderOf([...before, ...others]).root(),
  );
  expect(stepped(exchangedRoot(whole, rootOf(), rootOf())).result).toBe(whole.root());
  const altered = builderOf([...others, born, { ...after[0]!, body: Buffer.from('{}') }, ...after.slice(1)]);
  const missing = builderOf([...others, ...after]);
  for (const found of [altered, missing])
    expect(stepped(exchangedRoot(found, gone, builderOf(before))).result).toBeUndefined();
  expect(stepped(exchangedRoot(whole, gone, builderOf([others[0]!]))).result).toBeUndefined();
});
