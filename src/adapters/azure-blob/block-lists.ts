import { randomBytes } from 'node:crypto';
import type { BlobName, ETag } from '../../ports/archive.ts';
import { readBlob, tagOf } from './blobs.ts';
import type { Container } from './containers.ts';
import { isMissing } from './failures.ts';

/** Ids of the blocks of one content, in order. */
export interface BlockList {
  readonly etag: ETag;
  readonly blocks: readonly string[];
}

export interface BlockLists {
  /** The blocks of the content `etag`; undefined if the present one is another. */
  of(name: BlobName, etag: ETag): Promise<readonly string[] | undefined>;
  /** Uploads a block that belongs to nothing yet; its id. */
  stage(name: BlobName, bytes: Uint8Array): Promise<string>;
  remember(name: BlobName, list: BlockList): ETag;
  forget(name: BlobName): void;
}

const knownListsMax = 1_024;
// All ids of a blob must have one length; unique, so that no writer's block is taken for another's.
const newBlockId = (): string => randomBytes(24).toString('base64');

/** Block lists of a container's blobs, remembered where this handle made them: never more than a hint. */
export function blockLists(container: Container): BlockLists {
  const known = new Map<BlobName, BlockList>();

  /**
   * A content written by Put Blob has no blocks: it is staged again as one, to be committed with the first
   * append.
   */
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

  return {
    async of(name, etag) {
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
    },
    stage,
    remember(name, list) {
      known.delete(name);
      known.set(name, list);
      if (known.size > knownListsMax) known.delete(known.keys().next().value!);
      return list.etag;
    },
    forget: (name) => known.delete(name),
  };
}
