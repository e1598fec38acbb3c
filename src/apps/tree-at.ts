import { localFiles } from '../adapters/scan/local-files.ts';
import { blobFiles } from '../composition/blob-files.ts';
import { Fault } from '../domain/fault.ts';
import type { FileTree } from '../ports/file-tree.ts';
import type { AnnalConfig } from './config.ts';

const blobs = /^(?:azure|blob):([a-z0-9](?:-?[a-z0-9]){2,62})(?:\/(.*?))?\/?$/;

/** Whether a place is in a storage account, as its spelling says. */
export const inBlobs = (given: string): boolean => /^(?:azure|blob):/.test(given);

/** Container and prefix of such a place. */
export function blobPlace(
  given: string,
): { readonly container: string; readonly prefix: string } | undefined {
  const [, container, prefix = ''] = blobs.exec(given) ?? [];
  return container === undefined ? undefined : { container, prefix };
}

/**
 * The files of a folder, or, as `azure:<container>/<prefix>`, of the storage account that is configured. Rejects with
 * `FILE_UNREADABLE`, and with `CONFIG_INVALID` where no account is.
 */
export async function treeAt(config: Pick<AnnalConfig, 'archive'>, given: string): Promise<FileTree> {
  if (!inBlobs(given)) return localFiles(given);
  const place = blobPlace(given);
  if (place === undefined)
    throw new Fault('FILE_UNREADABLE', { path: given, why: 'no azure:<container>/<prefix>' });
  if (config.archive.kind === 'folder') {
    const what = 'or ANNAL_BLOB_ACCOUNT_URL is missing: it says in which account the files lie';
    throw new Fault('CONFIG_INVALID', { faults: [{ at: 'ANNAL_BLOB_CONNECTION_STRING', what }] });
  }
  return blobFiles({ account: config.archive.account, ...place });
}
