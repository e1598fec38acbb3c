import { expect, test } from 'vitest';
import { conditions } from '../../src/streams/conditions.ts';

const never = (): AbortSignal => new AbortController().signal;

test('what holds already is not waited for; what does not, until it holds at a settling', async () => {
  const { until, settle } = conditions();
  await until(() => true, never());
  let level = 0;
  const reached: number[] = [];
  const waits = [2, 1].map((wanted) =>
    until(() => level >= wanted, never()).then(() => reached.push(wanted)),
  );
  for (level = 1; level <= 2; level += 1) {
    settle();
    await Promise.resolve();
    await Promise.resolve();
    expect(reached).toEqual(level === 1 ? [1] : [1, 2]);
  }
  await Promise.all(waits);
});

test('a check that throws ends its own wait, and no other', async () => {
  const { until, settle } = conditions();
  let broken = false;
  const [failing, patient] = [
    until(() => {
      if (broken) throw new Error('broken');
      return false;
    }, never()),
    until(() => broken, never()),
  ];
  const told = expect(failing).rejects.toThrow('broken');
  broken = true;
  settle();
  await told;
  await patient;
  await expect(
    until(() => {
      throw new Error('at once');
    }, never()),
  ).rejects.toThrow('at once');
});

test('an abort ends the wait with its reason, also one that came before; the check is not asked again', async () => {
  const { until, settle } = conditions();
  const reason = new Error('stopped');
  await expect(until(() => true, AbortSignal.abort(reason))).rejects.toBe(reason);
  const stopping = new AbortController();
  let asked = 0;
  const waiting = until(() => {
    asked += 1;
    return false;
  }, stopping.signal);
  const told = expect(waiting).rejects.toBe(reason);
  stopping.abort(reason);
  await told;
  settle();
  expect(asked).toBe(1);
});
