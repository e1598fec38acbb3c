import { join } from 'node:path';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { eventSchemaSha256, eventSchemaText } from '../../../src/formats/event.ts';
import { formatSkey, parseSkey } from '../../../src/formats/note-key.ts';
import { schemaName } from '../../../src/streams/archive-names.ts';
import { completeLane, lanesOf } from '../../../src/streams/complete.ts';
import { readEpochs } from '../../../src/streams/epochs.ts';
import { repairArchive } from '../../../src/streams/repair-archive.ts';
import { keepVkey } from '../../../src/streams/tree-signing.ts';
import { verifyArchive } from '../../../src/streams/verify-archive.ts';
import { fillArchive } from '../data.ts';
import { alternating, mebibytes, medianRatio, perSecond } from '../measure.ts';
import { root, told } from '../processes.ts';
import type { Row } from '../row.ts';

interface Once {
  readonly events: number;
  readonly seconds: number;
  readonly rssMiB: number;
}

/** An archive with trees and checkpoints, in a folder. */
async function whole(dir: string, events: number): Promise<void> {
  await using store = folderArchive({ dir });
  await fillArchive(store, events);
  const epochs = await readEpochs(store.truth);
  const signer = parseSkey(formatSkey('bench', Buffer.alloc(32, 1)));
  await keepVkey(store.truth, signer);
  for (const lane of lanesOf(epochs))
    await completeLane({ store, clock: systemClock, log: epochs[0]!.log, signer }, lane);
  await store.truth.create(schemaName(eventSchemaSha256), Buffer.from(eventSchemaText));
  const options = { store, clock: systemClock, deep: false, keys: [], kept: [] };
  await repairArchive({ store, clock: systemClock, report: await verifyArchive(options) });
}

export const verify: Row = {
  name: 'verify',
  about: '`archive verify --deep` of a folder, beside reading its segments and hashing every record',
  async run({ events, rounds, folder }) {
    const dir = join(folder, 'verify');
    // As the command has it, for its threads.
    const compiled = join(root, 'node_modules', '.cache', 'annal');
    await whole(dir, events);
    const once = (env: Readonly<Record<string, string>>): Promise<Once> =>
      told<Once>('test/bench/verify-once.ts', { BENCH_FOLDER: dir, NODE_COMPILE_CACHE: compiled, ...env });
    const { a, b } = await alternating(
      rounds,
      () => once({}),
      () => once({ BENCH_HASH_ONLY: '1' }),
    );
    if (a[0]!.events !== b[0]!.events) throw new Error('other records were read');
    const rates = (runs: readonly Once[]): number[] => runs.map((run) => run.events / run.seconds);
    return [
      {
        what: 'archive verify --deep',
        measured: `${perSecond(rates(a))} records`,
        beside: `read and hashed ${perSecond(rates(b))}`,
        ratio: medianRatio(rates(a), rates(b)),
        target: '≥ 0.5',
      },
      { what: 'its peak RSS', measured: mebibytes(a.map(({ rssMiB }) => rssMiB)), target: '≤ 512 MiB' },
    ];
  },
};
