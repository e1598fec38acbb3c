import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';

class Refusal extends Fault {}

test('a fault of another copy of the class is a fault, and none of a class below it', async () => {
  const copy: { Fault: typeof Fault } = await import(`../../src/domain/fault.ts?${'copy'}`);
  expect(copy.Fault).not.toBe(Fault);
  const foreign = new copy.Fault('MODEL_UNAVAILABLE');
  expect(foreign instanceof Fault).toBe(true);
  expect(foreign instanceof Refusal).toBe(false);
  expect(new Fault('MODEL_UNAVAILABLE') instanceof Refusal).toBe(false);
  expect(new Refusal('MODEL_UNAVAILABLE') instanceof Refusal).toBe(true);
  expect(new Error('a fault') instanceof Fault).toBe(false);
});
