import { randomBytes } from 'node:crypto';
import { azureBlobArchive } from '../../../../src/adapters/azure-blob/archive-store.ts';
import { archiveStoreContract } from '../../../contracts/archive-store.contract.ts';
import { addressVariables } from '../../addresses.ts';

// More names than one page of a list holds.
const manyNames = 5_500;

archiveStoreContract('Azure Blob by address', async () => {
  const connectionString = process.env[addressVariables.azurite];
  if (!connectionString)
    throw new Error(`${addressVariables.azurite} is not set: run \`npm run test:services\``);
  const prefix = `t-${randomBytes(6).toString('hex')}`;
  return {
    manyNames,
    open: async () => azureBlobArchive({ connectionString, prefix }),
    async [Symbol.asyncDispose]() {
      const { BlobServiceClient } = await import('@azure/storage-blob');
      const service = BlobServiceClient.fromConnectionString(connectionString);
      for (const kind of ['archive', 'state']) await service.deleteContainer(`${prefix}-${kind}`);
    },
  };
});
