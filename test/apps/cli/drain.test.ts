import { expect, test } from 'vitest';
import { drain } from '../../../src/apps/cli/drain.ts';

/** Ends once `ended` does. */
const endingWith = (ended: Promise<void>): AsyncDisposable => ({ [Symbol.asyncDispose]: () => ended });

async function drained(ended: Promise<void>, graceMs: number): Promise<{ code: number; said: string }> {
  const said: string[] = [];
  const stderr = { write: (line: string) => said.push(line) };
  return { code: await drain(endingWith(ended), graceMs, stderr), said: said.join('') };
}

test('what ends in time ends well, and silently', async () => {
  expect(await drained(Promise.resolve(), 60_000)).toEqual({ code: 0, said: '' });
});

test('what hangs is left when the grace time is over, with a reason and a code above 0', {
  timeout: 5_000,
}, async () => {
  const { code, said } = await drained(new Promise(() => undefined), 20);
  expect(code).toBe(1);
  expect(said).toMatch(/^annal: DRAIN_LATE: .*graceMs 20/);
});

test('what fails while it ends is told as that', async () => {
  await expect(drained(Promise.reject(new Error('broken')), 60_000)).rejects.toThrow('broken');
});
