import { hash } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Inspection, Probe } from '../../ports/index-snapshot.ts';
import type { LaneProgress, ModelDefinition } from '../../ports/read-model.ts';
import { foundByColumns } from './found-by.ts';
import { type PackedHeld, pack } from './messages.ts';
import { readLanes, type Stored, storedRow } from './read-index.ts';
import { ftsAllOf } from './search-word.ts';
import { columnsOf, makeFieldIndexes, makeTables } from './tables.ts';

/** One state of an index, held by a read transaction: the write-ahead log cannot shrink meanwhile. */
export interface HeldIndex {
  readonly progress: readonly LaneProgress[];
  held(first: boolean): PackedHeld;
  inspect(): Inspection;
  finds(probes: readonly Probe[]): boolean[];
  close(): void;
}

/** Few enough that whoever else uses the thread, or the one that takes them, is not kept waiting. */
const batchDocumentsMax = 500;
const batchBytesMax = 1024 * 1024;
const namedMax = 10;

export function holdIndex(db: DatabaseSync, definition: ModelDefinition): HeldIndex {
  db.exec('PRAGMA query_only = ON; BEGIN');
  // The transaction begins with its first read.
  const progress = readLanes(db);
  const columns = foundByColumns(definition);
  const all = db.prepare(
    `SELECT id, version, body, ${columns.join(', ')} FROM docs JOIN bodies USING (doc) ORDER BY doc`,
  );
  let rows = all.iterate();
  const find = finder(db, definition);
  return {
    progress,
    held(first) {
      if (first) rows = all.iterate();
      const batch: Stored[] = [];
      const foundBy: (string | number | null)[][] = [];
      for (let bytes = 0; batch.length < batchDocumentsMax && bytes < batchBytesMax; ) {
        const { done, value: row } = rows.next();
        if (done === true) break;
        const document = storedRow(row);
        batch.push(document);
        foundBy.push(columns.map((column) => row[column] as string | number | null));
        bytes += document.body.byteLength;
      }
      return { ...pack(batch), foundBy };
    },
    inspect: () => inspected(db, definition),
    finds: (probes) => probes.map(find),
    close: () => db.close(),
  };
}

/** By the index of its field where the value stands in `docs`, else by the full-text table. */
function finder(db: DatabaseSync, definition: ModelDefinition): (probe: Probe) => boolean {
  const docOf = db.prepare('SELECT doc FROM docs WHERE id = ? AND visible = 1');
  const byField = new Map<string, (doc: number, value: string | number) => boolean>();
  const isFound = (statement: StatementSync, ...values: (string | number)[]): boolean =>
    statement.get(...values) !== undefined;
  const indexes = new Set(namesIn(db));
  for (const { field, column, kind } of columnsOf(definition)) {
    const words =
      kind === 'long'
        ? undefined
        : db.prepare('SELECT 1 FROM words WHERE words MATCH ? AND rowid = CAST(? AS INTEGER)');
    const index = `by_${column}`;
    const single = indexes.has(index)
      ? db.prepare(`SELECT 1 FROM docs INDEXED BY ${index}
          WHERE ${column} = ? AND ${column} IS NOT NULL AND visible = 1 AND doc = CAST(? AS INTEGER)`)
      : undefined;
    byField.set(
      field,
      (doc, value) =>
        (single !== undefined && isFound(single, value, doc)) ||
        (words !== undefined && isFound(words, ftsAllOf(column, [String(value)], false), doc)),
    );
  }
  return ({ id, field, value }) => {
    const doc = docOf.get(id)?.doc;
    return typeof doc === 'number' && byField.get(field)?.(doc, value) === true;
  };
}

const namesIn = (db: DatabaseSync): string[] =>
  db
    .prepare('SELECT name FROM sqlite_schema')
    .all()
    .map(({ name }) => String(name));

/** Statements that made the tables and indexes, by name; not those that SQLite and FTS5 make for themselves. */
const shapeOf = (db: DatabaseSync): Map<string, string> =>
  new Map(
    db
      .prepare(
        `SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
         AND name NOT LIKE 'words\\_%' ESCAPE '\\' ORDER BY name`,
      )
      .all()
      .map(({ name, sql }) => [String(name), String(sql)]),
  );

function declaredShape(definition: ModelDefinition): Map<string, string> {
  const db = new DatabaseSync(':memory:');
  try {
    makeTables(db, definition);
    makeFieldIndexes(db, definition);
    return shapeOf(db);
  } finally {
    db.close();
  }
}

const hashOf = (shape: ReadonlyMap<string, string>): string =>
  hash('sha256', JSON.stringify([...shape]), 'hex');

function inspected(db: DatabaseSync, definition: ModelDefinition): Inspection {
  const [declared, found] = [declaredShape(definition), shapeOf(db)];
  const names = [...new Set([...declared.keys(), ...found.keys()])];
  // A document whose words are not in the full-text table: what FTS5 keeps of each document says so.
  const lost = found.has('words')
    ? `FROM docs WHERE (words_digest IS NOT NULL) <> (doc IN (SELECT id FROM words_docsize))`
    : 'FROM docs WHERE words_digest IS NOT NULL';
  return {
    declared: hashOf(declared),
    found: hashOf(found),
    differing: names.filter((name) => declared.get(name) !== found.get(name)).slice(0, namedMax),
    ignored: Number(db.prepare(`SELECT count(*) AS documents ${lost}`).get()!.documents),
    ignoredIds: db
      .prepare(`SELECT id ${lost} LIMIT ${namedMax}`)
      .all()
      .map(({ id }) => String(id)),
  };
}
