import { expect, test } from 'vitest';
import {
  type ElasticsearchOptions,
  elasticsearchReadModel,
} from '../../../../src/adapters/elasticsearch/read-model.ts';
import type { ModelIndex, ReadModel } from '../../../../src/ports/read-model.ts';
import {
  byKey,
  definition,
  document,
  found,
  scanned,
  shape,
  versionsEnd,
} from '../../../contracts/read-model.contract.ts';
import { type Answered, between, elasticsearchUrl, type Interference, json, ownPrefix } from './given.ts';

/** A read model, an empty index in it, and everything removed at the end. */
async function given(
  options: Partial<ElasticsearchOptions> = {},
): Promise<
  AsyncDisposable & { readonly model: ReadModel; readonly index: ModelIndex; readonly physical: string }
> {
  const place = ownPrefix();
  const own = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  const made = await own.create(definition(), 'a');
  const model = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix, ...options });
  return {
    model,
    index: (await model.open(made.name, made.definition))!,
    physical: `${place.prefix}-${made.name}`,
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

const answered = (status: number, body: object): Answered => ({
  status,
  body: Buffer.from(JSON.stringify(body)),
});
const busyItem = {
  index: { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'full' } },
};
const isBulk = (path: string): boolean => path.includes('/_bulk');
/** Action lines of a bulk body with their sources. */
const pairs = (body: Buffer): string[] => body.toString().match(/.+\n.+\n/g) ?? [];

test('what the engine alone refuses is stored whole and hidden, and named; the rest is found', async () => {
  await using at = await given();
  const { index, physical } = at;
  const wider = { ...index.definition, fields: { key: 'keyword', later: 'keyword' } } as const;
  const info = (await json('GET', `/${physical}`))[physical] as { mappings: { _meta: { annal: object } } };
  await json('PUT', `/${physical}/_mapping`, {
    _meta: { annal: { ...info.mappings._meta.annal, definition: wider } },
  });
  const changed = (await at.model.open(index.name, wider))!;

  const report = await changed.store(
    [document('a', 1), document('b', 2, '{}', { key: 'b', later: 'x' }), document('c', 3)],
    versionsEnd,
  );
  expect(report).toMatchObject({ applied: 3, stale: 0 });
  expect(report.unindexable).toEqual([
    { id: 'b', reason: expect.stringMatching(/^ENGINE_REFUSED 400 strict_dynamic_mapping_exception/) },
  ]);
  expect(await found(changed)).toEqual(['a', 'c']);
  const hidden = (await changed.load(['b'])).get('b')!;
  expect(hidden.version).toBe(2);
  expect(hidden.body.toString()).toBe('{}');
  expect(await changed.store([document('b', 2, '{}', { key: 'b', later: 'x' })], versionsEnd)).toMatchObject({
    applied: 0,
    stale: 1,
    unindexable: [{ id: 'b' }],
  });
});

test('no value is ignored, however long', async () => {
  await using at = await given();
  await at.index.store([document('a', 1, '{}', { key: ['é'.repeat(512), 'x'.repeat(1_024)] })], versionsEnd);
  await at.index.refresh();
  const answer = await json('POST', `/${at.physical}/_search`, { query: { exists: { field: '_ignored' } } });
  expect(answer.hits).toMatchObject({ total: { value: 0 } });
});

test('the alias shows to anybody what queries show: no hidden document, no progress', async () => {
  await using at = await given();
  const { projection } = at.index.definition;
  await at.index.store([document('seen', 1), document('hidden', 1, '{}', null)], versionsEnd);
  await at.index.saveProgress([{ epoch: 1, partition: 0, next: 1, timeMax: 1 }]);
  await at.model.swap(projection, null, at.index.name);
  const alias = `/${at.physical.slice(0, -'-v1-a'.length)}`;
  const answer = (await json('POST', `${alias}/_search`, {})) as { hits: { hits: { _id: string }[] } };
  expect(answer.hits.hits.map(({ _id }) => _id)).toEqual(['seen']);
});

