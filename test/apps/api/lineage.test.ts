import { hash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import { anApi, calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';
import { plainLineage, type Statement } from '../../given/plain-graph.ts';

let served: ServedAnnal;
beforeAll(async () => {
  served = await servedAnnal();
});
afterAll(() => served[Symbol.asyncDispose]());

const column = (table: string, path: string): string => `urn:li:schemaField:(${table},${path})`;
const made = (of: string, from: readonly string[], more: object = {}) => ({
  ...{ urn: of, aspect: 'upstreamLineage' },
  value: { upstreams: from.map((dataset) => ({ dataset, type: 'TRANSFORMED' })), ...more },
});

interface Told {
  readonly nodes: { urn: string; is: string; up?: number; down?: number }[];
  readonly edges: { from: string; to: string; columns?: unknown }[];
  readonly truncated: boolean;
  readonly leftOut: { nodes: number; edges: number; columns: number };
}

async function lineageOf(of: string, query = ''): Promise<Told> {
  const { status, json } = await served.call(
    'GET',
    `/v1/entities/${encodeURIComponent(of)}/lineage?${query}`,
  );
  expect(status, JSON.stringify(json)).toBe(200);
  return json;
}
const shown = ({ nodes, edges }: Pick<Told, 'nodes' | 'edges'>) => ({
  nodes: nodes.map(({ urn: of, is, up, down }) => [of, is, up, down]).sort(),
  edges: edges.map(({ from, to }) => [from, to]).sort(),
});

describe('lineage of tables', () => {
  test('both ways, step by step; a cycle ends, and its nodes are told once', async () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => urn(name, 'cycle')) as [
      string,
      string,
      string,
      string,
    ];
    await served.put(made(b, [a]), made(c, [b]), made(a, [c, a]), made(d, [c]));
    expect(shown(await lineageOf(b, 'depth=9'))).toEqual({
      nodes: [
        [a, 'live', 1, 2],
        [b, 'live', 0, 0],
        [c, 'live', 2, 1],
        [d, 'live', undefined, 2],
      ],
      edges: [
        [a, a],
        [a, b],
        [b, c],
        [c, a],
        [c, d],
      ],
    });
    expect(shown(await lineageOf(b, 'direction=up&depth=1')).edges).toEqual([[a, b]]);
    expect(shown(await lineageOf(d, 'direction=down'))).toEqual({
      nodes: [[d, 'live', undefined, 0]],
      edges: [],
    });
  });

  test('an end that is deleted or was never described is shown as that', async () => {
    const [gone, never, back, own] = ['gone', 'never', 'back', 'own'].map((name) => urn(name, 'ends')) as [
      string,
      string,
      string,
      string,
    ];
    const named = (of: string) => ({ urn: of, aspect: 'datasetProperties', value: { name: 'x' } });
    const dropped = (of: string) => ({ urn: of, change: 'DELETE' });
    await served.put(
      named(gone),
      named(back),
      made(own, [gone, never, back]),
      dropped(gone),
      dropped(back),
      named(back),
    );
    expect(shown(await lineageOf(own, 'direction=up')).nodes).toEqual([
      [back, 'live', 1, undefined],
      [gone, 'deleted', 1, undefined],
      [never, 'unknown', 1, undefined],
      [own, 'live', 0, undefined],
    ]);
    expect(shown(await lineageOf(never)).nodes).toEqual([
      [never, 'unknown', 0, 0],
      [own, 'live', undefined, 1],
    ]);
    await served.put(dropped(own));
    expect(shown(await lineageOf(gone))).toEqual({ nodes: [[gone, 'deleted', 0, 0]], edges: [] });
    const nobody = await served.call('GET', `/v1/entities/${encodeURIComponent(never)}/lineage`);
    expect(nobody.json).toMatchObject({ status: 404, code: 'ENTITY_NOT_FOUND' });
  });

  test('a job stands between what it reads and what it writes', async () => {
    const job = 'urn:li:dataJob:(urn:li:dataFlow:(airflow,daily,PROD),load)';
    const [from, to] = [urn('from', 'jobs'), urn('to', 'jobs')];
    await served.put({
      urn: job,
      aspect: 'dataJobInputOutput',
      value: { inputDatasets: [from], outputDatasets: [to] },
    });
    expect(shown(await lineageOf(to)).edges).toEqual([
      [job, to],
      [from, job],
    ]);
  });

  test('what has no room is counted, and what is told holds together', async () => {
    const hub = urn('hub', 'room');
    const spokes = Array.from({ length: 12 }, (_, n) => urn(`spoke${String(n).padStart(2, '0')}`, 'room'));
    await served.put(...spokes.map((spoke) => made(spoke, [hub])), made(hub, [urn('source', 'room')]));
    const told = await lineageOf(hub, 'limit=6');
    expect(told).toMatchObject({ truncated: true, leftOut: { nodes: 8, edges: 8, columns: 0 } });
    expect(told.nodes).toHaveLength(6);
    expect(told.nodes.filter(({ up }) => up === 1)).toHaveLength(1);
    for (const { from, to } of told.edges)
      for (const end of [from, to]) expect(told.nodes.map((node) => node.urn)).toContain(end);
    expect(await lineageOf(hub, 'limit=14')).toMatchObject({ truncated: false, leftOut: { nodes: 0 } });
  });

  test.each([
    'direction=left',
    'depth=0',
    'depth=21',
    'columns=yes',
    'limit=10001',
    'as-of=never',
    'cursor=x',
  ])('%s is refused', async (query) => {
    const { status } = await served.call(
      'GET',
      `/v1/entities/${encodeURIComponent(urn('a', 'cycle'))}/lineage?${query}`,
    );
    expect(status).toBe(400);
  });
});

