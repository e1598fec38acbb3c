import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import type { ArchiveUnderTest, Handles } from './archive-store/given.ts';
import { leaseLaws } from './archive-store/lease-laws.ts';
import { listLaws } from './archive-store/list-laws.ts';
import { nameLaws } from './archive-store/name-laws.ts';
import { stateLaws } from './archive-store/state-laws.ts';
import { truthLaws } from './archive-store/truth-laws.ts';

/** The laws of an archive store. Every adapter runs all of them. */
export function archiveStoreContract(name: string, place: () => Promise<ArchiveUnderTest>): void {
  describe(`archive store: ${name}`, () => {
    let under: ArchiveUnderTest;
    let store: ArchiveStore;
    let other: ArchiveStore;
    beforeAll(async () => {
      under = await place();
      store = await under.open();
      other = await under.open();
    });
    afterAll(async () => {
      await store?.[Symbol.asyncDispose]();
      await other?.[Symbol.asyncDispose]();
      await under?.[Symbol.asyncDispose]();
    });
    const handles: Handles = {
      get store() {
        return store;
      },
      get other() {
        return other;
      },
      get under() {
        return under;
      },
    };

    test('it says where it is', () => {
      expect(store.place.length).toBeGreaterThan(0);
    });
    truthLaws(handles);
    listLaws(handles);
    stateLaws(handles);
    nameLaws(handles);
    leaseLaws(handles);
  });
}
