import { join } from 'node:path';
import { elasticsearchReadModel } from '../../../src/adapters/elasticsearch/read-model.ts';
import { sqliteReadModel } from '../../../src/adapters/sqlite/read-model.ts';
import { walkLineage } from '../../../src/apps/api/lineage.ts';
import type { EntityState } from '../../../src/domain/entity-state.ts';
import type { ModelIndex, ReadModel } from '../../../src/ports/read-model.ts';
import { edges } from '../../../src/projections/edges.ts';
import { foldBatch } from '../../../src/projections/fold-batch.ts';
import type { Direction } from '../../../src/projections/lineage-queries.ts';
import { anEvent } from '../../given/events.ts';
import { eventsRead } from '../../given/fold.ts';
import type { BenchContext, Figure, Row } from '../row.ts';

const nodes = (quick: boolean): number => (quick ? 500 : 10_000);
const walks = (quick: boolean): number => (quick ? 5 : 40);
const depth = 5;
const perStore = 1_000;
/** From the first table all others are within five steps: 6 + 36 + … + 6⁵ = 9,330. */
const madeFromEach = 6;

const table = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,lake.layer.table_${n},PROD)`;
const column = (n: number, of: string): string => `urn:li:schemaField:(${table(n)},${of})`;

/** Each table but the first is made from one before it and from a neighbour, column by column; twice, so that there is a past. */
function lineageOf(n: number): object {
  const from = [Math.floor((n - 1) / madeFromEach), n - 1];
  return {
    upstreams: from.map((one) => ({ dataset: table(one), type: 'TRANSFORMED' })),
    fineGrainedLineages: ['id', 'amount', 'day'].map((of) => ({
      ...{ upstreamType: 'FIELD_SET', downstreamType: 'FIELD', transformOperation: 'IDENTITY' },
      ...{ upstreams: from.map((one) => column(one, of)), downstreams: [column(n, of)] },
    })),
  };
}

/** An index that serves, filled as lanes fill it. */
async function filled(model: ReadModel, count: number): Promise<ModelIndex> {
  const index = await model.create(edges.definition, 'bench');
  await model.swap('edges', null, index.name);
  const events = Array.from({ length: 2 * count }, (_, at) => {
    const n = at % count;
    return n === 0
      ? anEvent({ n: at, urn: table(0) })
      : anEvent({ n: at, urn: table(n), aspect: 'upstreamLineage', value: lineageOf(n) });
  });
  const states = new Map<string, EntityState>();
  const reads = eventsRead(events);
  for (let at = 0; at < reads.length; at += perStore) {
    const folded = foldBatch(edges, states, reads.slice(at, at + perStore));
    await index.store([...folded.documents, ...folded.states], Number.MAX_SAFE_INTEGER);
  }
  await index.refresh();
  return index;
}

interface Walked {
  readonly tookMs: number[];
  readonly nodes: number[];
}

/** Walks from one table, or from another one each time. */
async function walked(
  index: ModelIndex,
  times: number,
  direction: Direction,
  from: (nth: number) => string,
): Promise<Walked> {
  const told: Walked = { tookMs: [], nodes: [] };
  for (let nth = 0; nth < times; nth += 1) {
    const before = performance.now();
    const lineage = await walkLineage(index, {
      ...{ urn: from(nth), directions: [direction], depth, nodesMax: 10_000, columns: false },
      ...{ moment: undefined, isExact: () => false, readable: 'all' },
    });
    const text = JSON.stringify(lineage);
    told.tookMs.push(performance.now() - before);
    if (lineage.truncated || text.length === 0) throw new Error('a walk that is not whole');
    told.nodes.push(lineage.nodes.length);
  }
  return told;
}

function figure(what: string, { tookMs, nodes: reached }: Walked): Figure {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1]!;
  const most = Math.max(...reached).toLocaleString('en-US');
  return {
    what,
    measured: `${Math.round(p95)} ms, half of them ${Math.round(sorted[sorted.length >> 1]!)} ms; up to ${most} nodes`,
    target: '≤ 200 ms',
  };
}

async function figures(engine: string, model: ReadModel, quick: boolean): Promise<Figure[]> {
  const count = nodes(quick);
  const index = await filled(model, count);
  const times = walks(quick);
  const some = (nth: number): string => table(1 + ((nth * 7_919) % (count - 1)));
  await walked(index, 2, 'down', some);
  return [
    figure(`${engine}: up from any, p95`, await walked(index, times, 'up', some)),
    figure(`${engine}: down from any, p95`, await walked(index, times, 'down', some)),
    figure(
      `${engine}: a column, up, p95`,
      await walked(index, times, 'up', (nth) => column(1 + ((nth * 7_919) % (count - 1)), 'amount')),
    ),
    figure(`${engine}: down to nearly all, p95`, await walked(index, times, 'down', () => table(0))),
  ];
}

export const lineage: Row = {
  name: 'lineage',
  about: `lineage of depth ${depth} in a graph of 10,000 tables, each made from two others, as the API walks it`,
  async run({ quick, folder, server }: BenchContext) {
    await using sqlite = sqliteReadModel({ dir: join(folder, 'lineage') });
    const embedded = await figures('SQLite', sqlite, quick);
    const url = await server('elasticsearch');
    await using elasticsearch = elasticsearchReadModel({ url, prefix: 'annal-lineage' });
    return [...embedded, ...(await figures('Elasticsearch', elasticsearch, quick))];
  },
};
