import { dirname, join } from 'node:path';
import { checkBlobName, type TruthStore } from '../../ports/archive.ts';
import { isErrno, readFile } from '../file-log/disk.ts';
import { listBlobs, type ReadFolder } from './listing.ts';
import { onDisk, type Root } from './root.ts';

/**
 * Create-only blobs as plain files: written and synced under another name, then linked, which fails if one is
 * there.
 */
export function folderTruth(root: Root): TruthStore {
  const { disk } = root;
  const container = join(root.dir, 'archive');
  const readFolder: ReadFolder = async (entries, folder) => {
    await root.settle(folder);
    return entries
      .filter(({ kind }) => kind === 'file')
      .map(({ name }) => ({ name, bytes: () => disk.size(join(folder, name)) }));
  };
  return {
    async create(name, bytes) {
      checkBlobName(name);
      const path = join(container, name);
      return onDisk(name, async () => {
        await root.makeParent(path);
        const synced = root.changing(dirname(path));
        const answer = await root.through(bytes, (temporary) =>
          disk.link(temporary, path).then(
            () => 'created' as const,
            (error: unknown) => {
              if (isErrno(error, 'EEXIST')) return 'exists' as const;
              throw error;
            },
          ),
        );
        // Also for `exists`: the one who linked it may not have come to this yet.
        await disk.syncFolder(dirname(path));
        synced();
        return answer;
      });
    },
    async read(name) {
      checkBlobName(name);
      const path = join(container, name);
      return onDisk(name, async () => {
        const bytes = await readFile(disk, path);
        await root.settle(dirname(path));
        return bytes;
      });
    },
    list: (prefix, after) =>
      listBlobs(disk, container, after === undefined ? { prefix } : { prefix, after }, readFolder),
  };
}
