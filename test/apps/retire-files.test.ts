import { expect, test } from 'vitest';
import { retireFiles } from '../../src/apps/retire-files.ts';
import type { Archiver, ArchiveStatus } from '../../src/streams/archiver.ts';
import { manualClock } from '../given/manual-clock.ts';
import { scriptedLog } from '../given/scripted-log.ts';

test('a log may forget what stands in segments, not what only the tail holds', async () => {
  const clock = manualClock();
  const archivedTo: (readonly number[])[] = [];
  const retire = async (known: { readonly archivedTo: readonly number[] }): Promise<number> =>
    archivedTo.push(known.archivedTo);
  const lane = { logEnd: 9, state: 'running', fault: undefined } as const;
  const status = (): ArchiveStatus[] => [
    { partition: 0, next: 9, sealed: 4, ...lane },
    { partition: 1, next: 7, sealed: 0, ...lane },
  ];
  const archiver: Archiver = { status, reach: async () => {}, stop: async () => {} };
  const stop = new AbortController();
  retireFiles({
    ...{ log: { ...scriptedLog(), retire }, archiver, clock, say: () => undefined, signal: stop.signal },
  });
  await clock.advance(120_000);
  stop.abort();
  expect(archivedTo).toEqual([
    [4, 0],
    [4, 0],
  ]);
});
