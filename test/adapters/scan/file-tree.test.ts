import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { localFiles } from '../../../src/adapters/scan/local-files.ts';
import { fileTreeContract } from '../../contracts/file-tree.contract.ts';

const yesterday = new Date(Date.now() - 86_400_000);

fileTreeContract('a folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'annal-tree-'));
  return {
    tree: await localFiles(root),
    async put(path, content) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      await utimes(file, yesterday, yesterday);
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
});
