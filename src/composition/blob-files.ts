import type { BlobTreeOptions } from '../adapters/azure-blob/blob-tree.ts';
import type { FileTree } from '../ports/file-tree.ts';

/** Blobs of a storage account, to be looked at as files; nothing else is opened. The client is loaded when it is asked for. */
export const blobFiles = async (options: BlobTreeOptions): Promise<FileTree> =>
  (await import('../adapters/azure-blob/blob-tree.ts')).blobTree(options);
