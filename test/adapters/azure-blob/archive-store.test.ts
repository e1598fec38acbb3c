import { randomBytes } from 'node:crypto';
import { azureBlobArchive } from '../../../src/adapters/azure-blob/archive-store.ts';
import { archiveStoreContract } from '../../contracts/archive-store.contract.ts';
import { startAzurite } from './azurite.ts';

archiveStoreContract('Azurite', async () => {
  const { connectionString, ...azurite } = await startAzurite();
  const prefix = `t-${randomBytes(6).toString('hex')}`;
  return {
    open: async () => azureBlobArchive({ connectionString, prefix }),
    manyNames: 600,
    [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose](),
  };
});
