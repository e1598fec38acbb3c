import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { writeReport } from '../../../src/apps/cli/restore-report.ts';
import type { Session } from '../../../src/apps/cli/session.ts';
import type { RestoreReport } from '../../../src/streams/restore.ts';
import type { RestorePlan } from '../../../src/streams/restore-plan.ts';
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
  [['--as-of', '1:2000'], 2, 'CUT_INVALID'],
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

test('a topic that differs ends with 6, and says where', async () => {
  const written: string[] = [];
  const write = async (text: string): Promise<void> => void written.push(text);
  const note = (line: string): void => void written.push(line);
  const io = { stdin: process.stdin, stdout: new PassThrough(), stderr: new PassThrough(), env: {} };
  const session: Session = {
    ...{ io: { ...io, signal: new AbortController().signal }, output: 'table', colour: false, quiet: false },
    ...{ data: undefined, url: undefined, write, note },
  };
  const asked = { epoch: null, partitions: null, asOf: null };
  const plan: RestorePlan = {
    ...{ topic: 'annal.restored.1', k: 1, partitions: 1, asked, until: { epoch: 1, next: [3] }, epochs: 1 },
    ...{ events: 3, segments: 1, bytes: 100, missing: [], byKey: [], resumes: null, passedOver: [] },
  };
  const lane = {
    ...{ partition: 0, archive: { records: 2, digest: 'aa' }, topic: { records: 1, digest: 'bb' } },
    ...{ equal: false, differsAt: '1-0-1' },
  };
  const report: RestoreReport = {
    ...{ topic: plan.topic, partitions: 1, records: 1, published: 1, omitted: 1, lanes: [lane] },
    ...{ omittedFirst: [{ position: '1-0-2', bytes: 1_040_000 }], equal: false, publishMs: 1, compareMs: 1 },
  };
  expect(await writeReport(session, plan, report)).toBe(6);
  for (const text of ['DIFFERS', '1-0-1', 'aa bb', '1-0-2 has 1,040,000 bytes', '1 partition differ'])
    expect(written.join(''), text).toContain(text);
});
