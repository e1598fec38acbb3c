import type { ContainerClient } from '@azure/storage-blob';
import { Fault } from '../../domain/fault.ts';
import type { FileTree, OpenFile, TreeEntry } from '../../ports/file-tree.ts';
import { type Account, containerOf, placeOf } from './containers.ts';
import { onStore, statusOf } from './failures.ts';

export interface BlobTreeOptions {
  readonly account: Account;
  readonly container: string;
  /** Without `/` at its end; '' = the whole container. */
  readonly prefix: string;
}

/** Answers that are about one blob; all others are about the account. */
const whys: Readonly<Record<number, string>> = { 404: 'not there', 412: 'written anew while it was read' };

/**
 * The blobs below a prefix as files and folders. Nothing is made or written. Rejects with `FILE_UNREADABLE` for what is not
 * there or was written anew while it was read, and with `STORE_UNAVAILABLE` where the account does not answer.
 */
export function blobTree({ account, container, prefix }: BlobTreeOptions): FileTree {
  let opened: Promise<ContainerClient> | undefined;
  const client = (): Promise<ContainerClient> => {
    opened ??= containerOf(account, container);
    return opened;
  };
  const nameOf = (path: string): string => [prefix, path].filter((part) => part !== '').join('/');
  const asked = <T>(path: string, work: (found: ContainerClient) => Promise<T>): Promise<T> =>
    onStore(`${container}/${nameOf(path)}`, async () => {
      try {
        return await work(await client());
      } catch (error) {
        const why = whys[statusOf(error) ?? 0];
        if (why !== undefined) throw new Fault('FILE_UNREADABLE', { path, why }, error);
        throw error;
      }
    });

  return {
    place: `${placeOf(account)}/${container}/${prefix}`,
    list: (folder, stamped = false) =>
      asked(folder, async (found) => {
        const above = nameOf(folder);
        const begin = above === '' ? '' : `${above}/`;
        const entries: TreeEntry[] = [];
        for await (const item of found.listBlobsByHierarchy('/', { prefix: begin })) {
          const name = item.name.slice(begin.length).replace(/\/$/, '');
          if (item.kind === 'prefix') entries.push({ name, kind: 'folder' });
          else entries.push({ name, kind: 'file', ...(stamped ? stampIn(item.properties.etag) : {}) });
        }
        return entries;
      }),
    open: (path) => asked(path, (found) => openBlob(found, path, nameOf(path), asked)),
  };
}

const stampIn = (etag: string | undefined): { stamp: string } | Record<string, never> =>
  etag === undefined ? {} : { stamp: etag };

async function openBlob(
  container: ContainerClient,
  path: string,
  name: string,
  asked: <T>(path: string, work: () => Promise<T>) => Promise<T>,
): Promise<OpenFile> {
  const blob = container.getBlobClient(name);
  const { contentLength: bytes = 0, etag } = await blob.getProperties();
  const conditions = etag === undefined ? {} : { ifMatch: etag };
  return {
    path,
    bytes,
    async read(offset, length) {
      const count = Math.max(0, Math.min(length, bytes - offset));
      if (count === 0) return Buffer.alloc(0);
      return asked(path, () => blob.downloadToBuffer(offset, count, { conditions }));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
