import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import type { IndexFound, ModelDefinition } from '../../ports/read-model.ts';
import { indexName } from '../../ports/search-values.ts';
import type { Calls } from './messages.ts';
import { indexFileEnding, type OpenFiles, openFiles, servingFile } from './open-files.ts';
import { makeTables, openDatabase } from './tables.ts';

/** One thread's view of a folder of indexes: every call of `Calls`, answered at once. */
export type IndexFolder = { [Op in keyof Calls]: (ask: Calls[Op]['ask']) => Calls[Op]['answer'] };

/** `<dir>/<name>.sqlite` for each index, and `serving.sqlite`. */
export function indexFolder(dir: string): IndexFolder {
  const files = openFiles(dir);
  return {
    create: ({ definition, suffix }) => createIndex(dir, files, definition, suffix),
    store: ({ index, changes, versionMax }) => files.writer(index).store(changes, versionMax),
    repair: ({ index, changes, removed }) => files.writer(index).repair(changes, removed),
    saveProgress: ({ index, lanes }) => done(() => files.writer(index).saveProgress(lanes)),
    refresh: ({ index }) => done(() => files.writer(index).finish()),
    swap({ projection, from, to }) {
      if (files.findReader(to)?.definition.projection !== projection)
        throw new Fault('SWAP_REFUSED', { projection, from, to, missing: to });
      files.writer(to).finish();
      return done(() => files.serving().swap(projection, from, to));
    },
    drop: ({ index }) => done(() => dropIndex(files, index)),
    load: ({ index, ids }) => files.reader(index).load(ids),
    progress: ({ index }) => files.reader(index).progress(),
    query: ({ index, query }) => files.reader(index).query(query),
    scan: ({ index, scan }) => files.scan(index, scan).next(),
    endScan: ({ scan }) => done(() => files.endScan(scan)),
    snapshot: ({ index, snapshot }) => files.takeSnapshot(index, snapshot).progress,
    held: ({ snapshot, first }) => files.snapshot(snapshot).held(first),
    inspect: ({ snapshot }) => files.snapshot(snapshot).inspect(),
    finds: ({ snapshot, probes }) => files.snapshot(snapshot).finds(probes),
    endSnapshot: ({ snapshot }) => done(() => files.endSnapshot(snapshot)),
    serving({ projection }) {
      const name = files.serving().of(projection);
      return name === undefined ? null : { name, definition: files.reader(name).definition };
    },
    open: ({ index }) => files.findReader(index)?.definition ?? null,
    list: () => listIndexes(dir, files),
    forget: ({ index }) => done(() => files.forget(index)),
    close: () => done(() => files.close()),
  };
}

/** The answer of a call that has none: messages between threads hold no undefined. */
function done(work: () => void): null {
  work();
  return null;
}

function createIndex(dir: string, files: OpenFiles, definition: ModelDefinition, suffix: string): string {
  const name = indexName(definition, suffix);
  const db = openDatabase(files.pathOf(name)!, 'write', true)!;
  try {
    if (!makeTables(db, definition)) throw new Fault('INDEX_EXISTS', { index: name, folder: dir });
  } finally {
    db.close();
  }
  syncFolder(dir);
  return name;
}

function dropIndex(files: OpenFiles, index: string): void {
  if (files.serving().names().has(index)) throw new Fault('SWAP_REFUSED', { serving: index });
  files.forget(index);
  const path = files.pathOf(index);
  if (path !== undefined) for (const tail of ['', '-wal', '-shm']) rmSync(`${path}${tail}`, { force: true });
}

function listIndexes(dir: string, files: OpenFiles): IndexFound[] {
  const serving = files.serving().names();
  const found = readdirSync(dir).filter((file) => file.endsWith(indexFileEnding) && file !== servingFile);
  return found.sort().flatMap((file) => {
    const name = file.slice(0, -indexFileEnding.length);
    const reader = files.findReader(name);
    if (reader === undefined) return [];
    const { projection, version } = reader.definition;
    const bytes = ['', '-wal'].reduce(
      (sum, tail) => sum + (statSync(join(dir, `${file}${tail}`), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
    return [{ name, projection, version, serving: serving.has(name), ...reader.counts(), bytes }];
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
