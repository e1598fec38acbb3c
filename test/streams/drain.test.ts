import fc from 'fast-check';
import { lastValueFrom, merge, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { drain } from '../../src/streams/drain.ts';

/** A source that counts what was pulled, and tells whether anybody pulled while work was going on. */
function countedSource(length: number) {
  const source = {
    pulls: 0,
    done: 0,
    pull: async (): Promise<number | undefined> => {
      expect(source.pulls, 'nothing is pulled ahead of the work').toBe(source.done);
      if (source.pulls === length) return undefined;
      source.pulls += 1;
      return source.pulls;
    },
    work: async (pulled: number): Promise<number> => {
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      source.done += 1;
      return pulled;
    },
  };
  return source;
}

test('nothing is pulled ahead of the work, and all is worked on in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(40), async (length) => {
      const source = countedSource(length);
      const results = await lastValueFrom(drain(source.pull, source.work).pipe(toArray()));
      expect(results).toEqual(Array.from({ length }, (_, at) => at + 1));
    }),
    { numRuns: 30 },
  );
});

test('lanes side by side: one that never goes on holds up no other', async () => {
  const stuck = drain(
    () => new Promise<number | undefined>(() => undefined),
    async (pulled) => pulled,
  );
  const sources = [countedSource(20), countedSource(30)];
  const seen: number[] = [];
  const finished = Promise.withResolvers<void>();
  const subscription = merge(stuck, ...sources.map(({ pull, work }) => drain(pull, work))).subscribe({
    next(one) {
      seen.push(one);
      if (seen.length === 50) finished.resolve();
    },
    error: finished.reject,
  });
  await finished.promise;
  subscription.unsubscribe();
  expect(sources.map(({ done }) => done)).toEqual([20, 30]);
});

test('an error of the work ends the stream, and nothing more is pulled', async () => {
  const source = countedSource(10);
  const failing = drain(source.pull, async (pulled) => {
    if (pulled === 4) throw new Error('the sink is away');
    return source.work(pulled);
  });
  await expect(lastValueFrom(failing)).rejects.toThrow('the sink is away');
  expect(source.pulls).toBe(4);
});

test('a subscription that is given up pulls no more', async () => {
  const source = countedSource(1_000);
  const enough = Promise.withResolvers<void>();
  const subscription = drain(source.pull, source.work).subscribe({
    next(pulled) {
      if (pulled !== 3) return;
      subscription.unsubscribe();
      enough.resolve();
    },
    error: enough.reject,
  });
  await enough.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(source.pulls).toBe(3);
});