test('a serving index is durable with each answer and visible by itself', async () => {
  await using at = await given();
  const settings = async (): Promise<unknown> =>
    (await json('GET', `/${at.physical}/_settings`))[at.physical];
  expect(await settings()).toMatchObject({
    settings: { index: { refresh_interval: '5s', translog: { durability: 'async' } } },
  });
  await at.model.swap(at.index.definition.projection, null, at.index.name);
  expect(await settings()).toMatchObject({
    settings: { index: { refresh_interval: '250ms', translog: { durability: 'request' } } },
  });
});

test('an index of another prefix that begins alike is not ours', async () => {
  await using at = await given();
  const [prefix, ...rest] = at.physical.split('-');
  const shorter = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: prefix!.slice(0, -1) });
  expect((await shorter.list()).map(({ name }) => name)).not.toContain(rest.join('-'));
  expect(await shorter.open(at.index.name, at.index.definition)).toBeUndefined();
  await shorter[Symbol.asyncDispose]();
});

test('items the engine was too busy for go again, alone, until they are stored', async () => {
  const sent: string[][] = [];
  const waits: number[] = [];
  await using proxy = await between(async ({ path, body }, forward) => {
    if (!isBulk(path)) return forward();
    const all = pairs(body);
    sent.push(all);
    const taken = all.filter((_, n) => n % 2 === 1);
    if (taken.length === 0)
      return sent.length < 4 ? answered(200, { items: all.map(() => busyItem) }) : forward();
    const { items } = JSON.parse((await forward(Buffer.from(taken.join('')))).body.toString()) as {
      items: object[];
    };
    return answered(200, { items: all.map((_, n) => (n % 2 === 1 ? items[(n - 1) / 2] : busyItem)) });
  });
  await using at = await given({ url: proxy.url, wait: async (waitMs) => waits.push(waitMs) });
  const documents = ['a', 'b', 'c', 'd'].map((id) => document(id, 1));
  expect(await at.index.store(documents, versionsEnd)).toEqual({ applied: 4, stale: 0, unindexable: [] });
  expect(sent.map((all) => all.map((pair) => /"_id":"(.)"/.exec(pair)![1]))).toEqual([
    ['a', 'b', 'c', 'd'],
    ['a', 'c'],
    ['a'],
    ['a'],
  ]);
  expect(waits).toEqual([50, 100, 200]);
  expect((await scanned(at.index)).map(shape).sort()).toEqual(documents.map(shape));
  expect(
    sent.flat().every((pair) => pair.startsWith('{"index":') && pair.includes('"version_type":"external"')),
  ).toBe(true);
});

test('an engine that stays busy is given up after a bounded number of tries', async () => {
  let asked = 0;
  await using proxy = await between(async ({ path, body }, forward) => {
    if (!isBulk(path)) return forward();
    asked += 1;
    return answered(200, { items: pairs(body).map(() => busyItem) });
  });
  await using at = await given({ url: proxy.url, wait: async () => {} });
  await expect(at.index.store([document('a', 1)], versionsEnd)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    facts: { notStored: 1, attempts: 7 },
  });
  expect(asked).toBe(7);
});

const troubles: Record<string, Interference> = {
  'too busy as a whole': async () =>
    answered(429, { error: { type: 'circuit_breaking_exception', reason: 'heap' }, status: 429 }),
  'without a leader': async () =>
    answered(503, { error: { type: 'cluster_block_exception', reason: 'no master' } }),
  'cut off': async () => 'cut',
};
test.for(
  Object.keys(troubles),
)('an engine that is %s is unavailable, and nothing is tried again here', async (name) => {
  let asked = 0;
  let troubled = false;
  await using proxy = await between(async (question, forward) => {
    if (!troubled) return forward();
    // Whether others search is another question, and asked no oftener than each half second.
    if (!question.path.includes('/_stats/search')) asked += 1;
    return troubles[name]!(question, forward);
  });
  await using at = await given({ url: proxy.url });
  troubled = true;
  const unavailable = { code: 'MODEL_UNAVAILABLE', remedy: 'retry' };
  await expect(at.index.store([document('a', 1)], versionsEnd)).rejects.toMatchObject(unavailable);
  await expect(at.index.load(['a'])).rejects.toMatchObject(unavailable);
  await expect(found(at.index)).rejects.toMatchObject(unavailable);
  await expect(at.model.serving(at.index.definition)).rejects.toMatchObject(unavailable);
  await expect(at.model.list()).rejects.toMatchObject(unavailable);
  expect(asked).toBe(5);
});

