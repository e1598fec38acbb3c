import { describe, expect, test } from 'vitest';
import { cases, coverageFaults } from './coverage.ts';
import { cells, nameOf } from './fates.ts';
import { simulate } from './simulation.ts';

/** Enough to see most of what may befall; `npm run simulate` does many more. */
const seeds = 48;
const toldMax = 3;

describe('a simulated world', () => {
  test('no law is broken, whatever befalls the archivers', async () => {
    const broken: string[] = [];
    for (let seed = 0; seed < seeds && broken.length < toldMax; seed += 1) {
      const run = await simulate(seed);
      broken.push(...run.broken.map((what) => `seed ${seed}, ${what}`));
    }
    expect(broken).toEqual([]);
  });

  test('the same seed gives the same run, step by step; another one another', async () => {
    const [lines, again]: [string[], string[]] = [[], []];
    const first = await simulate(11, (line) => lines.push(line));
    const second = await simulate(11, (line) => again.push(line));
    expect(again).toEqual(lines);
    expect(second).toEqual(first);
    expect(lines.length).toBeGreaterThan(300);
    expect((await simulate(11)).hash).toBe(first.hash);
    expect((await simulate(12)).hash).not.toBe(first.hash);
  });

  test('what was never seen is told, and a step that nobody knows', () => {
    const all = new Map([...cells.map(nameOf), ...cases, 'step append tail'].map((one) => [one, 1]));
    expect(coverageFaults(all)).toEqual([]);
    all.delete('late | append tail');
    all.set('step replace tail', 1);
    expect(coverageFaults(all)).toEqual([
      'never seen: late | append tail',
      'a step that is in no table: replace tail',
    ]);
  });
});
