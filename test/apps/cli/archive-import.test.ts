import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../../given/cli.ts';
import { makeCapture } from '../../given/make-capture.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-import-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sample = 'samples/capture';

test('the files of the sample are those that the script makes', async () => {
  await makeCapture(join(dir, 'made'));
  const path = 'hubs/metadata/0/2026/07/20/00/45/00.avro';
  expect(readFileSync(join(dir, 'made', path))).toEqual(readFileSync(join(sample, path)));
});

test('captured history: planned, imported, verified, rebuilt; then it is a log like any other', async () => {
  const data = join(dir, 'data');
  const plan = await cli(['archive', 'import-capture', sample, '--plan', '--data', data]);
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining('152 of 152 will be foreign') });
  expect(plan.stdout).toContain('32-39');
  const words = ['archive', 'import-capture', sample, '--as-events', '--data', data];
  expect(await cli(words)).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT_CONFIRMED') });
  const done = await cli([...words, '--yes', '-o', 'json']);
  expect(done.code, done.stderr).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({
    records: 152,
    outcomes: { event: 152 },
    epoch: 1,
    opens: 2,
  });
  const verified = await cli(['archive', 'verify', '--deep', '--data', data, '-o', 'json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ findings: [], records: 152, epochs: 2 });
  const found = await cli(['search', 'station', '--data', data, '-o', 'json']);
  expect(JSON.parse(found.stdout)).toMatchObject({ total: 12 });
  expect(await cli(['rebuild', 'entities', '--yes', '--data', data])).toMatchObject({ code: 0 });
  const lines = join(dir, 'more.ndjson');
  const urn = 'urn:li:dataset:(urn:li:dataPlatform:kafka,weather.station-3,PROD)';
  writeFileSync(lines, JSON.stringify({ urn, aspect: 'datasetProperties', value: { name: 'renamed' } }));
  expect(await cli(['publish', lines, '--data', data])).toMatchObject({ code: 0 });
  const history = await cli(['history', urn, '--data', data, '--limit', '2']);
  expect(history.stdout).toMatch(/\b2-\d-0\b[\s\S]*\b1-\d-\d+\b/);
  expect(await cli([...words, '--yes'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('DATA_NOT_EMPTY'),
  });
});

test('what an unfinished import left is no log: nothing starts on it, and no other import goes on', async () => {
  const data = join(dir, 'half');
  mkdirSync(join(data, 'state'), { recursive: true });
  writeFileSync(join(data, 'state/importing.json'), JSON.stringify({ v: 1, place: 'elsewhere' }));
  for (const words of [['init'], ['archive', 'import-capture', sample, '--yes']])
    expect(await cli([...words, '--data', data])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/DATA_NOT_EMPTY.*elsewhere/),
    });
});

test.each([
  [['blob:captured/x'], 2, 'ANNAL_BLOB_CONNECTION_STRING'],
  [['blob:X'], 1, 'FILE_UNREADABLE'],
  [['./none'], 1, 'FILE_UNREADABLE'],
  [['samples/story'], 3, 'CAPTURE_EMPTY'],
  [[sample, '--partitions', '0'], 2, 'Give a whole number'],
  [[sample, '--partitions', '1'], 1, 'CAPTURE_INVALID'],
  [[sample, '--layout', '{EventHub}'], 2, 'it has no {PartitionId}'],
  [[sample, '--layout', '{PartitionId}/{PartitionId}'], 2, 'it has a part twice'],
])('%j ends with %i', async (words, code, text) => {
  expect(await cli(['archive', 'import-capture', ...words, '--plan', '--data', dir])).toMatchObject({
    code,
    stderr: expect.stringContaining(text),
  });
});