test('an engine that is not there is unavailable', async () => {
  await using model = elasticsearchReadModel({ url: 'http://127.0.0.1:1', prefix: 'none' });
  await expect(model.serving(definition())).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
});

test('a swap whose answer is lost is looked up: done, or not done', async () => {
  const fate: ('after' | 'before')[] = ['after', 'before'];
  await using proxy = await between(async ({ path }, forward) => {
    if (!path.startsWith('/_aliases')) return forward();
    if (fate.shift() === 'after') await forward();
    return 'cut';
  });
  await using at = await given({ url: proxy.url });
  const { projection } = at.index.definition;
  await at.model.swap(projection, null, at.index.name);
  expect((await at.model.serving(at.index.definition))!.name).toBe(at.index.name);
  const next = await at.model.create(at.index.definition, 'b');
  await expect(at.model.swap(projection, at.index.name, next.name)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
  });
  expect((await at.model.serving(at.index.definition))!.name).toBe(at.index.name);
});

test('an engine that has no room for a whole body gets shorter ones, and longer ones again once it has', async () => {
  const sizes: number[] = [];
  let room = 125_000;
  await using proxy = await between(async ({ path, body }, forward) => {
    if (!isBulk(path)) return forward();
    sizes.push(body.length);
    if (body.length <= room) return forward();
    return answered(429, {
      error: { type: 'es_rejected_execution_exception', reason: 'pressure' },
      status: 429,
    });
  });
  await using at = await given({ url: proxy.url });
  const documents = (from: number) =>
    Array.from({ length: 64 }, (_, n) => document(`d${from + n}`, 1, 'x'.repeat(30_000)));
  const first = documents(0);
  const unavailable = (error: unknown): 'unavailable' => {
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE', remedy: 'retry' });
    return 'unavailable';
  };
  // Each half as long as the one before; what was short enough already is there.
  for (const bytes of [2_000_000, 1_000_000, 500_000, 250_000]) {
    sizes.length = 0;
    expect(await at.index.store(first, versionsEnd).catch(unavailable)).toBe('unavailable');
    expect(Math.max(...sizes)).toBeGreaterThan(bytes / 2);
    expect(Math.max(...sizes)).toBeLessThan(bytes);
  }
  expect(await at.index.store(first, versionsEnd)).toMatchObject({ unindexable: [] });
  expect((await at.index.load(first.map(({ id }) => id))).size).toBe(64);

  room = 5_000_000;
  sizes.length = 0;
  for (let round = 1; round <= 6; round += 1) await at.index.store(documents(64 * round), versionsEnd);
  const longer = sizes.findIndex((bytes) => bytes > 125_000);
  expect(longer).toBeGreaterThan(16);
  expect(Math.max(...sizes)).toBeLessThan(250_000);
});

