import { checkBlobName, type TruthStore } from '../../ports/archive.ts';
import { contentTypeOf, listBlobs, readBlob } from './blobs.ts';
import type { Container } from './containers.ts';
import { isThere, onStore } from './failures.ts';

/** Create-only blobs: one Put Blob with `If-None-Match: *`, which a retention lock allows. */
export const blobTruth = (container: Container): TruthStore => ({
  async create(name, bytes) {
    checkBlobName(name);
    return onStore(name, async () => {
      const client = await container.writing(name);
      try {
        await client.upload(bytes, bytes.length, {
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: contentTypeOf(name),
        });
        return 'created';
      } catch (error) {
        if (isThere(error)) return 'exists';
        throw error;
      }
    });
  },
  async read(name) {
    checkBlobName(name);
    return (await readBlob(container, name))?.bytes;
  },
  list: (prefix, after) => listBlobs(container, prefix, after),
});
