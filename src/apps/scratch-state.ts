import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderArchive } from '../adapters/folder/archive-store.ts';
import type { ArchiveStore, StateStore } from '../ports/archive.ts';
import { workOf } from '../streams/archive-names.ts';

const workPrefix = workOf('').replace(/\/+$/, '/');

/**
 * An archive in which a fold may put down what does not fit into memory, though it is only to be looked at: that goes into a
 * folder of this machine (`own`, or one of the system's), gone at the end. All else is read from the archive.
 */
export async function withScratch(
  store: ArchiveStore,
  own?: string,
): Promise<AsyncDisposable & { readonly store: ArchiveStore }> {
  await using opening = new AsyncDisposableStack();
  const dir = own ?? (await mkdtemp(join(tmpdir(), 'annal-fold-')));
  opening.defer(() => rm(dir, { recursive: true, force: true }));
  const { state: scratch } = opening.use(folderArchive({ dir }));
  const of = (name: string): StateStore => (name.startsWith(workPrefix) ? scratch : store.state);
  const state: StateStore = {
    read: (name) => of(name).read(name),
    write: (name, bytes, etag) => of(name).write(name, bytes, etag),
    append: (name, block, etag) => of(name).append(name, block, etag),
    replace: (name, bytes) => of(name).replace(name, bytes),
    remove: (name) => of(name).remove(name),
    list: (prefix, after) => of(prefix).list(prefix, after),
  };
  const opened = opening.move();
  return { store: { ...store, state }, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