describe('lineage by what the caller may read', () => {
  const [mine, theirs, own, further] = [
    urn('mine', 'shop'),
    urn('theirs', 'billing'),
    urn('own', 'shop'),
    urn('further', 'billing'),
  ] as const;
  beforeAll(() =>
    served.put(
      properties('mine'),
      made(theirs, [mine]),
      made(own, [theirs, mine]),
      made(further, [theirs]),
      { urn: urn('gone', 'billing'), aspect: 'status', value: { removed: false } },
      { urn: urn('gone', 'billing'), change: 'DELETE' },
      made(urn('heir', 'shop'), [urn('gone', 'billing')]),
    ),
  );

  async function asShop(of: string, query = ''): Promise<Told & { status: number }> {
    const grants = [{ actions: ['read'], namespace: 'shop' }];
    const tokens = parseTokens(
      JSON.stringify([{ name: 'shop', sha256: hash('sha256', 'secret'), grants }]),
      'tokens.json',
    );
    const api = anApi(served.annal.runtime, { tokens });
    const path = `/v1/entities/${encodeURIComponent(of)}/lineage?${query}`;
    const { json } = await calling(api)('GET', path, { headers: { authorization: 'Bearer secret' } });
    await api.close();
    return json;
  }

  test('what others say is not there, nor counted; what own entities name is shown and nothing told of it', async () => {
    expect(shown(await asShop(mine, 'depth=9'))).toEqual({
      nodes: [
        [mine, 'live', 0, 0],
        [own, 'live', undefined, 1],
      ],
      edges: [[mine, own]],
    });
    expect(await asShop(mine, 'limit=1')).toMatchObject({ leftOut: { nodes: 1, edges: 1 } });
    expect(shown(await asShop(own, 'direction=up&depth=9')).nodes).toEqual([
      [theirs, 'unknown', 1, undefined],
      [mine, 'live', 1, undefined],
      [own, 'live', 0, undefined],
    ]);
    expect(shown(await asShop(urn('heir', 'shop'), 'direction=up')).nodes).toContainEqual([
      ...[urn('gone', 'billing'), 'unknown', 1, undefined],
    ]);
    expect(shown(await asShop(theirs)).nodes).toEqual([
      [theirs, 'unknown', 0, 0],
      [own, 'live', undefined, 1],
    ]);
    expect(await asShop(further)).toMatchObject({ status: 404, code: 'ENTITY_NOT_FOUND' });
  });
});

