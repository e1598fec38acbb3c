import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { alternating, median, medianRatio } from './measure.ts';

const folder = mkdtempSync(join(tmpdir(), 'annal-quick-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bench = (...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('./run.ts', import.meta.url)), ...args], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
  });

// What it says of speed is for people; here it has to say something, and to leave nothing behind.
test('rows that need no server, in their quick form', { timeout: 180_000 }, () => {
  const { status, stdout, stderr } = bench('help', 'intake', '--quick');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const figures = stdout.split('\n').filter((line) => line.startsWith('  '));
  expect(figures.map((line) => line.slice(2, 46).trim())).toEqual([
    'annal --help',
    'POST /v1/events',
    'within the process',
  ]);
  for (const line of figures) expect(line).toMatch(/^.{46} [1-9]\d*/);
  expect(stdout).toMatch(/^\d+ cores .*, load \d+\.\d; /);
  expect(readdirSync(folder)).toEqual([]);
});

test('an unknown row or size is refused', () => {
  for (const args of [['rebuld'], ['help', '--rounds', '0']])
    expect(bench(...args)).toMatchObject({ status: 1, stdout: '' });
});

test('medians, and rounds that alternate', async () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(medianRatio([2, 9, 4], [1, 3, 8])).toBe(2);
  const order: string[] = [];
  const noted = (name: string) => async (round: number) => order.push(`${name}${round}`);
  await alternating(2, noted('a'), noted('b'));
  expect(order).toEqual(['a0', 'b0', 'a1', 'b1']);
});
