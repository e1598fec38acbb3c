import { expect, test } from 'vitest';
import { simulateTurn } from '../given/epoch-simulation.ts';

const seeds = Array.from({ length: 40 }, (_, n) => n + 1);

test('events are published while an epoch ends: what is acknowledged is folded, in the order in which it was', async () => {
  const seen = { stragglers: 0, failures: 0, before: 0, after: 0 };
  for (const seed of seeds) {
    const { acknowledged, folded, stragglers, failures, ackedIn } = await simulateTurn(seed);
    // Clients send on until all is acknowledged, so nothing else may be folded.
    expect(Object.fromEntries(folded), `seed ${seed}`).toEqual(Object.fromEntries(acknowledged));
    seen.stragglers += stragglers;
    seen.failures += failures;
    seen.before += ackedIn[0];
    seen.after += ackedIn[1];
  }
  // It did happen: appends failed, came behind the end, and both epochs took events in.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(9);
});
