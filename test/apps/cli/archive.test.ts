import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { cli } from '../../given/cli.ts';
import { makeWhole, wholeSigner } from '../../given/whole-archive.ts';

let root: string;
let whole: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'annal-care-'));
  whole = join(root, 'whole');
  await using store = folderArchive({ dir: whole });
  await makeWhole(store);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let copies = 0;
const copied = (): string => {
  copies += 1;
  const dir = join(root, `copy-${copies}`);
  cpSync(whole, dir, { recursive: true });
  return dir;
};
const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
};
const tile = (dir: string): string => join(dir, 'state/trees/annal/1/0/tile/0/001');
const segment = (dir: string): string => join(dir, 'archive/segments/annal/1/0/00000000000000000487.avro');

describe('archive verify', () => {
  test('0: a whole one, in each form of output', async () => {
    const table = await cli(['archive', 'verify', '--deep', '--data', whole]);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toContain('sound, 990 records read and hashed');
    expect(table.stdout).toContain('hole 300-309 gap 700-799');
    const json = await cli(['archive', 'verify', '--data', whole, '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ truth: 0, derived: 0, findings: [], deep: false });
    expect(await cli(['archive', 'verify', '--data', whole, '-o', 'ndjson'])).toMatchObject({
      ...{ code: 0, stdout: '' },
    });
  });

  test('6: what is derived, until it is made again', async () => {
    const dir = copied();
    flip(tile(dir), 70);
    expect(await cli(['archive', 'verify', '--data', dir])).toMatchObject({
      code: 6,
      stdout: expect.stringContaining('tile altered'),
      stderr: expect.stringContaining('--repair'),
    });
    const repaired = await cli(['archive', 'verify', '--deep', '--repair', '--data', dir]);
    expect(repaired).toMatchObject({ code: 0, stdout: expect.stringContaining('made again') });
    expect(await cli(['archive', 'verify', '--deep', '--data', dir])).toMatchObject({ code: 0 });
  });

  test('6: what is truth, of a copy as well, and no repair touches it', async () => {
    const dir = copied();
    flip(segment(dir), 1_500);
    const before = readFileSync(segment(dir));
    for (const words of [
      ['--archive', dir],
      ['--archive', join(dir, 'archive')],
      ['--data', dir, '--repair'],
    ]) {
      const { code, stdout } = await cli(['archive', 'verify', '--deep', ...words, '-o', 'ndjson']);
      expect(code).toBe(6);
      const [first] = stdout
        .split('\n')
        .map((line) => JSON.parse(line || '{}') as { blob?: string; of?: string });
      expect(first).toMatchObject({
        of: 'truth',
        blob: expect.stringContaining('/00000000000000000487.avro'),
      });
    }
    expect(readFileSync(segment(dir))).toEqual(before);
  });

  test('keys and checkpoints of the auditor: as text or in files', async () => {
    const verify = (...words: string[]) => cli(['archive', 'verify', '--archive', whole, ...words]);
    const [key, kept] = [join(root, 'log.vkey'), join(root, 'kept')];
    writeFileSync(key, `${wholeSigner.vkey}\n`);
    cpSync(join(whole, 'archive/checkpoints/annal/1/0/00000000000000000992'), kept);
    expect((await verify('--key', key, '--checkpoint', kept)).code).toBe(0);
    expect((await verify('--key', wholeSigner.vkey)).stdout).toContain('keys that were given');
    expect((await verify('--key', 'nonsense')).code).toBe(2);
    expect((await verify('--checkpoint', key)).code).toBe(2);
  });

  test('2 and 3: a moment that is none, an archive that is none', async () => {
    expect((await cli(['archive', 'verify', '--data', whole, '--since', 'then'])).code).toBe(2);
    expect((await cli(['archive', 'verify', '--archive', join(root, 'none')])).code).toBe(3);
  });
});

describe('a gap on record', () => {
  test('doctor warns of it', async () => {
    const { code, stdout } = await cli(['doctor', '--data', whole]);
    expect(code).toBe(0);
    expect(stdout).toContain('ARCHIVE_GAP: 1-0: offsets 700 to 799');
  });

  test('6: status tells it, and tells the lanes of the epoch that is open', async () => {
    const dir = copied();
    expect((await cli(['recover', '--in-place', '--yes', '--data', dir])).code).toBe(0);
    const { code, stdout, stderr } = await cli(['archive', 'status', '--data', dir, '-o', 'json']);
    expect(code, stderr).toBe(6);
    const told = JSON.parse(stdout) as { items: unknown[]; missing: unknown[]; alarms: string[] };
    expect(told.items.length).toBeGreaterThan(0);
    expect(told.missing).toEqual([
      { kind: 'hole', epoch: 1, partition: 0, first: 300, next: 310 },
      { kind: 'gap', epoch: 1, partition: 0, first: 700, next: 800 },
    ]);
    expect(told.alarms).toEqual([expect.stringContaining('offsets 700 to 799')]);
    const table = await cli(['archive', 'status', '--data', dir]);
    expect(table.stdout).toMatch(/PARTITION +LOG END +ARCHIVED/);
    expect(table.stdout).toMatch(/gap +1 +0 +700-799/);
  });
});
