import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { LaneProgress, ModelDefinition, Query } from '../../ports/read-model.ts';
import { type PackedDocuments, type PackedPage, pack } from './messages.ts';
import { type Sql, searchSql } from './search-sql.ts';
import { inTransaction } from './tables.ts';

export interface IndexReader {
  readonly definition: ModelDefinition;
  load(ids: readonly string[]): PackedDocuments;
  progress(): LaneProgress[];
  query(query: Query): PackedPage;
  counts(): { readonly documents: number; readonly unindexable: number };
  close(): void;
}

const statementsMax = 64;

/** Reads one index; what a writer committed before a call is seen by it. */
export function indexReader(db: DatabaseSync, definition: ModelDefinition): IndexReader {
  db.exec('PRAGMA query_only = ON');
  const byId = db.prepare('SELECT id, version, body FROM docs JOIN bodies USING (doc) WHERE id = ?');
  const bodyOf = db.prepare('SELECT body FROM bodies WHERE doc = ?');
  const count = db.prepare('SELECT count(*) AS documents FROM docs');
  const unsearchable = db.prepare('SELECT count(*) AS documents FROM docs WHERE unindexable IS NOT NULL');
  const prepared = new Map<string, StatementSync>();

  function all({ text, parameters }: Sql): Record<string, unknown>[] {
    const statement = prepared.get(text) ?? db.prepare(text);
    prepared.delete(text);
    prepared.set(text, statement);
    if (prepared.size > statementsMax) prepared.delete(prepared.keys().next().value!);
    return statement.all(...(parameters as SQLInputValue[]));
  }

  return {
    definition,
    load: (ids) =>
      pack(
        inTransaction(db, 'BEGIN', () =>
          [...new Set(ids)].flatMap((id) => {
            const row = byId.get(id);
            return row === undefined ? [] : [storedRow(row)];
          }),
        ),
      ),
    progress: () => readLanes(db),
    query: (query) =>
      inTransaction(db, 'BEGIN', () => {
        const { page, count } = searchSql(definition, query);
        const rows = all(page);
        const hits = rows.map((row) => storedRow({ ...row, ...bodyOf.get(row.doc as number) }));
        return {
          ...pack(hits),
          sortValues: rows.map((row) => query.sort.map((_, n) => row[`s${n}`] as string | number)),
          // A page that is not full, and the first, holds all there is.
          total:
            query.after === undefined && rows.length < query.limit
              ? rows.length
              : Number(all(count)[0]!.total),
        };
      }),
    counts: () => ({
      documents: Number(count.get()!.documents),
      unindexable: Number(unsearchable.get()!.documents),
    }),
    close: () => db.close(),
  };
}

export const readLanes = (db: DatabaseSync): LaneProgress[] =>
  db
    .prepare('SELECT epoch, partition, next, time_max FROM lanes ORDER BY epoch, partition')
    .all()
    .map((row) => ({
      epoch: Number(row.epoch),
      partition: Number(row.partition),
      next: Number(row.next),
      timeMax: Number(row.time_max),
    }));

const scanDocumentsMax = 2_000;
const scanBytesMax = 4 * 1024 * 1024;

/** Every document of one state of the index, in batches of about 4 MiB, then an empty one. */
export interface IndexScan {
  next(): PackedDocuments;
  close(): void;
}

/**
 * A statement half read, on a connection of its own, holds the state; the write-ahead log cannot shrink meanwhile.
 */
export function indexScan(db: DatabaseSync): IndexScan {
  db.exec('PRAGMA query_only = ON');
  const rows = db
    .prepare('SELECT id, version, body FROM docs JOIN bodies USING (doc) ORDER BY doc')
    .iterate();
  return {
    next() {
      const batch: Stored[] = [];
      for (let bytes = 0; batch.length < scanDocumentsMax && bytes < scanBytesMax; ) {
        const { done, value } = rows.next();
        if (done === true) break;
        const document = storedRow(value);
        batch.push(document);
        bytes += document.body.byteLength;
      }
      return pack(batch);
    },
    close: () => db.close(),
  };
}

export interface Stored {
  readonly id: string;
  readonly version: number;
  readonly body: Uint8Array;
}

export const storedRow = (row: Record<string, unknown>): Stored => ({
  id: row.id as string,
  version: row.version as number,
  body: row.body as Uint8Array,
});
