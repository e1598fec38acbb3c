import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { drain } from '../../src/streams/drain.ts';

/** A few turns of the loop of events: whatever is not held back happens. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('drain', () => {
  test('asks for the next only when the work on the one before has ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), fc.nat(3), async (workTurns, pullTurns) => {
        let [pulled, worked] = [0, 0];
        let ahead = 0;
        const pull = async (): Promise<number | undefined> => {
          ahead = Math.max(ahead, pulled - worked);
          await turns(pullTurns);
          return pulled < workTurns.length ? pulled++ : undefined;
        };
        const work = async (item: number): Promise<number> => {
          await turns(workTurns[item]!);
          worked += 1;
          return item;
        };
        const results = await lastValueFrom(drain(pull, work).pipe(toArray()));
        expect(results).toEqual(workTurns.map((_, item) => item));
        expect(ahead).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('work that does not end holds everything back', async () => {
    let pulled = 0;
    const subscription = drain(
      async () => pulled++,
      () => new Promise<never>(() => {}),
    ).subscribe();
    await turns(50);
    subscription.unsubscribe();
    expect(pulled).toBe(1);
  });

  test('pulls nothing before it is subscribed to, and nothing after it is left', async () => {
    let pulled = 0;
    const lane = drain(
      async () => pulled++,
      () => turns(1),
    );
    await turns(5);
    expect(pulled).toBe(0);
    const subscription = lane.subscribe();
    await turns(20);
    subscription.unsubscribe();
    const left = pulled;
    expect(left).toBeGreaterThan(1);
    await turns(20);
    expect(pulled).toBe(left);
  });

  test.each(['pull', 'work'])('an error of %s ends it', async (where) => {
    let calls = 0;
    const failing = async (): Promise<number> => {
      calls += 1;
      if (calls === 3) throw new RangeError(where);
      return calls;
    };
    const fine = async (): Promise<number> => 1;
    const lane = where === 'pull' ? drain(failing, fine) : drain(fine, failing);
    await expect(lastValueFrom(lane)).rejects.toThrow(where);
    expect(calls).toBe(3);
  });
});
