import { afterAll, beforeAll, describe } from 'vitest';
import { appendLaws } from './event-log/append-laws.ts';
import type { LogUnderTest } from './event-log/given.ts';
import { hostLaws } from './event-log/host-laws.ts';
import { laneLaws } from './event-log/lane-laws.ts';
import { readerLaws } from './event-log/reader-laws.ts';
import { trimmingLaws } from './event-log/trimming-laws.ts';

/**
 * The laws of the log ports. Every adapter runs all of them; a law that needs a capability the adapter cannot
 * offer is shown as skipped. Topics are new for each test, so a shared broker serves.
 */
export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`event log: ${name}`, () => {
    let opened: LogUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened?.[Symbol.asyncDispose]();
    });
    const under = () => opened;
    hostLaws(under);
    appendLaws(under);
    readerLaws(under);
    laneLaws(under);
    trimmingLaws(under);
  });
}
