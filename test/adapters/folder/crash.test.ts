import { describe, expect, test } from 'vitest';
import { archiveWorld } from './crash-world.ts';

// The power goes, the process is killed, an operation fails, the disk is full, at any point. Each life begins
// by comparing every blob with what callers were told in all lives before.

const seeds = 250;
const groups = 10;

describe('a folder archive survives its machine', () => {
  test.for(
    Array.from({ length: groups }, (_, group) => group),
  )('every 10th seed from %i on', async (group) => {
    let changes = 0;
    for (let seed = group; seed < seeds; seed += groups) {
      const world = archiveWorld(seed);
      try {
        for (let lives = 0; lives < 6; lives++) {
          if (world.random.chance(0.8)) world.disk.crashAfter(world.random.below(400));
          if (world.random.chance(0.3)) world.disk.failAfter(world.random.below(300));
          await world.live();
          if (world.random.chance(0.3)) world.disk.kill();
          else world.disk.restart();
        }
        await world.live();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      changes += world.changes();
    }
    expect(changes).toBeGreaterThan(500);
  });
});
