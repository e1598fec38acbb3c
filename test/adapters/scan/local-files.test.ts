import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localFiles } from '../../../src/adapters/scan/local-files.ts';
import { tableReaders } from '../../../src/adapters/scan/registry.ts';
import { isFault } from '../../../src/domain/fault.ts';
import { scanFolder } from '../../../src/intake/scan.ts';
import { gatherScan } from '../../../src/intake/scan-found.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'annal-scan-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, content: string): string => {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const scan = async () =>
  gatherScan(scanFolder(await localFiles(root), { source: 'test', readers: tableReaders }));
const unreadable = (error: unknown): boolean => isFault(error, 'FILE_UNREADABLE');

test('reads ranges, short only at the end', async () => {
  put('a.csv', 'id,name\n1,x\n');
  const tree = await localFiles(root);
  await using file = await tree.open('a.csv');
  expect(file.bytes).toBe(12);
  expect(Buffer.from(await file.read(3, 4)).toString()).toBe('name');
  expect(Buffer.from(await file.read(8, 100)).toString()).toBe('1,x\n');
  expect(await file.read(12, 5)).toHaveLength(0);
});

test('a folder, a pipe, a link and nothing at all cannot be opened as a file', async () => {
  mkdirSync(join(root, 'folder.csv'));
  execFileSync('mkfifo', [join(root, 'pipe.csv')]);
  symlinkSync(put('real.csv', 'a\n1\n'), join(root, 'link.csv'));
  const tree = await localFiles(root);
  for (const path of ['folder.csv', 'pipe.csv', 'link.csv', 'missing.csv', 'real.csv/x.csv'])
    await expect(tree.open(path), path).rejects.toSatisfy(unreadable);
  await expect(tree.list('real.csv')).rejects.toSatisfy(unreadable);
});

test('a missing folder or a file is no root, a link to a folder is', async () => {
  await expect(localFiles(join(root, 'missing'))).rejects.toSatisfy(unreadable);
  await expect(localFiles(put('a.csv', 'a\n1\n'))).rejects.toSatisfy(unreadable);
  symlinkSync(root, join(root, 'self'));
  expect((await localFiles(join(root, 'self'))).place).toBe((await localFiles(root)).place);
});

test('links are passed over, wherever they lead; a loop ends', async () => {
  put('shop/orders.csv', 'id\n1\n');
  symlinkSync('/etc', join(root, 'shop', 'etc'));
  symlinkSync(root, join(root, 'shop', 'loop'));
  symlinkSync(join(root, 'nowhere'), join(root, 'shop', 'dangling.csv'));
  symlinkSync(join(root, 'shop', 'orders.csv'), join(root, 'shop', 'latest.csv'));
  execFileSync('mkfifo', [join(root, 'shop', 'pipe.csv')]);
  const found = await scan();
  expect(found.entities.map(({ path }) => path)).toEqual(['shop/', 'shop/orders.csv']);
  expect(found.skipped.map(({ path, why }) => `${path} ${why}`)).toEqual([
    'shop/dangling.csv link',
    'shop/etc link',
    'shop/latest.csv link',
    'shop/loop link',
    'shop/pipe.csv special',
  ]);
  expect(found.refused).toEqual([]);
});

test('of a file of 3 GB only the sample is read', async () => {
  const file = put('shop/huge.ndjson', `${'{"id":1,"name":"x"}\n'.repeat(60_000)}`);
  truncateSync(file, 3 * 1024 ** 3);
  const before = process.memoryUsage.rss();
  const [, table] = (await scan()).entities;
  expect(table!.aspects.get('datasetProperties')).toMatchObject({
    customProperties: { bytes: String(3 * 1024 ** 3), rowsSampled: '1000', readWhole: 'false' },
  });
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
});

test('names of every kind are scanned', async () => {
  for (const name of ['-__proto__', 'constructor', 'a,b (c)', '100% ünï', "it's", '-rf', 'new\nline', '‮evil'])
    put(`shop/${name}.csv`, 'id\n1\n');
  writeFileSync(
    Buffer.concat([Buffer.from(`${root}/shop/`), Buffer.from([0xff, 0xfe]), Buffer.from('.csv')]),
    'id\n1\n',
  );
  const found = await scan();
  expect(found.entities.length).toBe(9);
  expect(found.refused).toMatchObject([{ code: 'FILE_UNREADABLE', reason: 'the name is not valid Unicode' }]);
});
