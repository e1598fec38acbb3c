import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { IndexFound, ModelDefinition } from '../../ports/read-model.ts';
import { indexName } from '../../ports/search-values.ts';
import type { Calls } from './messages.ts';
import { type IndexReader, type IndexScan, indexReader, indexScan } from './read-index.ts';
import { type Serving, servingIn } from './serving.ts';
import { makeTables, openDatabase, readDefinition } from './tables.ts';
import { type IndexWriter, indexWriter } from './write-index.ts';

/** One thread's view of a folder of indexes: every call of `Calls`, answered at once. */
export type IndexFolder = { [Op in keyof Calls]: (ask: Calls[Op]['ask']) => Calls[Op]['answer'] };

const ending = '.sqlite';
const servingFile = 'serving.sqlite';
const indexFileName = /^[a-z0-9-]{1,160}$/;

/** `<dir>/<name>.sqlite` for each index, and `serving.sqlite`. */
export function indexFolder(dir: string): IndexFolder {
  const writers = new Map<string, IndexWriter>();
  const readers = new Map<string, IndexReader>();
  const scans = new Map<number, { readonly index: string; readonly scan: IndexScan }>();
  let serving: Serving | undefined;
  const served = (): Serving => (serving ??= servingIn(openDatabase(join(dir, servingFile), 'write', true)!));

  const pathOf = (index: string): string => join(dir, `${index}${ending}`);
  const missing = (index: string): Fault => new Fault('MODEL_UNAVAILABLE', { missing: index, folder: dir });

  /** Opens a file and reads what it was made for; undefined where there is no whole index. */
  function opened<T>(
    index: string,
    use: 'write' | 'read',
    make: (db: NonNullable<ReturnType<typeof openDatabase>>, definition: ModelDefinition) => T,
  ): T | undefined {
    if (!indexFileName.test(index)) return undefined;
    const db = openDatabase(pathOf(index), use, false);
    if (db === undefined) return undefined;
    try {
      const definition = readDefinition(db);
      if (definition !== undefined) return make(db, definition);
    } catch (error) {
      db.close();
      throw error;
    }
    db.close();
    return undefined;
  }

  function findReader(index: string): IndexReader | undefined {
    const reader = readers.get(index) ?? opened(index, 'read', indexReader);
    if (reader !== undefined) readers.set(index, reader);
    return reader;
  }
  function reader(index: string): IndexReader {
    const found = findReader(index);
    if (found === undefined) throw missing(index);
    return found;
  }
  function writer(index: string): IndexWriter {
    const found =
      writers.get(index) ?? opened(index, 'write', (db, definition) => indexWriter(db, index, definition));
    if (found === undefined) throw missing(index);
    writers.set(index, found);
    return found;
  }
  function endScan(id: number): null {
    scans.get(id)?.scan.close();
    scans.delete(id);
    return null;
  }
  function forget(index: string): null {
    for (const [id, scan] of scans) if (scan.index === index) endScan(id);
    writers.get(index)?.close();
    readers.get(index)?.close();
    writers.delete(index);
    readers.delete(index);
    return null;
  }

  return {
    create({ definition, suffix }) {
      const name = indexName(definition, suffix);
      const db = openDatabase(pathOf(name), 'write', true)!;
      try {
        if (!makeTables(db, definition)) throw new Fault('INDEX_EXISTS', { index: name, folder: dir });
      } finally {
        db.close();
      }
      syncFolder(dir);
      return name;
    },
    store: ({ index, changes, versionMax }) => writer(index).store(changes, versionMax),
    saveProgress({ index, lanes }) {
      writer(index).saveProgress(lanes);
      return null;
    },
    refresh({ index }) {
      writer(index).finish();
      return null;
    },
    swap({ projection, from, to }) {
      const found = findReader(to);
      if (found?.definition.projection !== projection)
        throw new Fault('SWAP_REFUSED', { projection, from, to, missing: to });
      writer(to).finish();
      served().swap(projection, from, to);
      return null;
    },
    drop({ index }) {
      if (served().names().has(index)) throw new Fault('SWAP_REFUSED', { serving: index });
      forget(index);
      if (indexFileName.test(index))
        for (const tail of ['', '-wal', '-shm']) rmSync(`${pathOf(index)}${tail}`, { force: true });
      return null;
    },
    load: ({ index, ids }) => reader(index).load(ids),
    progress: ({ index }) => reader(index).progress(),
    query: ({ index, query }) => reader(index).query(query),
    scan({ index, scan: id }) {
      const known = scans.get(id)?.scan ?? opened(index, 'read', (db) => indexScan(db));
      if (known === undefined) throw missing(index);
      scans.set(id, { index, scan: known });
      return known.next();
    },
    endScan: ({ scan }) => endScan(scan),
    serving({ projection }) {
      const name = served().of(projection);
      if (name === undefined) return null;
      return { name, definition: reader(name).definition };
    },
    open: ({ index }) => findReader(index)?.definition ?? null,
    list: () => found(dir, served().names(), findReader),
    forget: ({ index }) => forget(index),
    close() {
      for (const index of [...writers.keys(), ...readers.keys()]) forget(index);
      for (const id of scans.keys()) endScan(id);
      serving?.close();
      serving = undefined;
      return null;
    },
  };
}

function found(
  dir: string,
  serving: ReadonlySet<string>,
  findReader: (index: string) => IndexReader | undefined,
): IndexFound[] {
  const files = readdirSync(dir).filter((file) => file.endsWith(ending) && file !== servingFile);
  return files.sort().flatMap((file) => {
    const name = file.slice(0, -ending.length);
    const reader = findReader(name);
    if (reader === undefined) return [];
    const { projection, version } = reader.definition;
    const bytes = ['', '-wal'].reduce(
      (sum, tail) => sum + (statSync(join(dir, `${file}${tail}`), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
    return [{ name, projection, version, serving: serving.has(name), documents: reader.documents(), bytes }];
  });
}

/** Makes a new file's name as durable as its content. Windows has no such call on folders and needs none. */
function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(dir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
