import { randomBytes } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { expect, test } from 'vitest';
import { blobTree } from '../../../../src/adapters/azure-blob/blob-tree.ts';
import { isFault } from '../../../../src/domain/fault.ts';
import { fileTreeContract, type TreeUnderTest } from '../../../contracts/file-tree.contract.ts';
import { addresses } from '../../addresses.ts';

const { blobConnectionString: connectionString } = addresses();
const service = BlobServiceClient.fromConnectionString(connectionString);

async function blobs(): Promise<TreeUnderTest> {
  const container = `lake-${randomBytes(6).toString('hex')}`;
  const client = service.getContainerClient(container);
  await client.create();
  return {
    tree: blobTree({ account: { connectionString }, container, prefix: 'in' }),
    async put(path, content) {
      const bytes = Buffer.from(content);
      await client.getBlockBlobClient(`in/${path}`).upload(bytes, bytes.length);
    },
    [Symbol.asyncDispose]: async () => void (await client.delete()),
  };
}

fileTreeContract('Azure Blob', blobs);

test('a blob that is written anew while it is read cannot be read; the account is not blamed', async () => {
  await using under = await blobs();
  await under.put('a.csv', 'id\n1\n');
  await using file = await under.tree.open('a.csv');
  await under.put('a.csv', 'id\n2\n');
  await expect(file.read(0, 5)).rejects.toSatisfy((error) => isFault(error, 'FILE_UNREADABLE'));
});
