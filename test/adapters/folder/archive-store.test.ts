import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('what another one is about to name stays; what somebody left long ago goes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-folder-'));
  const unnamed = join(dir, '.new');
  await mkdir(unnamed);
  for (const name of ['now', 'left']) await writeFile(join(unnamed, name), name);
  const yesterday = new Date(Date.now() - 86_400_000);
  await utimes(join(unnamed, 'left'), yesterday, yesterday);
  await using store = folderArchive({ dir });
  await store.state.write('one', Buffer.from('1'), null);
  expect(await readdir(unnamed)).toEqual(['now']);
  await rm(dir, { recursive: true });
});
