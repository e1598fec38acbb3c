import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { sqliteReadModel } from '../../src/adapters/sqlite/read-model.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { ModelIndex } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import { freeClaims } from '../../src/streams/claim.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';

// Rebuilds `entities` of a data folder and kills itself at a point: `node crashing-rebuild.ts DIR POINT`. Without such a point
// it ends by itself and says its report.

const [dir = '', point = ''] = process.argv.slice(2);

const at = (reached: string): void => {
  if (reached === point) process.kill(process.pid, 'SIGKILL');
};

const store = folderArchive({ dir });
const sqlite = sqliteReadModel({ dir: `${dir}/read` });
let stores = 0;
const watched = (index: ModelIndex): ModelIndex => ({
  ...index,
  async store(...given) {
    at(`store-${stores}`);
    stores += 1;
    return index.store(...given);
  },
  async refresh() {
    at('refresh');
    await index.refresh();
  },
  async snapshot() {
    at('read-back');
    return index.snapshot();
  },
});
const model: typeof sqlite = {
  ...sqlite,
  async create(...asked) {
    at('create');
    return watched(await sqlite.create(...asked));
  },
  async open(...asked) {
    const index = await sqlite.open(...asked);
    return index === undefined ? undefined : watched(index);
  },
  async swap(...asked) {
    at('swap');
    await sqlite.swap(...asked);
    at('swapped');
  },
};
await freeClaims(store.state, ['entities']);
const decoders = openEventDecoders(store.truth);
const context = { store, model, clock: systemClock, epochs: await readEpochs(store.truth), decoders };
const plan = await planRebuild(context, entities);
const { signal } = new AbortController();
const report = await rebuild(context, entities, plan, crypto.randomUUID(), () => undefined, signal);
await sqlite[Symbol.asyncDispose]();
await store[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify({ ...report, stores }));
