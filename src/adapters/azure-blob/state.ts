import { randomBytes } from 'node:crypto';
import { type BlobName, checkBlobName, type ETag, type StateStore } from '../../ports/archive.ts';
import { contentTypeOf, listBlobs, readBlob, tagOf } from './blobs.ts';
import type { Container } from './containers.ts';
import { codeOf, isChanged, isMissing, onStore } from './failures.ts';

/** Ids of the blocks of one content, in order. */
interface BlockList {
  readonly etag: ETag;
  readonly blocks: readonly string[];
}

const knownListsMax = 1_024;
// All ids of a blob must have one length; unique, so that no writer's block is taken for another's.
const newBlockId = (): string => randomBytes(24).toString('base64');

/**
 * Blobs that change, under ETag conditions. A write is one Put Blob; an append stages a block and commits the list of all
 * blocks, old and new. Conditional calls are never sent twice: the second would answer `changed` about the first.
 */
export function blobState(container: Container): StateStore {
  // Saves reading the block list before each append. Never more than a hint: the commit is conditional.
  const known = new Map<BlobName, BlockList>();

  function remember(name: BlobName, list: BlockList): ETag {
    known.delete(name);
    known.set(name, list);
    if (known.size > knownListsMax) known.delete(known.keys().next().value!);
    return list.etag;
  }

  /** The blocks of the content `etag`; undefined if the present one is another. */
  async function blocksOf(name: BlobName, etag: ETag): Promise<readonly string[] | undefined> {
    const list = known.get(name);
    if (list?.etag === etag) return list.blocks;
    const client = (await container.reading()).getBlockBlobClient(name);
    const answer = await client.getBlockList('committed').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (answer === undefined || tagOf(name, answer) !== etag) return undefined;
    const blocks = (answer.committedBlocks ?? []).map((block) => block.name);
    return blocks.length > 0 || answer.blobContentLength === 0 ? blocks : asBlock(name, etag);
  }

  /** A content written by Put Blob has no blocks: it is staged again as one, to be committed with the first append. */
  async function asBlock(name: BlobName, etag: ETag): Promise<readonly string[] | undefined> {
    const read = await readBlob(container, name);
    if (read?.etag !== etag) return undefined;
    return read.bytes.length === 0 ? [] : [await stage(name, read.bytes)];
  }

  async function stage(name: BlobName, bytes: Uint8Array): Promise<string> {
    const id = newBlockId();
    await (await container.writing(name)).stageBlock(id, bytes, bytes.length);
    return id;
  }

  /** `changed` where another writer was first. */
  async function conditional(name: BlobName, work: () => Promise<ETag>): Promise<ETag | 'changed'> {
    try {
      return await work();
    } catch (error) {
      known.delete(name);
      if (isChanged(error)) return 'changed';
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

    async write(name, bytes, etag) {
      checkBlobName(name);
      return onStore(name, () =>
        conditional(name, async () => {
          const client = await container.writing(name);
          const answer = await client.upload(bytes, bytes.length, {
            conditions: etag === null ? { ifNoneMatch: '*' } : { ifMatch: etag },
            blobHTTPHeaders: contentTypeOf(name),
          });
          known.delete(name);
          return tagOf(name, answer);
        }),
      );
    },

    async append(name, block, etag) {
      checkBlobName(name);
      return onStore(name, () =>
        conditional(name, async () => {
          const blocks = await blocksOf(name, etag);
          if (blocks === undefined) return 'changed';
          const all = block.length === 0 ? blocks : [...blocks, await stage(name, block)];
          const client = await container.writing(name);
          try {
            const answer = await client.commitBlockList([...all], {
              conditions: { ifMatch: etag },
              blobHTTPHeaders: contentTypeOf(name),
            });
            return remember(name, { etag: tagOf(name, answer), blocks: all });
          } catch (error) {
            if (codeOf(error) === 'InvalidBlockList' && !(await isStill(name, etag))) return 'changed';
            throw error;
          }
        }),
      );
    },

    async replace(name, bytes) {
      checkBlobName(name);
      await onStore(name, async () => {
        known.delete(name);
        await (await container.writing(name)).upload(bytes, bytes.length, {
          blobHTTPHeaders: contentTypeOf(name),
        });
      });
    },

    async remove(name) {
      checkBlobName(name);
      await onStore(name, async () => {
        known.delete(name);
        await (await container.writing(name)).deleteIfExists();
      });
    },

    list: (prefix, after) => listBlobs(container, prefix, after),
  };
}
