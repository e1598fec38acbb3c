import { resolve } from 'node:path';
import { checkedQuery } from '../../ports/checked-query.ts';
import type {
  Document,
  ModelDefinition,
  ModelIndex,
  ReadModel,
  StoredDocument,
  TextDocument,
} from '../../ports/read-model.ts';
import { indexName } from '../../ports/search-values.ts';
import { takeSnapshot } from './index-snapshot.ts';
import { type PackedChanges, pack, unpack } from './messages.ts';
import { type WorkerChannel, workerChannel } from './worker-channel.ts';

const idsPerCallMax = 1_000;

/**
 * Read models in a folder: one SQLite file per index and `serving.sqlite`, which says what serves. One process at a time
 * may own the folder. SQLite blocks its thread, so one worker writes and another answers: who asks never waits for a long
 * write, and sees it once its transaction is on disk (write-ahead log, synchronous=FULL). Whoever reads all of an index does so
 * beside what is written, batch by batch: whoever writes can wait for one, and nobody who searches does.
 */
export function sqliteReadModel({ dir }: { readonly dir: string }): ReadModel {
  const place = resolve(dir);
  const writing = workerChannel(place);
  const reading = workerChannel(place);
  const index = (name: string, definition: ModelDefinition): ModelIndex =>
    sqliteIndex(writing, reading, name, definition);
  return {
    place,
    async create(definition, suffix) {
      indexName(definition, suffix);
      return index(await writing.ask('create', { definition, suffix }), definition);
    },
    async serving({ projection }) {
      const found = await reading.ask('serving', { projection });
      return found === null ? undefined : index(found.name, found.definition);
    },
    async open(name, { projection }) {
      const definition = await reading.ask('open', { index: name });
      return definition?.projection === projection ? index(name, definition) : undefined;
    },
    async swap(projection, from, to) {
      await writing.ask('swap', { projection, from, to });
    },
    async drop(name) {
      await writing.ask('drop', { index: name });
      await reading.ask('forget', { index: name });
    },
    list: () => reading.ask('list', null),
    async [Symbol.asyncDispose]() {
      await reading.close();
      await writing.close();
    },
  };
}

let scans = 0;

function sqliteIndex(
  writing: WorkerChannel,
  reading: WorkerChannel,
  name: string,
  definition: ModelDefinition,
): ModelIndex {
  return {
    name,
    definition,
    async load(ids) {
      const found = new Map<string, StoredDocument>();
      for (let from = 0; from < ids.length; from += idsPerCallMax) {
        const packed = await reading.ask('load', { index: name, ids: ids.slice(from, from + idsPerCallMax) });
        for (const document of unpack(packed)) found.set(document.id, document);
      }
      return found;
    },
    async store(documents, versionMax) {
      if (documents.length === 0) return { applied: 0, stale: 0, unindexable: [] };
      const changes = packChanges(documents);
      return writing.ask('store', { index: name, changes, versionMax }, [changes.bodies]);
    },
    async repair(documents, removed) {
      const changes = packChanges(documents);
      return writing.ask('repair', { index: name, changes, removed }, [changes.bodies]);
    },
    progress: () => reading.ask('progress', { index: name }),
    visible: () => reading.ask('progress', { index: name }),
    async saveProgress(lanes) {
      await writing.ask('saveProgress', { index: name, lanes });
    },
    // A commit is visible and durable at once; what may be missing are the indexes by field.
    async refresh() {
      await writing.ask('refresh', { index: name });
    },
    async query(query) {
      const page = await reading.ask('query', { index: name, query: checkedQuery(definition, query) });
      const hits = unpack(page).map((hit, n) => ({ ...hit, sortValues: page.sortValues[n]! }));
      return { hits, total: page.total };
    },
    async *scan() {
      const scan = ++scans;
      try {
        for (;;) {
          const batch = unpack(await writing.ask('scan', { index: name, scan }));
          if (batch.length === 0) return;
          yield batch;
        }
      } finally {
        await writing.ask('endScan', { scan });
      }
    },
    snapshot: () => takeSnapshot(writing, name, definition),
  };
}

const packChanges = (documents: readonly (Document | TextDocument)[]): PackedChanges => ({
  ...pack(documents),
  search: documents.map((document) =>
    'searchText' in document ? document.searchText.toString() : document.search,
  ),
});
