import type { ArchiveStore } from '../../ports/archive.ts';
import { type Disk, nodeDisk } from '../file-log/disk.ts';
import { folderLeases } from './leases.ts';
import { takeRoot } from './root.ts';
import { folderState } from './state.ts';
import { folderTruth } from './truth.ts';

export interface FolderArchiveOptions {
  /** Owned by this process alone: see `takeOwnerLock`. Made if missing. */
  readonly dir: string;
  readonly disk?: Disk;
}

/**
 * An archive in a folder: truth in `<dir>/archive`, state in `<dir>/state`, a blob's name is its path.
 * Handles of one folder in one process see each other's writes as those of one store.
 */
export function folderArchive({ dir, disk = nodeDisk }: FolderArchiveOptions): ArchiveStore {
  const { root, leave } = takeRoot(disk, dir);
  const leases = folderLeases(root);
  return {
    truth: folderTruth(root),
    state: folderState(root),
    lease: leases.take,
    place: root.dir,
    async [Symbol.asyncDispose]() {
      leases.letGo();
      leave();
    },
  };
}
