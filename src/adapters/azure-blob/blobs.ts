import type { BlobDownloadResponseParsed, BlockBlobClient } from '@azure/storage-blob';
import { type BlobFound, type BlobName, checkPrefix, type ETag } from '../../ports/archive.ts';
import type { Container } from './containers.ts';
import { codeOf, isMissing, onStore, statusOf, unavailable } from './failures.ts';

const rangeBytes = 8 * 1024 * 1024;
const rangesAtOnce = 4;
const rereadsMax = 5;

const typeOf = (blob: BlobName): string => {
  if (blob.endsWith('.json')) return 'application/json';
  // What tlog-tiles wants of a checkpoint.
  return /(?:^checkpoints\/|\/checkpoint$|\.vkey$)/.test(blob)
    ? 'text/plain; charset=utf-8'
    : 'application/octet-stream';
};

export const contentTypeOf = (blob: BlobName): { readonly blobContentType: string } => ({
  blobContentType: typeOf(blob),
});

/** What the service told about a write; without it nothing can be based on the write. */
export function tagOf(blob: BlobName, { etag }: { readonly etag?: string }): ETag {
  if (etag === undefined) throw unavailable(blob, new Error('an answer without etag'));
  return etag;
}

/**
 * The blob's bytes of one content, or undefined. Blobs above 8 MiB come in ranges, 4 at a time, each bound to
 * the content of the first: if another one was written meanwhile, reading begins again.
 */
export async function readBlob(
  container: Container,
  blob: BlobName,
): Promise<{ readonly bytes: Buffer; readonly etag: ETag } | undefined> {
  return onStore(blob, async () => {
    const client = (await container.reading()).getBlockBlobClient(blob);
    for (let reads = 0; ; reads++) {
      try {
        return await readOnce(client, blob);
      } catch (error) {
        if (isMissing(error)) return undefined;
        if (statusOf(error) !== 412 || reads === rereadsMax) throw error;
      }
    }
  });
}

async function readOnce(client: BlockBlobClient, blob: BlobName) {
  const first = await client.download(0, rangeBytes).catch((error: unknown) => {
    // An empty blob has no first range.
    if (codeOf(error) === 'InvalidRange' || statusOf(error) === 416) return client.download();
    throw error;
  });
  const etag = tagOf(blob, first);
  const total = totalOf(first);
  const bytes = Buffer.allocUnsafeSlow(total);
  const filled = await fill(bytes, first);
  if (filled < total) {
    await client.downloadToBuffer(bytes.subarray(filled), filled, total - filled, {
      blockSize: rangeBytes,
      concurrency: rangesAtOnce,
      conditions: { ifMatch: etag },
    });
  }
  return { bytes, etag };
}

/** Length of the whole blob, of which an answer may be a range. */
function totalOf({ contentRange, contentLength }: BlobDownloadResponseParsed): number {
  const total = Number(contentRange?.split('/')[1] ?? contentLength);
  if (!Number.isSafeInteger(total)) throw new Error('an answer without length');
  return total;
}

async function fill(bytes: Buffer, { readableStreamBody }: BlobDownloadResponseParsed): Promise<number> {
  let at = 0;
  for await (const chunk of readableStreamBody ?? []) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (at + part.length > bytes.length) throw new Error('more bytes than the answer announced');
    bytes.set(part, at);
    at += part.length;
  }
  return at;
}

/**
 * Blobs below `prefix`, page by page. A service that knows `startFrom` (inclusive) begins there; older ones and
 * the emulator list from the beginning, and earlier names are passed over here. It lists in byte order, except
 * with a hierarchical namespace, which is refused when seen.
 */
export async function* listBlobs(
  container: Container,
  prefix: string,
  after: BlobName = '',
): AsyncGenerator<BlobFound, void> {
  checkPrefix(prefix);
  let before = '';
  try {
    const from = after > prefix && after.startsWith(prefix) ? { startFrom: after } : {};
    const found = (await container.reading()).listBlobsFlat({ prefix, ...from });
    const pages = found.byPage({ maxPageSize: 5_000 });
    for await (const page of pages) {
      for (const { name, properties } of page.segment.blobItems) {
        if (name <= before) throw new Error('names are not listed in order: a hierarchical namespace?');
        before = name;
        if (name > after) yield { name, bytes: properties.contentLength ?? 0 };
      }
    }
  } catch (error) {
    throw unavailable(`${container.name}/${prefix}`, error);
  }
}