describe('lineage of columns', () => {
  const [raw, mid, end] = ['raw', 'mid', 'end'].map((name) => urn(name, 'columns')) as [
    string,
    string,
    string,
  ];
  const strand = (
    upstreams: readonly string[],
    downstreams: readonly string[],
    transformOperation?: string,
  ) => ({
    ...{ upstreamType: 'FIELD_SET', downstreamType: 'FIELD', upstreams, downstreams },
    ...(transformOperation === undefined ? {} : { transformOperation }),
  });
  beforeAll(() =>
    served.put(
      made(mid, [raw], {
        fineGrainedLineages: [strand([column(raw, 'a'), column(raw, 'b')], [column(mid, 'sum')], 'a + b')],
      }),
      made(end, [], { fineGrainedLineages: [strand([column(mid, 'sum')], [column(end, 'total')])] }),
    ),
  );

  test('follow columns alone; a column is there as its table is', async () => {
    expect(shown(await lineageOf(column(end, 'total'), 'direction=up'))).toEqual({
      nodes: [
        [column(end, 'total'), 'live', 0, undefined],
        [column(mid, 'sum'), 'live', 1, undefined],
        [column(raw, 'a'), 'unknown', 2, undefined],
        [column(raw, 'b'), 'unknown', 2, undefined],
      ],
      edges: [
        [column(mid, 'sum'), column(end, 'total')],
        [column(raw, 'a'), column(mid, 'sum')],
        [column(raw, 'b'), column(mid, 'sum')],
      ],
    });
  });

  test('stand on the edges of their tables; a table that only columns name is an edge', async () => {
    const { edges } = await lineageOf(end, 'direction=up&columns=true');
    expect(edges.map(({ from, to, columns }) => ({ from, to, columns }))).toEqual([
      { from: mid, to: end, columns: [{ from: [column(mid, 'sum')], to: [column(end, 'total')] }] },
      {
        ...{ from: raw, to: mid },
        columns: [
          { from: [column(raw, 'a'), column(raw, 'b')], to: [column(mid, 'sum')], operation: 'a + b' },
        ],
      },
    ]);
  });
});

test('at every position it was what a plain walk over the statements of then says', {
  timeout: 60_000,
}, async () => {
  const names = ['t0', 't1', 't2', 't3', 't4'].map((name) => urn(name, 'times'));
  const anyStatement = fc.record({
    of: fc.constantFrom(...names),
    from: fc.option(fc.subarray(names), { nil: null, freq: 4 }),
  });
  const statements: Statement[] = fc.sample(anyStatement, { numRuns: 40, seed: 7 });
  const positions = await served.put(
    ...statements.map(({ of, from }) => (from === null ? { urn: of, change: 'DELETE' } : made(of, from))),
  );
  const { json: log } = await served.call('GET', '/v1/events?limit=1000');
  const times = new Map<string, number>(
    log.items.map(({ position, time }: { position: string; time: number }) => [position, time]),
  );
  /** A position is exact in its partition; in others goes what was there at its time. */
  const isBefore = (one: string, moment: string): boolean => {
    const [, partition, offset] = one.split('-').map(Number);
    const [, of, until] = moment.split('-').map(Number);
    return partition === of ? offset! <= until! : times.get(one)! <= times.get(moment)!;
  };
  const aWalk = fc.record({
    moment: fc.constantFrom(...positions),
    of: fc.constantFrom(...names),
    depth: fc.integer({ min: 1, max: 5 }),
  });
  for (const { moment, of, depth } of fc.sample(aWalk, { numRuns: 60, seed: 8 })) {
    const past = statements.filter((_, at) => isBefore(positions[at]!, moment));
    const expected = plainLineage(past, of, depth);
    const asked = `/v1/entities/${encodeURIComponent(of)}/lineage?depth=${depth}&as-of=@${moment}`;
    const { status, json } = await served.call('GET', asked);
    if (expected === undefined) expect(status, asked).toBe(404);
    else expect(shown(json), asked).toEqual(shown(expected));
  }
});
