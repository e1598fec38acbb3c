import { type BlobName, checkBlobName, type ETag, type StateStore } from '../../ports/archive.ts';
import { contentTypeOf, listBlobs, readBlob, tagOf } from './blobs.ts';
import { blockLists } from './block-lists.ts';
import type { Container } from './containers.ts';
import { codeOf, isChanged, isMissing, onStore } from './failures.ts';

/**
 * Blobs that change, under ETag conditions. A write is one Put Blob; an append stages a block and commits the
 * list of all blocks, old and new. Conditional calls are never sent twice: the second would answer `changed`
 * about the first.
 */
export function blobState(container: Container): StateStore {
  const lists = blockLists(container);

  /** `changed` where another writer was first. */
  async function conditional(
    name: BlobName,
    work: () => Promise<ETag | 'changed'>,
  ): Promise<ETag | 'changed'> {
    checkBlobName(name);
    return onStore(name, async () => {
      try {
        return await work();
      } catch (error) {
        lists.forget(name);
        if (isChanged(error)) return 'changed';
        throw error;
      }
    });
  }

  async function commit(name: BlobName, blocks: readonly string[], etag: ETag): Promise<ETag | 'changed'> {
    const client = await container.writing(name);
    try {
      const answer = await client.commitBlockList([...blocks], {
        conditions: { ifMatch: etag },
        blobHTTPHeaders: contentTypeOf(name),
      });
      return lists.remember(name, { etag: tagOf(name, answer), blocks });
    } catch (error) {
      if (codeOf(error) === 'InvalidBlockList' && !(await isStill(name, etag))) return 'changed';
      throw error;
    }
  }

  /** A staged block vanishes when another writer commits: then the content is another one by now. */
  async function isStill(name: BlobName, etag: ETag): Promise<boolean> {
    const client = (await container.reading()).getBlockBlobClient(name);
    const found = await client.getProperties().catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    return found?.etag === etag;
  }

  return {
    async read(name) {
      checkBlobName(name);
      return readBlob(container, name);
    },
    write: (name, bytes, etag) =>
      conditional(name, async () => {
        const client = await container.writing(name);
        const answer = await client.upload(bytes, bytes.length, {
          conditions: etag === null ? { ifNoneMatch: '*' } : { ifMatch: etag },
          blobHTTPHeaders: contentTypeOf(name),
        });
        lists.forget(name);
        return tagOf(name, answer);
      }),
    append: (name, block, etag) =>
      conditional(name, async () => {
        const blocks = await lists.of(name, etag);
        if (blocks === undefined) return 'changed';
        return commit(name, block.length === 0 ? blocks : [...blocks, await lists.stage(name, block)], etag);
      }),
    async replace(name, bytes) {
      checkBlobName(name);
      await onStore(name, async () => {
        const client = await container.writing(name);
        await client.upload(bytes, bytes.length, { blobHTTPHeaders: contentTypeOf(name) });
      });
    },
    async remove(name) {
      checkBlobName(name);
      await onStore(name, async () => (await container.writing(name)).deleteIfExists());
    },
    list: (prefix, after) => listBlobs(container, prefix, after),
  };
}
