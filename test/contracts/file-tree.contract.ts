import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { folderReaders, tableReaders } from '../../src/adapters/scan/registry.ts';
import { isFault } from '../../src/domain/fault.ts';
import { scanFolder } from '../../src/intake/scan.ts';
import { gatherScan } from '../../src/intake/scan-found.ts';
import type { FileTree } from '../../src/ports/file-tree.ts';
import { add, checkpoint, commit, metaData, protocol, stats, version } from '../given/delta.ts';
import { memoryFiles } from '../given/memory-files.ts';

/** Folders and files, and what somebody else does who writes them. */
export interface TreeUnderTest extends AsyncDisposable {
  readonly tree: FileTree;
  /** Writes a file whole, so long ago that nobody writes it now. */
  put(path: string, content: string | Uint8Array): Promise<void>;
}

const lake: Readonly<Record<string, string | Uint8Array>> = {
  'shop/orders.csv': 'id,name\n1,x\n',
  'shop/daily/2024-01.csv': 'id\n1\n',
  'shop/daily/2024-02.csv': 'id\n2\n',
  'shop/broken.parquet': 'PAR1',
  'shop/people.parquet': new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: 'id', data: [1n, 2n], type: 'INT64' }] }),
  ),
  [`web/hits/_delta_log/${version(1)}.checkpoint.parquet`]: checkpoint([
    protocol,
    metaData,
    add('a', 10, stats(3, 1, 9)),
  ]),
  [`web/hits/_delta_log/${version(2)}.json`]: commit(add('b', 5, stats(1, 20, 20))),
};

/** The laws of the file-tree port. */
export function fileTreeContract(name: string, open: () => Promise<TreeUnderTest>): void {
  const filled = async (): Promise<TreeUnderTest> => {
    const under = await open();
    for (const [path, content] of Object.entries(lake)) await under.put(path, content);
    return under;
  };
  const sorted = async (tree: FileTree, folder: string, stamped?: boolean) =>
    (await tree.list(folder, stamped)).toSorted((a, b) => (a.name < b.name ? -1 : 1));

  describe(`files: ${name}`, () => {
    test('a folder lists what stands directly in it', async () => {
      await using under = await filled();
      expect(await sorted(under.tree, '')).toEqual([
        { name: 'shop', kind: 'folder' },
        { name: 'web', kind: 'folder' },
      ]);
      expect(await sorted(under.tree, 'shop')).toEqual([
        { name: 'broken.parquet', kind: 'file' },
        { name: 'daily', kind: 'folder' },
        { name: 'orders.csv', kind: 'file' },
        { name: 'people.parquet', kind: 'file' },
      ]);
    });

    test('a file is read in ranges, fewer bytes only at its end', async () => {
      await using under = await filled();
      await using file = await under.tree.open('shop/orders.csv');
      const text = async (offset: number, length: number): Promise<string> =>
        Buffer.from(await file.read(offset, length)).toString();
      expect(file).toMatchObject({ path: 'shop/orders.csv', bytes: 12 });
      expect([await text(3, 4), await text(8, 100), await text(12, 5)]).toEqual(['name', '1,x\n', '']);
    });

    test('what is not there cannot be opened', async () => {
      await using under = await filled();
      for (const path of ['none.csv', 'shop/none/a.csv'])
        await expect(under.tree.open(path)).rejects.toSatisfy((error) => isFault(error, 'FILE_UNREADABLE'));
    });

    test('a stamp is another one once the bytes are, and is given where it is asked for', async () => {
      await using under = await filled();
      const stampOf = async (path: string): Promise<string | undefined> =>
        (await under.tree.list('shop', true)).find((entry) => entry.name === path)?.stamp;
      const before = [await stampOf('orders.csv'), await stampOf('people.parquet')];
      expect(before.every((stamp) => typeof stamp === 'string')).toBe(true);
      await under.put('shop/orders.csv', 'id,name\n1,yy\n');
      const after = [await stampOf('orders.csv'), await stampOf('people.parquet')];
      expect([after[0] === before[0], after[1] === before[1]]).toEqual([false, true]);
      expect((await sorted(under.tree, '', true)).map(({ stamp }) => stamp)).toEqual([undefined, undefined]);
    });

    test('a scan finds the same, wherever the files lie', async () => {
      await using under = await filled();
      const options = { source: 'lake', readers: tableReaders, folderReaders, seenAtMs: 1 };
      const found = await gatherScan(scanFolder(under.tree, options));
      expect(found).toEqual(await gatherScan(scanFolder(memoryFiles(lake), options)));
      expect(found.entities).toHaveLength(6);
      expect(found.refused).toMatchObject([{ path: 'shop/broken.parquet', code: 'FILE_MALFORMED' }]);
    });
  });
}
