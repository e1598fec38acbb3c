import type { HeldDocument, IndexSnapshot } from '../../ports/index-snapshot.ts';
import type { ModelDefinition, SearchFields, StoredDocument } from '../../ports/read-model.ts';
import { searchValues } from '../../ports/search-values.ts';
import { digestAt, type FoundBy, foundBy, foundByColumns, unindexableAt } from './found-by.ts';
import { unpack } from './messages.ts';
import { columnsOf } from './tables.ts';
import type { WorkerChannel } from './worker-channel.ts';

/** Few enough that whoever writes is not kept waiting. */
const probesPerCallMax = 250;

let snapshots = 0;

/** Takes a snapshot in a worker that no search waits for. */
export async function takeSnapshot(
  working: WorkerChannel,
  index: string,
  definition: ModelDefinition,
): Promise<IndexSnapshot> {
  const snapshot = ++snapshots;
  const progress = await working.ask('snapshot', { index, snapshot });
  const held = heldIn(definition);
  return {
    progress,
    async *scan() {
      for (let first = true; ; first = false) {
        const packed = await working.ask('held', { index, snapshot, first });
        if (packed.ids.length === 0) return;
        yield unpack(packed).map((document, n) => held(document, packed.foundBy[n]!));
      }
    },
    inspect: () => working.ask('inspect', { index, snapshot }),
    async finds(probes) {
      const found: boolean[] = [];
      for (let from = 0; from < probes.length; from += probesPerCallMax) {
        const part = probes.slice(from, from + probesPerCallMax);
        found.push(...(await working.ask('finds', { index, snapshot, probes: part })));
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await working.ask('endSnapshot', { snapshot });
    },
  };
}

type Row = FoundBy['row'];

function heldIn(definition: ModelDefinition): (document: StoredDocument, row: Row) => HeldDocument {
  const wanted = foundBy(definition);
  const fieldOf = new Map(columnsOf(definition).map(({ column, field }) => [column, field]));
  const columns = foundByColumns(definition);
  const words = columnsOf(definition).find(({ kind }) => kind === 'words')?.field;
  const nameOf = (at: number): string =>
    at === digestAt ? (words ?? 'visible') : (fieldOf.get(columns[at]!) ?? 'visible');
  return (document, row) => ({
    ...document,
    unindexable: row[unindexableAt] === null ? null : String(row[unindexableAt]),
    differsIn(search: SearchFields | null) {
      const values = search === null ? null : searchValues(definition.fields, search);
      const at = wanted(values).row.findIndex((value, n) => n !== unindexableAt && value !== row[n]);
      return at < 0 ? undefined : nameOf(at);
    },
  });
}
