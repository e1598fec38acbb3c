import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { archiveStoreContract } from '../../contracts/archive-store.contract.ts';

archiveStoreContract('a folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-folder-'));
  return {
    open: async () => folderArchive({ dir }),
    manyNames: 1_500,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
});
