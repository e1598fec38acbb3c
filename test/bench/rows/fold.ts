import { join } from 'node:path';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { fillArchive } from '../data.ts';
import { alternating, mebibytes, median, perSecond } from '../measure.ts';
import { told } from '../processes.ts';
import type { Row } from '../row.ts';

interface Once {
  readonly events: number;
  readonly documents: number;
  readonly seconds: number;
  readonly lastTenthToSecond: number;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

/** So small a window that each partition is shared out into buckets. */
const smallWindowBytes = 8 * 1024 * 1024;

export const fold: Row = {
  name: 'fold',
  about:
    '`entities` folded from a folder into documents that go nowhere: within windows, and shared out by key first',
  async run({ events, rounds, folder }) {
    const dir = join(folder, 'fold');
    await using store = folderArchive({ dir });
    await fillArchive(store, events);
    const once = (env: Readonly<Record<string, string>>): Promise<Once> =>
      told<Once>('test/bench/fold-once.ts', { BENCH_FOLDER: dir, ...env }, 'server');
    const { a, b } = await alternating(
      rounds,
      () => once({}),
      () => once({ BENCH_WINDOW_BYTES: String(smallWindowBytes) }),
    );
    if (a[0]!.documents !== b[0]!.documents) throw new Error('another number of documents');
    const rates = (runs: readonly Once[]): number[] => runs.map((run) => run.events / run.seconds);
    const tenths = (runs: readonly Once[]): string =>
      median(runs.map((run) => run.lastTenthToSecond)).toFixed(2);
    return [
      { what: 'within windows of 64 MiB', measured: `${perSecond(rates(a))} events`, target: '≥ 250k/s' },
      { what: 'its last tenth to its second', measured: tenths(a), target: '≥ 0.9' },
      { what: 'its peak RSS', measured: mebibytes(a.map(({ rssMiB }) => rssMiB)) },
      { what: 'shared out by key first', measured: `${perSecond(rates(b))} events`, target: '≥ 80k/s' },
      { what: 'its last tenth to its second', measured: tenths(b), target: '≥ 0.9' },
      { what: 'its peak RSS', measured: mebibytes(b.map(({ rssMiB }) => rssMiB)), target: '≤ 1 GiB' },
    ];
  },
};
