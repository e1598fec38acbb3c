import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { ModelDefinition } from '../../ports/read-model.ts';
import { ftsTokenizer } from './search-word.ts';

/** A declared field and its column: in `docs`, and for text of several values and words in the full-text table too. */
export interface Column {
  readonly field: string;
  readonly kind: 'keyword' | 'long' | 'words';
  readonly column: string;
  /** Number of the field in the definition. */
  readonly number: number;
}

const marks = { keyword: 'k_', long: 'l_', words: 'w_' } as const;

/** The mark keeps a field called `from`, `rowid` or `rank` apart from what SQL and FTS5 mean by it. */
export const columnsOf = ({ fields }: ModelDefinition): readonly Column[] =>
  Object.entries(fields).map(([field, kind], number) => ({
    field,
    kind,
    column: `${marks[kind]}${field}`,
    number,
  }));

/**
 * `docs` is kept narrow, so that filtering and sorting never read bodies. A keyword with one value stands in its column;
 * several values stand in the table `words`, each as one word; of what stands there `docs` has a digest. Hidden documents have no values anywhere. Of one- and two-letter
 * beginnings there is an index, longer ones are fast without.
 */
function tables(definition: ModelDefinition): string {
  const columns = columnsOf(definition);
  const inDocs = columns.filter(({ kind }) => kind !== 'words');
  const inWords = columns.filter(({ kind }) => kind !== 'long').map(({ column }) => column);
  return [
    `CREATE TABLE docs (doc INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,
       visible INTEGER NOT NULL, unindexable TEXT, words_digest TEXT${inDocs
         .map(({ column, kind }) => `, ${column} ${kind === 'long' ? 'INTEGER' : 'TEXT'}`)
         .join('')}) STRICT`,
    'CREATE INDEX unsearchable ON docs (unindexable) WHERE unindexable IS NOT NULL',
    'CREATE TABLE bodies (doc INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT',
    `CREATE TABLE lanes (epoch INTEGER NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
       time_max INTEGER NOT NULL, PRIMARY KEY (epoch, partition)) STRICT, WITHOUT ROWID`,
    'CREATE TABLE definition (json TEXT NOT NULL) STRICT',
    ...(inWords.length === 0
      ? []
      : [
          `CREATE VIRTUAL TABLE words USING fts5(${inWords.join(', ')}, content='', contentless_delete=1,
             detail=column, prefix='1 2', tokenize="${ftsTokenizer}")`,
        ]),
  ].join(';\n');
}

/**
 * Makes the indexes by field, where they are missing. A new index has none until it is refreshed or serves: sorting all
 * values once costs a fraction of putting each in its place.
 */
export function makeFieldIndexes(db: DatabaseSync, definition: ModelDefinition): void {
  const made = columnsOf(definition)
    .filter(({ kind }) => kind !== 'words')
    .map(
      ({ column }) =>
        `CREATE INDEX IF NOT EXISTS by_${column} ON docs (${column}, visible) WHERE ${column} IS NOT NULL`,
    );
  inTransaction(db, 'BEGIN IMMEDIATE', () => db.exec(made.join(';\n')));
  db.exec('PRAGMA analysis_limit = 1000; ANALYZE');
}

/** Measured: half the time of 4 KiB pages for documents of some hundred bytes. */
const pageBytes = 8_192;
/** Pages of the write-ahead log after which it is moved into the file: 64 MiB, so that bulk loads rarely wait for it. */
const checkpointPages = 8_192;
const cacheKib = { write: 32_768, read: 16_384 } as const;
const busyMs = 10_000;

/** Opens a database; undefined where there is no file and `make` is not asked for. */
export function openDatabase(path: string, use: 'write' | 'read', make: boolean): DatabaseSync | undefined {
  if (!make && !existsSync(path)) return undefined;
  const db = new DatabaseSync(`${pathToFileURL(path).href}?mode=${make ? 'rwc' : 'rw'}`, { timeout: busyMs });
  try {
    if (make) db.exec(`PRAGMA page_size=${pageBytes}`);
    // FULL: a transaction is on disk when COMMIT returns.
    db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-${cacheKib[use]};
      PRAGMA wal_autocheckpoint=${checkpointPages}; PRAGMA temp_store=MEMORY`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs `work` in one transaction. */
export function inTransaction<T>(db: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  db.exec(begin);
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Makes the tables of an index; false when they are there. A file that a crash left without them counts as not there. */
export function makeTables(db: DatabaseSync, definition: ModelDefinition): boolean {
  return inTransaction(db, 'BEGIN IMMEDIATE', () => {
    if (readDefinition(db) !== undefined) return false;
    db.exec(tables(definition));
    db.prepare('INSERT INTO definition VALUES (?)').run(JSON.stringify(definition));
    return true;
  });
}

export function readDefinition(db: DatabaseSync): ModelDefinition | undefined {
  const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'definition'").get();
  if (made === undefined) return undefined;
  const row = db.prepare('SELECT json FROM definition').get();
  return row === undefined ? undefined : (JSON.parse(String(row.json)) as ModelDefinition);
}
