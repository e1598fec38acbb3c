import { describe, expect, test } from 'vitest';
import { crashWorld } from './crash-world.ts';

// The power goes, the process is killed, an operation fails, at any point, again and again, on a disk that
// loses or tears whatever was not synced. Each life begins by comparing the whole log with what callers were
// told in all lives before.

const seeds = 600;
const groups = 12;

describe('a file log survives its machine', () => {
  test.for(
    Array.from({ length: groups }, (_, group) => group),
  )('every 12th seed from %i on', async (group) => {
    for (let seed = group; seed < seeds; seed += groups) {
      const { random, disk, live } = crashWorld(seed);
      try {
        for (let lives = 0; lives < 6; lives++) {
          if (random.chance(0.8)) disk.crashAfter(random.below(200));
          if (random.chance(0.2)) disk.failAfter(random.below(100));
          await live();
          if (random.chance(0.3)) disk.kill();
          else disk.restart();
        }
        await live();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });

  test('the seeds reach torn tails', async () => {
    let torn = 0;
    for (let seed = 0; seed < 100; seed++) {
      const world = crashWorld(seed);
      for (let lives = 0; lives < 6; lives++) {
        world.disk.crashAfter(world.random.below(200));
        await world.live();
        world.disk.restart();
      }
      torn += world.torn.length;
    }
    expect(torn).toBeGreaterThan(5);
  });
});
