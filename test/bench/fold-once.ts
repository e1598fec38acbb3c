// One fold of an archive in a folder into the documents of `entities`, which go nowhere, in a process of its own. Prints one
// JSON line.
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { entities } from '../../src/projections/entities.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { foldHistory } from '../../src/streams/fold-history.ts';
import { archiveCut } from '../../src/streams/history-cut.ts';

const { BENCH_FOLDER = '', BENCH_WINDOW_BYTES = '' } = process.env;
const store = folderArchive({ dir: BENCH_FOLDER });
const started = performance.now();
const epochs = await readEpochs(store.truth);
const until = await archiveCut(store, epochs);
const history = { store, epochs, until, decoders: openEventDecoders(store.truth) };
const total = until.next.reduce((sum, next) => sum + next, 0);
const counts = { records: 0, outcomes: {} };
const windowBytes = BENCH_WINDOW_BYTES === '' ? undefined : Number(BENCH_WINDOW_BYTES);
/** When each tenth of the records was folded. */
const tenths: number[] = [];
let documents = 0;
for await (const batch of foldHistory(entities, history, counts, undefined, windowBytes)) {
  documents += batch.length;
  while (counts.records >= ((tenths.length + 1) * total) / 10) tenths.push(performance.now() - started);
}
const seconds = (performance.now() - started) / 1_000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    ...{ events: counts.records, documents, seconds },
    // The first tenth holds the start of the process, the second does not.
    lastTenthToSecond: (tenths[1]! - tenths[0]!) / (tenths[9]! - tenths[8]!),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    rssMiB: maxRSS / 1_024,
  }),
);
