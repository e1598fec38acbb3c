import { expect, test } from 'vitest';
import { liveClaim, withClaim } from '../../src/streams/claim.ts';
import { claimStaleMs } from '../../src/streams/heartbeat.ts';
import { type ManualClock, manualClock } from '../given/manual-clock.ts';
import { type MemoryState, memoryState } from '../given/memory-state.ts';

const projection = 'entities';

/** Holds the claim until told to end; `held` resolves once it does. */
function holding(state: MemoryState, clock: ManualClock, id: string) {
  const [held, end] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
  const done = withClaim({ state, clock, projection }, { id, kind: 'rebuild' }, async (lost) => {
    held.resolve(lost);
    await end.promise;
  });
  done.catch(held.reject);
  return { held: held.promise, end: end.resolve, done };
}

test('a claim that is held refuses the next, with the id of its holder', async () => {
  const [state, clock] = [memoryState(), manualClock()];
  const first = holding(state, clock, 'first');
  await first.held;
  for (const waitMs of [0, claimStaleMs, 10 * claimStaleMs]) {
    await clock.advance(waitMs);
    await expect(holding(state, clock, 'second').held).rejects.toMatchObject({
      code: 'REBUILD_RUNNING',
      facts: { id: 'first', kind: 'rebuild' },
    });
  }
  expect(await liveClaim(state, projection, clock)).toMatchObject({ id: 'first' });
  first.end();
  await first.done;
  expect(await liveClaim(state, projection, clock)).toBeUndefined();
  const second = holding(state, clock, 'second');
  await second.held;
  expect(await liveClaim(state, projection, clock)).toMatchObject({ id: 'second', fence: 2 });
  second.end();
  await second.done;
});

test('a claim whose holder fell silent is taken over, and the holder learns of it when it is back', async () => {
  const [state, clock] = [memoryState(), manualClock()];
  const silent = holding(state, clock, 'silent');
  const lost = await silent.held;
  state.fortune = () => 'refused';
  await clock.advance(claimStaleMs - 1);
  expect(lost.aborted).toBe(false);
  state.fortune = () => 'ok';
  const later = manualClock(clock.now() + 1);
  const other = holding(state, later, 'other');
  await other.held;
  expect(await liveClaim(state, projection, later)).toMatchObject({ id: 'other', fence: 2 });
  await clock.advance(claimStaleMs);
  expect(lost.aborted).toBe(true);
  silent.end();
  await silent.done;
  expect(await liveClaim(state, projection, later)).toMatchObject({ id: 'other' });
  other.end();
  await other.done;
});
