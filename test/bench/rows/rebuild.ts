import { azureBlobArchive } from '../../../src/adapters/azure-blob/archive-store.ts';
import { fillArchive } from '../data.ts';
import { alternating, mebibytes, medianRatio, perSecond, seconds } from '../measure.ts';
import { told } from '../processes.ts';
import type { BenchContext, Row } from '../row.ts';

export interface Rebuilt {
  readonly events: number;
  readonly documents: number;
  readonly root: string;
  readonly seconds: number;
  readonly foldSeconds: number;
  readonly readBackSeconds: number;
  readonly hashSeconds: number;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}
type Plain = Pick<Rebuilt, 'events' | 'documents' | 'seconds' | 'cpuSeconds' | 'rssMiB'>;

/** An archive of the row's own, and what its processes need to know. */
export async function archived(
  { events, server }: BenchContext,
  projection: string,
): Promise<Readonly<Record<string, string>>> {
  const connectionString = await server('azurite');
  const prefix = `bench-${projection}`;
  await using store = azureBlobArchive({ connectionString, prefix });
  await fillArchive(store, events);
  return {
    BENCH_BLOB: connectionString,
    BENCH_PREFIX: prefix,
    BENCH_PROJECTION: projection,
    BENCH_ELASTICSEARCH: await server('elasticsearch'),
  };
}

export const rebuildOnce = (env: Readonly<Record<string, string>>): Promise<Rebuilt> =>
  told<Rebuilt>('test/bench/rebuild-once.ts', env, 'server');

async function plainOnce(env: Readonly<Record<string, string>>): Promise<Plain> {
  const index = 'bench-plain';
  const done = await told<Plain>('test/bench/peers/plain-rebuild.ts', { ...env, BENCH_INDEX: index });
  await fetch(`${env.BENCH_ELASTICSEARCH}/${index}`, { method: 'DELETE' });
  return done;
}

export const rebuild: Row = {
  name: 'rebuild',
  about:
    '`entities` from Azure Blob into Elasticsearch, proof included, beside a plain script of the same job',
  async run(context) {
    const env = await archived(context, 'entities');
    // The first round warms the engine and is not counted.
    const { a, b } = await alternating(
      context.rounds + 1,
      () => rebuildOnce(env),
      () => plainOnce(env),
    );
    const [ours, plain] = [a.slice(1), b.slice(1)];
    if (ours.some(({ documents }, round) => documents !== plain[round]!.documents))
      throw new Error('the plain script made another number of documents');
    const rates = (runs: readonly Plain[]): number[] => runs.map((run) => run.events / run.seconds);
    const withoutProof = ours.map(
      (run) => run.events / (run.seconds - run.readBackSeconds - run.hashSeconds),
    );
    const of = (runs: readonly Rebuilt[], what: keyof Rebuilt): number[] =>
      runs.map((run) => Number(run[what]));
    return [
      {
        what: 'rebuild of entities',
        measured: `${perSecond(rates(ours))} events`,
        beside: `plain script ${perSecond(rates(plain))}`,
        ratio: medianRatio(rates(ours), rates(plain)),
        target: '≥ 1.5',
      },
      {
        what: 'the same without its proof',
        measured: `${perSecond(withoutProof)} events`,
        beside: `plain script ${perSecond(rates(plain))}`,
        ratio: medianRatio(withoutProof, rates(plain)),
      },
      { what: 'proof: reading back and comparing', measured: seconds(of(ours, 'readBackSeconds')) },
      { what: 'proof: hashing in the fold', measured: seconds(of(ours, 'hashSeconds')) },
      {
        what: 'CPU of the process, the engine not counted',
        measured: seconds(of(ours, 'cpuSeconds')),
        beside: `plain script ${seconds(plain.map(({ cpuSeconds }) => cpuSeconds))}`,
      },
      {
        what: 'peak RSS',
        measured: mebibytes(of(ours, 'rssMiB')),
        beside: `plain script ${mebibytes(plain.map(({ rssMiB }) => rssMiB))}`,
        target: '≤ 512 MiB',
      },
    ];
  },
};
