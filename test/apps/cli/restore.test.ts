import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { cli } from '../../given/cli.ts';
import { makeWhole } from '../../given/whole-archive.ts';

let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'annal-restore-'));
  await using store = folderArchive({ dir: join(dir, 'whole') });
  await makeWhole(store);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a plan needs no broker, and tells holes and gaps', async () => {
  const data = join(dir, 'whole');
  const json = await cli(['restore', '--plan', '--data', data, '-o', 'json']);
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ...{ topic: 'annal.restored.1', partitions: 1, events: 990, until: '1:1100', resumes: null },
    ...{ holes: { ranges: 1, offsets: 10 }, gaps: { ranges: 1, offsets: 100 } },
  });
  const table = await cli(['restore', '--plan', '--data', data, '--as-of', '1:750']);
  expect(table.stdout).toContain('gap: offsets 700 to 749 of 1-0 were lost before they were archived');
});

test('without a broker it says which setting is missing, and leaves the folder alone', async () => {
  const data = join(dir, 'copy');
  cpSync(join(dir, 'whole'), data, { recursive: true });
  expect(await cli(['restore', '--yes', '--data', data])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ANNAL_KAFKA_BROKERS is missing: history is published to a broker'),
  });
  expect(JSON.parse((await cli(['restore', '--plan', '--data', data, '-o', 'json'])).stdout)).toMatchObject({
    topic: 'annal.restored.1',
  });
});

test.each([
  [['--epoch', '2'], 3, 'EPOCH_UNKNOWN'],
  [['--epoch', 'x'], 2, 'Give a whole number from 1 to 511'],
  [['--as-of', '1:2000'], 1, 'CUT_INVALID'],
  [['--as-of', '1:0'], 3, 'RESTORE_EMPTY'],
  [['--as-of', 'soon'], 2, 'MOMENT_INVALID'],
])('%j ends with %i', async (words, code, text) => {
  expect(await cli(['restore', '--plan', ...words, '--data', join(dir, 'whole')])).toMatchObject({
    code,
    stderr: expect.stringContaining(text),
  });
});

test.each([
  ['init'],
  ['run', 'archiver'],
  ['run', 'projector'],
  ['epoch', 'list'],
])('%s %s takes no restored topic for a log', async (...words) => {
  const env = { ANNAL_TOPIC: 'annal.restored.1' };
  expect(await cli([...words, '--data', join(dir, 'none')], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ANNAL_TOPIC may not be a restored topic'),
  });
});
