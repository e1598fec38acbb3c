import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from '../../src/intake/nearest.ts';

const names = ['urn', 'aspect', 'change', 'value', 'occurredAt', 'correlationId'];

test.each([
  ['aspekt', 'aspect'],
  ['ASPECT', 'aspect'],
  ['occuredAt', 'occurredAt'],
  ['occurredta', 'occurredAt'],
  ['vlaue', 'value'],
  ['unr', 'urn'],
  ['somethingElse', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%.20s is meant as %s', (name, meant) => {
  expect(nearest(name, names)).toBe(meant);
});

test('a name is nearest to itself, whatever else there is', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1 }), (all) => {
      const known = all.filter(
        (name, i) => all.findIndex((one) => one.toLowerCase() === name.toLowerCase()) === i,
      );
      for (const name of known) expect(nearest(name, known)).toBe(name);
    }),
    { numRuns: 50 },
  );
});