test('bodies are bounded, and at most two are under way, of all indexes together', async () => {
  const sizes: number[] = [];
  let [underWay, most] = [0, 0];
  await using proxy = await between(async ({ path, body }, forward) => {
    if (!isBulk(path)) return forward();
    sizes.push(body.length);
    underWay += 1;
    most = Math.max(most, underWay);
    const answer = await forward();
    underWay -= 1;
    return answer;
  });
  await using at = await given({ url: proxy.url });
  const other = await at.model.create(definition(), 'a');
  const documents = Array.from({ length: 16 }, (_, n) =>
    document(`d${n}`, 1, 'x'.repeat(n === 3 ? 6_000_000 : 900_000)),
  );
  const reports = await Promise.all([at.index, other].map((index) => index.store(documents, versionsEnd)));
  expect(reports).toEqual([16, 16].map((applied) => ({ applied, stale: 0, unindexable: [] })));
  expect(sizes.filter((size) => size > 5_000_000)).toHaveLength(2);
  expect(sizes.length).toBeLessThanOrEqual(12);
  expect(most).toBe(2);
});

test('stores side by side, of all lengths and alphabets, share memory and no byte', async () => {
  await using at = await given();
  const text = (n: number): string => `${'aé€😀'[n % 5] ?? 'z'}`.repeat((n * 7_919) % 60_000);
  const lanes = [0, 1, 2].map((lane) =>
    Array.from({ length: 5 }, (_, store) =>
      Array.from({ length: 20 }, (_, n) =>
        document(`${lane}-${store}-${n}`, 1, `${lane} ${store} ${n} ${text(lane + store + n)}`),
      ),
    ),
  );
  await Promise.all(
    lanes.map(async (stores) => {
      for (const given of stores) await at.index.store(given, versionsEnd);
    }),
  );
  const kept = (await scanned(at.index)).map(shape).sort();
  expect(kept).toEqual(lanes.flat(2).map(shape).sort());
});

test('an answer that is too large is asked for in parts', async () => {
  await using at = await given({ answerBytesMax: 150_000 });
  const documents = Array.from({ length: 20 }, (_, n) =>
    document(`d${String(n).padStart(2, '0')}`, n + 1, `"${'x'.repeat(40_000)}${n}"`),
  );
  await at.index.store(documents, versionsEnd);
  expect([...(await at.index.load(documents.map(({ id }) => id))).values()].map(shape)).toEqual(
    documents.map(shape),
  );
  expect((await scanned(at.index)).map(shape).sort()).toEqual(documents.map(shape));
  await at.index.refresh();
  const sort = [{ field: 'key', order: 'asc' }] as const;
  const page = await at.index.query({ where: [], sort, limit: 19 });
  expect([page.total, page.hits.map(({ id }) => id)]).toEqual([
    20,
    documents.slice(0, 19).map(({ id }) => id),
  ]);
  expect(await at.index.store(documents, versionsEnd)).toMatchObject({ stale: 20 });
});

test('an index is filled by little at a time while others search what serves, and by much again once nobody does', async () => {
  const lengths: number[] = [];
  await using proxy = await between(async ({ path, body }, forward) => {
    if (isBulk(path)) lengths.push(body.length);
    return forward();
  });
  await using at = await given({ url: proxy.url });
  const { model, index } = at;
  await index.store([document('seen', 1)], versionsEnd);
  await model.swap(index.definition.projection, null, index.name);
  const filled = await model.create(index.definition, 'b');
  const [littleBytes, documents] = [256 * 1024, 1_000];
  let stored = 0;
  /** The longest body of a store of about a megabyte. */
  async function longest(searches: number): Promise<number> {
    for (let n = 0; n < searches; n += 1) await index.query({ ...byKey, limit: 1 });
    lengths.length = 0;
    const body = JSON.stringify({ text: 'x'.repeat(1_000) });
    const some = Array.from({ length: documents }, (_, n) => document(`d${stored + n}`, 1, body));
    expect((await filled.store(some, versionsEnd)).applied).toBe(documents);
    stored += documents;
    return Math.max(...lengths);
  }
  expect(await longest(0)).toBeGreaterThan(littleBytes);
  await expect.poll(() => longest(50), { timeout: 20_000 }).toBeLessThanOrEqual(littleBytes);
  await expect.poll(() => longest(0), { timeout: 20_000 }).toBeGreaterThan(littleBytes);
});
