import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Fault } from '../../domain/fault.ts';
import type { Document, LaneProgress, ModelDefinition, StoreReport } from '../../ports/read-model.ts';
import { type SearchValue, searchValues, stubOf } from '../../ports/search-values.ts';
import { type PackedChanges, unpack } from './messages.ts';
import { ftsText } from './search-word.ts';
import { columnsOf, inTransaction } from './tables.ts';

export interface IndexWriter {
  store(changes: PackedChanges, versionMax: number): StoreReport;
  saveProgress(lanes: readonly LaneProgress[]): void;
  close(): void;
}

/** Writes one index; each call is one transaction. */
export function indexWriter(db: DatabaseSync, name: string, definition: ModelDefinition): IndexWriter {
  const write = documentWriter(db, definition);
  const stored = db.prepare('SELECT version, body FROM docs JOIN bodies USING (doc) WHERE id = ?');
  const saveLane = db.prepare(`INSERT INTO lanes VALUES (?, ?, ?, ?) ON CONFLICT (epoch, partition)
    DO UPDATE SET next = excluded.next, time_max = excluded.time_max WHERE excluded.next > next`);

  function checkStale(document: Document, versionMax: number): void {
    const row = stored.get(document.id)!;
    const version = Number(row.version);
    const body = row.body;
    const differs =
      version === document.version &&
      (!(body instanceof Uint8Array) || Buffer.compare(body, document.body) !== 0);
    if (version <= versionMax && !differs) return;
    throw new Fault('VERSION_AHEAD', {
      index: name,
      id: document.id,
      stored: version,
      given: document.version,
      versionMax,
      ...(differs ? { bytes: 'differ' } : {}),
    });
  }

  return {
    store(changes, versionMax) {
      const unindexable: { id: string; reason: string }[] = [];
      let applied = 0;
      inTransaction(db, 'BEGIN IMMEDIATE', () => {
        write.begin();
        unpack(changes).forEach((packed, index) => {
          const search = changes.search[index]!;
          const values = search === null ? null : searchValues(definition.fields, search);
          const refused = typeof values === 'string' ? values : undefined;
          if (refused !== undefined) unindexable.push({ id: packed.id, reason: refused });
          const document: Document =
            refused === undefined ? { ...packed, search } : stubOf({ ...packed, search }, refused);
          if (write.document(document, typeof values === 'string' ? null : values)) applied += 1;
          else checkStale(document, versionMax);
        });
      });
      return { applied, stale: changes.ids.length - applied, unindexable };
    },
    saveProgress(lanes) {
      inTransaction(db, 'BEGIN IMMEDIATE', () => {
        for (const { epoch, partition, next, timeMax } of lanes)
          saveLane.run(epoch, partition, next, timeMax);
      });
    },
    close: () => db.close(),
  };
}

interface DocumentWriter {
  /** Once per transaction, before the first document. */
  begin(): void;
  /** Writes the document unless the same or a higher version stands there: then false. */
  document(document: Document, values: readonly SearchValue[] | null): boolean;
}

function documentWriter(db: DatabaseSync, definition: ModelDefinition): DocumentWriter {
  const columns = columnsOf(definition);
  const inDocs = columns.filter(({ kind }) => kind !== 'words');
  const names = ['id', 'version', 'visible', ...inDocs.map(({ column }) => column)];
  const upsert =
    db.prepare(`INSERT INTO docs (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${names
      .slice(1)
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}
    WHERE excluded.version > version RETURNING doc`);
  upsert.setReturnArrays(true);
  const body = db.prepare('INSERT OR REPLACE INTO bodies VALUES (?, ?)');
  const terms = termWriter(db, definition);
  const words = wordWriter(db, definition);
  const last = db.prepare('SELECT max(doc) AS doc FROM docs');
  let docMax = 0;

  return {
    begin() {
      docMax = Number(last.get()?.doc ?? 0);
    },
    document(document, values) {
      const row: SQLInputValue[] = [document.id, document.version, values === null ? 0 : 1];
      for (const { number } of inDocs) {
        const value = values?.[number] ?? null;
        row.push(typeof value === 'object' ? null : value);
      }
      const written = upsert.get(...row) as unknown[] | undefined;
      if (written === undefined) return false;
      const doc = Number(written[0]);
      // Documents are never deleted, so a number above all others is a new document with nothing to take out.
      const isNew = doc > docMax;
      if (isNew) docMax = doc;
      body.run(doc, document.body);
      terms(doc, isNew, values);
      words(doc, isNew, values);
      return true;
    },
  };
}

type ValueWriter = (doc: number, isNew: boolean, values: readonly SearchValue[] | null) => void;

function termWriter(db: DatabaseSync, definition: ModelDefinition): ValueWriter {
  const keywords = columnsOf(definition).filter(({ kind }) => kind === 'keyword');
  const remove = db.prepare('DELETE FROM terms WHERE doc = ?');
  const insert = db.prepare('INSERT INTO terms VALUES (?, ?, ?)');
  return (doc, isNew, values) => {
    if (!isNew && keywords.length > 0) remove.run(doc);
    if (values === null) return;
    for (const { number } of keywords) {
      const value = values[number]!;
      if (typeof value === 'object') for (const one of value ?? []) insert.run(number, one, doc);
    }
  };
}

function wordWriter(db: DatabaseSync, definition: ModelDefinition): ValueWriter {
  const columns = columnsOf(definition).filter(({ kind }) => kind === 'words');
  if (columns.length === 0) return () => {};
  // node:sqlite binds every number as a float, and FTS5 takes only an integer for a rowid.
  const remove = db.prepare('DELETE FROM words WHERE rowid = CAST(? AS INTEGER)');
  const insert = db.prepare(`INSERT INTO words (rowid, ${columns.map(({ column }) => column).join(', ')})
    VALUES (CAST(? AS INTEGER), ${columns.map(() => '?').join(', ')})`);
  return (doc, isNew, values) => {
    if (!isNew) remove.run(doc);
    if (values === null) return;
    const texts = columns.map(({ number }) => {
      const value = values[number]!;
      return value === null || typeof value === 'number' ? null : ftsText(value);
    });
    if (texts.some((text) => text !== null)) insert.run(doc, ...texts);
  };
}
