import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Fault } from '../../domain/fault.ts';
import type {
  Document,
  LaneProgress,
  ModelDefinition,
  SearchFields,
  StoreReport,
  Unsearchable,
} from '../../ports/read-model.ts';
import { type SearchValue, searchValues, type Unindexable } from '../../ports/search-values.ts';
import { digestAt, foundBy, foundByColumns } from './found-by.ts';
import { type PackedChanges, unpack } from './messages.ts';
import { columnsOf, inTransaction, makeFieldIndexes } from './tables.ts';

export interface IndexWriter {
  store(changes: PackedChanges, versionMax: number): StoreReport;
  repair(changes: PackedChanges, removed: readonly string[]): StoreReport;
  saveProgress(lanes: readonly LaneProgress[]): void;
  /** Makes it fit for searching; quick when it is already. */
  finish(): void;
  close(): void;
}

/** Writes one index; each call is one transaction. */
export function indexWriter(db: DatabaseSync, name: string, definition: ModelDefinition): IndexWriter {
  const write = documentWriter(db, definition);
  let finished = false;
  const bodyOf = db.prepare('SELECT body FROM bodies WHERE doc = ?');
  const saveLane = db.prepare(`INSERT INTO lanes VALUES (?, ?, ?, ?) ON CONFLICT (epoch, partition)
    DO UPDATE SET next = excluded.next, time_max = excluded.time_max WHERE excluded.next > next`);

  function checkStale(given: Document, { doc, version }: Standing, versionMax: number): void {
    const body = version === given.version ? bodyOf.get(doc)?.body : undefined;
    const differs = body instanceof Uint8Array && Buffer.compare(body, given.body) !== 0;
    if (version <= versionMax && !differs) return;
    throw new Fault('VERSION_AHEAD', {
      index: name,
      id: given.id,
      stored: version,
      given: given.version,
      versionMax,
      ...(differs ? { bytes: 'differ' } : {}),
    });
  }

  /** Writes in one transaction, after `before`; `kept` judges what is kept out by what stands. */
  function stored(
    changes: PackedChanges,
    kept: (document: Document, standing: Standing) => void,
    before: () => void = () => undefined,
  ): StoreReport {
    const unindexable: Unsearchable[] = [];
    let applied = 0;
    inTransaction(db, 'BEGIN IMMEDIATE', () => {
      before();
      write.begin();
      unpack(changes).forEach((packed, index) => {
        const given = changes.search[index]!;
        const search = typeof given === 'string' ? (JSON.parse(given) as SearchFields) : given;
        const document: Document = { ...packed, search };
        const values = search === null ? null : searchValues(definition.fields, search);
        if (typeof values === 'string') unindexable.push({ id: document.id, reason: values });
        const standing = write.document(document, values);
        if (standing === undefined) applied += 1;
        else kept(document, standing);
      });
    });
    return { applied, stale: changes.ids.length - applied, unindexable };
  }

  return {
    store: (changes, versionMax) =>
      stored(changes, (document, standing) => checkStale(document, standing, versionMax)),
    repair: (changes, removed) =>
      stored(changes, neverStands, () => {
        for (const id of [...removed, ...changes.ids]) write.remove(id);
      }),
    saveProgress(lanes) {
      inTransaction(db, 'BEGIN IMMEDIATE', () => {
        for (const { epoch, partition, next, timeMax } of lanes)
          saveLane.run(epoch, partition, next, timeMax);
      });
    },
    finish() {
      if (!finished) makeFieldIndexes(db, definition);
      finished = true;
      // What a load has cached is hardly read again.
      db.exec('PRAGMA shrink_memory');
    },
    close: () => db.close(),
  };
}

function neverStands({ id }: Document): never {
  throw new Error(`${id} was taken away and stands`);
}

/** The document that keeps a given one out. */
interface Standing {
  readonly doc: number;
  readonly version: number;
}

interface DocumentWriter {
  remove(id: string): void;
  /** Once per transaction, before the first document. */
  begin(): void;
  /**
   * Writes the document, hidden unless it has values to be found by; where the same or a higher version stands, gives that
   * and writes nothing.
   */
  document(document: Document, given: readonly SearchValue[] | Unindexable | null): Standing | undefined;
}

function documentWriter(db: DatabaseSync, definition: ModelDefinition): DocumentWriter {
  const made = foundBy(definition);
  const columns = ['version', ...foundByColumns(definition)];
  const insert = db.prepare(
    `INSERT INTO docs (doc, id, ${columns.join(', ')}) VALUES (?, ?${', ?'.repeat(columns.length)})`,
  );
  const update = db.prepare(`UPDATE docs SET ${columns.map((column) => `${column} = ?`).join(', ')}
    WHERE doc = ? AND version < ?`);
  const find = db.prepare('SELECT doc, version, words_digest FROM docs WHERE id = ?');
  const last = db.prepare('SELECT max(doc) AS doc FROM docs');
  const body = db.prepare('INSERT OR REPLACE INTO bodies VALUES (?, ?)');
  const removals = ['bodies', 'docs'].map((table) => db.prepare(`DELETE FROM ${table} WHERE doc = ?`));
  const words = wordWriter(db, definition);
  let docMax = 0;

  return {
    remove(id) {
      const standing = find.get(id);
      if (standing === undefined) return;
      const doc = Number(standing.doc);
      words.write(doc, [], standing.words_digest ?? null, null);
      for (const table of removals) table.run(doc);
    },
    begin() {
      docMax = Number(last.get()?.doc ?? 0);
    },
    document({ id, version, body: bytes }, given) {
      const standing = find.get(id);
      if (standing !== undefined && Number(standing.version) >= version)
        return { doc: Number(standing.doc), version: Number(standing.version) };
      const { row, texts } = made(given);
      const doc = standing === undefined ? docMax + 1 : Number(standing.doc);
      if (standing === undefined) {
        insert.run(doc, id, version, ...row);
        docMax = doc;
      } else update.run(version, ...row, doc, version);
      body.run(doc, bytes);
      words.write(doc, texts, standing?.words_digest ?? null, row[digestAt] ?? null);
      return undefined;
    },
  };
}

interface WordWriter {
  write(
    doc: number,
    texts: readonly (string | null)[],
    digestBefore: SQLInputValue,
    digest: SQLInputValue,
  ): void;
}

function wordWriter(db: DatabaseSync, definition: ModelDefinition): WordWriter {
  const columns = columnsOf(definition).filter(({ kind }) => kind !== 'long');
  if (columns.length === 0) return { write: () => {} };
  // node:sqlite binds every number as a float, and FTS5 takes only an integer for a rowid.
  const remove = db.prepare('DELETE FROM words WHERE rowid = CAST(? AS INTEGER)');
  const insert = db.prepare(`INSERT INTO words (rowid, ${columns.map(({ column }) => column).join(', ')})
    VALUES (CAST(? AS INTEGER)${', ?'.repeat(columns.length)})`);
  return {
    write(doc, texts, digestBefore, digest) {
      if (digestBefore === digest) return;
      if (digestBefore !== null) remove.run(doc);
      if (digest !== null) insert.run(doc, ...texts);
    },
  };
}
