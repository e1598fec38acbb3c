import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFile } from '../../../src/adapters/file-log/disk.ts';
import { promptDisk } from '../../../src/adapters/folder/prompt-disk.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-prompt-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.for([
  0,
  1,
  256 * 1024,
  256 * 1024 + 1,
  3_000_000,
])('a file of %i bytes is read as it is', async (length) => {
  const path = join(dir, String(length));
  const bytes = Buffer.from(Uint8Array.from({ length }, (_, at) => at * 31));
  await writeFile(path, bytes);
  expect((await readFile(promptDisk, path))?.equals(bytes)).toBe(true);
  await using file = await promptDisk.open(path, 'read');
  expect(await file.read(length >> 1, length)).toEqual(bytes.subarray(length >> 1));
  await expect(file.write(0, bytes)).rejects.toThrow(TypeError);
});

test('one that is missing is none', async () => {
  expect(await readFile(promptDisk, join(dir, 'missing'))).toBeUndefined();
});
