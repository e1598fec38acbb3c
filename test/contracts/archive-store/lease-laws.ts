import { describe, expect, test } from 'vitest';
import { type Handles, newFolder } from './given.ts';

export function leaseLaws(handles: Handles): void {
  describe('leases', () => {
    test('one handle has it, until it lets go', async () => {
      const name = `${newFolder()}/meta`;
      const first = (await handles.store.lease(name))!;
      expect(await handles.other.lease(name)).toBeUndefined();
      expect(await handles.store.lease(name)).toBeUndefined();
      expect(await first.renew()).toBe(true);
      await first[Symbol.asyncDispose]();
      const second = (await handles.other.lease(name))!;
      expect(await second.renew()).toBe(true);
      await second[Symbol.asyncDispose]();
    });

    test('of many that ask at once one gets it', async () => {
      for (let round = 0; round < 3; round += 1) {
        const name = `${newFolder()}/race`;
        const asked = await Promise.all(
          Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? handles.store : handles.other).lease(name)),
        );
        const given = asked.filter((lease) => lease !== undefined);
        expect(given).toHaveLength(1);
        await given[0]![Symbol.asyncDispose]();
      }
    });

    test('who lost it is told, and letting go takes it from nobody', async () => {
      const name = `${newFolder()}/lost`;
      const first = (await handles.store.lease(name))!;
      await first[Symbol.asyncDispose]();
      const second = (await handles.other.lease(name))!;
      expect(await first.renew()).toBe(false);
      await first[Symbol.asyncDispose]();
      expect(await handles.store.lease(name)).toBeUndefined();
      expect(await second.renew()).toBe(true);
      await second[Symbol.asyncDispose]();
    });

    test('names have leases of their own', async () => {
      const folder = newFolder();
      await using one = (await handles.store.lease(`${folder}/one`))!;
      await using two = (await handles.other.lease(`${folder}/two`))!;
      expect([await one.renew(), await two.renew()]).toEqual([true, true]);
      await expect(handles.store.lease('../out')).rejects.toThrow(RangeError);
    });
  });
}
