import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../domain/fault.ts';
import type { ModelDefinition } from '../../ports/read-model.ts';
import { type IndexReader, type IndexScan, indexReader, indexScan } from './read-index.ts';
import { type Serving, servingIn } from './serving.ts';
import { type HeldIndex, holdIndex } from './snapshot.ts';
import { openDatabase, readDefinition } from './tables.ts';
import { type IndexWriter, indexWriter } from './write-index.ts';

export const indexFileEnding = '.sqlite';
export const servingFile = 'serving.sqlite';
const indexFileName = /^[a-z0-9-]{1,160}$/;

/** One thread's connections into a folder of indexes, each opened when it is first needed. */
export interface OpenFiles {
  /** Where an index's file is; undefined for a name no index has. */
  pathOf(index: string): string | undefined;
  /** What records which index serves. */
  serving(): Serving;
  findReader(index: string): IndexReader | undefined;
  /** Throws `MODEL_UNAVAILABLE` with the fact `missing` where there is no such index; so do the next two. */
  reader(index: string): IndexReader;
  writer(index: string): IndexWriter;
  scan(index: string, id: number): IndexScan;
  endScan(id: number): void;
  /** Held under `id` until `endSnapshot`. */
  takeSnapshot(index: string, id: number): HeldIndex;
  /** Throws `MODEL_UNAVAILABLE` for one that ended. */
  snapshot(id: number): HeldIndex;
  endSnapshot(id: number): void;
  /** Closes what is open of an index. */
  forget(index: string): void;
  close(): void;
}

export function openFiles(dir: string): OpenFiles {
  const writers = new Map<string, IndexWriter>();
  const readers = new Map<string, IndexReader>();
  const scans = new Map<number, { readonly index: string; readonly scan: IndexScan }>();
  const snapshots = new Map<number, { readonly index: string; readonly held: HeldIndex }>();
  let serving: Serving | undefined;

  const pathOf = (index: string): string | undefined =>
    indexFileName.test(index) ? join(dir, `${index}${indexFileEnding}`) : undefined;

  /** Opens a file and reads what it was made for; undefined where there is no whole index. */
  function opened<T>(
    index: string,
    use: 'write' | 'read',
    make: (db: DatabaseSync, definition: ModelDefinition) => T,
  ): T | undefined {
    const path = pathOf(index);
    const db = path === undefined ? undefined : openDatabase(path, use, false);
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

  /** What is open under a key, or opened now and kept. */
  function kept<K, T>(among: Map<K, T>, key: K, index: string, open: () => T | undefined): T {
    const found = among.get(key) ?? open();
    if (found === undefined) throw new Fault('MODEL_UNAVAILABLE', { missing: index, folder: dir });
    among.set(key, found);
    return found;
  }

  function endScan(id: number): void {
    scans.get(id)?.scan.close();
    scans.delete(id);
  }

  function endSnapshot(id: number): void {
    snapshots.get(id)?.held.close();
    snapshots.delete(id);
  }

  function forget(index: string): void {
    for (const [id, held] of snapshots) if (held.index === index) endSnapshot(id);
    for (const [id, scan] of scans) if (scan.index === index) endScan(id);
    for (const among of [writers, readers]) {
      among.get(index)?.close();
      among.delete(index);
    }
  }

  const openReader = (index: string): IndexReader | undefined => opened(index, 'read', indexReader);
  return {
    pathOf,
    serving() {
      serving ??= servingIn(openDatabase(join(dir, servingFile), 'write', true)!);
      return serving;
    },
    findReader(index) {
      const reader = readers.get(index) ?? openReader(index);
      if (reader !== undefined) readers.set(index, reader);
      return reader;
    },
    reader: (index) => kept(readers, index, index, () => openReader(index)),
    writer: (index) =>
      kept(writers, index, index, () =>
        opened(index, 'write', (db, definition) => indexWriter(db, index, definition)),
      ),
    scan: (index, id) =>
      kept(scans, id, index, () => opened(index, 'read', (db) => ({ index, scan: indexScan(db) }))).scan,
    endScan,
    takeSnapshot: (index, id) =>
      kept(snapshots, id, index, () =>
        opened(index, 'read', (db, definition) => ({ index, held: holdIndex(db, definition) })),
      ).held,
    snapshot(id) {
      const found = snapshots.get(id);
      if (found === undefined) throw new Fault('MODEL_UNAVAILABLE', { snapshot: id, folder: dir });
      return found.held;
    },
    endSnapshot,
    forget,
    close() {
      for (const index of [...writers.keys(), ...readers.keys()]) forget(index);
      for (const id of scans.keys()) endScan(id);
      for (const id of snapshots.keys()) endSnapshot(id);
      serving?.close();
      serving = undefined;
    },
  };
}
