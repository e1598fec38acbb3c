import { BlobServiceClient } from '@azure/storage-blob';

/** Every blob of a container below a prefix, past our adapter. */
export async function readBlobs(
  connectionString: string,
  container: string,
  prefix = '',
): Promise<ReadonlyMap<string, Buffer>> {
  const client = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  const blobs = new Map<string, Buffer>();
  for await (const { name } of client.listBlobsFlat({ prefix }))
    blobs.set(name, await client.getBlockBlobClient(name).downloadToBuffer());
  return blobs;
}
