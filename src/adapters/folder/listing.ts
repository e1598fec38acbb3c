import { join } from 'node:path';
import { type BlobFound, type BlobName, checkPrefix } from '../../ports/archive.ts';
import { type Disk, type DiskEntry, isErrno } from '../file-log/disk.ts';
import { onDisk } from './root.ts';

const atOnce = 64;

interface Found {
  readonly name: string;
  /** How long the blob of this whole name is; undefined where it is gone. */
  readonly bytes: (blob: BlobName) => Promise<number | undefined>;
}

/** The blobs that the files of one folder are, by file name. */
export type ReadFolder = (entries: readonly DiskEntry[], folder: string) => Promise<readonly Found[]>;

/**
 * Blobs below `prefix` in ascending byte order of their whole names, after `after`. A folder's place among
 * files is that of its name and `/`, so one folder at a time is in memory. A blob removed meanwhile may be
 * missing or not.
 */
export async function* listBlobs(
  disk: Disk,
  container: string,
  { prefix, after = '' }: { readonly prefix: string; readonly after?: BlobName },
  readFolder: ReadFolder,
): AsyncGenerator<BlobFound, void> {
  checkPrefix(prefix);
  const folder = join(container, prefix.slice(0, -1));
  const entries = await onDisk(prefix, () => listed(disk, folder));
  const blobs = await onDisk(prefix, () => readFolder(entries, folder));
  const folders = entries.filter(({ kind }) => kind === 'folder').map(({ name }) => ({ name: `${name}/` }));
  const inOrder = [...folders, ...blobs].sort((a, b) => (a.name < b.name ? -1 : 1));
  let found: Found[] = [];
  for (const item of inOrder) {
    const name = `${prefix}${item.name}`;
    if ('bytes' in item) {
      if (name > after) found.push({ ...item, name });
      if (found.length === atOnce) {
        yield* sized(found);
        found = [];
      }
    } else if (name > after || after.startsWith(name)) {
      yield* sized(found);
      found = [];
      yield* listBlobs(disk, container, { prefix: name, after }, readFolder);
    }
  }
  yield* sized(found);
}

async function* sized(blobs: readonly Found[]): AsyncGenerator<BlobFound, void> {
  const sizes = await Promise.all(blobs.map(({ name, bytes }) => onDisk(name, () => bytes(name))));
  for (const [i, { name }] of blobs.entries()) {
    const bytes = sizes[i];
    if (bytes !== undefined) yield { name, bytes };
  }
}

/** Entries of a folder; none where it is missing. */
export async function listed(disk: Disk, folder: string): Promise<readonly DiskEntry[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return [];
    throw error;
  }
}
