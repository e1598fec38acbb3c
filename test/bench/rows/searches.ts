import { join } from 'node:path';
import { ownProfile } from '../../services/scenarios/own-profile.ts';
import { searchedInFull, searchedInOne, type Told } from '../../services/scenarios/searched-rebuilds.ts';
import type { BenchContext, Figure, Row } from '../row.ts';

const tables = (quick: boolean): number => (quick ? 2_000 : 20_000);
const failureMs = 1_000;

/** Of so many that at most one of a hundred took longer. */
function p99(tookMs: readonly number[]): number {
  const sorted = tookMs.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? Number.NaN;
}

function figures(engine: string, { phases, written }: Told): Figure[] {
  const idle = p99(phases.get('idle')!.tookMs);
  const busy = [...phases].filter(([phase]) => phase !== 'idle').map(([, searched]) => searched);
  const took = busy.flatMap(({ tookMs }) => tookMs);
  const failed = busy.reduce((sum, one) => sum + one.failed.length + one.empty.length, 0);
  const worst = [...phases].map(([phase, { tookMs }]) => `${phase} ${Math.round(p99(tookMs))}`);
  return [
    {
      what: `${engine}: p99 through all of it`,
      measured: `${Math.round(p99(took))} ms of ${took.length} searches, ${written} events written`,
      beside: `idle ${Math.round(idle)} ms`,
      ratio: p99(took) / idle,
      target: '≤ 5',
    },
    { what: `${engine}: p99 by phase`, measured: `${worst.join(', ')} ms` },
    { what: `${engine}: failed or empty`, measured: `${failed}`, target: '0' },
    {
      what: `${engine}: over 1 s`,
      measured: `${took.filter((ms) => ms > failureMs).length}; the longest ${Math.round(Math.max(...took))} ms`,
      target: '0',
    },
  ];
}

async function onServers({ quick, server }: BenchContext): Promise<Told> {
  const servers = {
    kafkaBrokers: [await server('kafka')],
    schemaRegistryUrl: await server('registry'),
    blobConnectionString: await server('azurite'),
    elasticsearchUrl: await server('elasticsearch'),
  };
  await using profile = await ownProfile({}, servers);
  return searchedInFull(profile, tables(quick), { isWarmed: !quick, idleSearches: quick ? 100 : 500 });
}

export const searches: Row = {
  name: 'searches',
  about:
    '50 searches a second while `entities` is rebuilt, killed, gone on with, swapped and taken back, and events are written',
  async run(context: BenchContext) {
    const { quick, folder, side } = context;
    const sides: Readonly<Record<string, () => Promise<Figure[]>>> = {
      elasticsearch: async () => figures('Elasticsearch', await onServers(context)),
      sqlite: async () =>
        figures('SQLite, one process', await searchedInOne(join(folder, 'searches'), tables(quick))),
    };
    if (side !== undefined && !Object.hasOwn(sides, side)) throw new RangeError(`--side ${side}`);
    const told: Figure[] = [];
    for (const [name, figuresOf] of Object.entries(sides))
      if (side === undefined || side === name) told.push(...(await figuresOf()));
    return told;
  },
};
