import { expect, test } from 'vitest';
import { encodeBlock, encodeSegment, segmentHeader, syncMarker } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { segmentName, tailName } from '../../src/streams/archive-names.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { openWorld } from '../given/world.ts';

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));

async function sealed({ truth }: ArchiveStore, ...spans: readonly (readonly [number, number])[]) {
  for (const [from, to] of spans)
    await truth.create(segmentName(lane, from), encodeSegment(lane, records(from, to)));
}

async function growing({ state }: ArchiveStore, from: number, to: number): Promise<void> {
  const header = segmentHeader({ ...lane, kind: 'data', codec: 'null' });
  const block = encodeBlock(records(from, to), syncMarker(lane.topic, lane.epoch, lane.partition), 'null');
  await state.replace(tailName(lane), Buffer.concat([header, block]));
}

async function offsetsOf(store: ArchiveStore, from: number, end?: number): Promise<number[]> {
  const offsets: number[] = [];
  for await (const slice of historyLane(store, lane, from, end))
    offsets.push(...slice.records.map(({ offset }) => offset));
  return offsets;
}

test('segments, then the tail from their end, from any offset to any other', async () => {
  await using world = await openWorld(1);
  await sealed(world.store, [0, 3], [3, 5]);
  await growing(world.store, 4, 8);
  for (let from = 0; from < 8; from += 1) {
    const all = Array.from({ length: 8 - from }, (_, n) => from + n);
    expect(await offsetsOf(world.store, from)).toEqual(all);
    for (let end = from + 1; end <= 8; end += 1)
      expect(await offsetsOf(world.store, from, end)).toEqual(all.slice(0, end - from));
  }
});

test.for<[string, readonly (readonly [number, number])[], readonly [number, number] | undefined]>([
  [
    'between two segments',
    [
      [0, 3],
      [5, 8],
    ],
    undefined,
  ],
  ['before the first segment', [[3, 8]], undefined],
  ['between segments and tail', [[0, 3]], [5, 8]],
])('records that are missing %s are never read over', async ([, segments, tail]) => {
  await using world = await openWorld(1);
  await sealed(world.store, ...segments);
  if (tail !== undefined) await growing(world.store, ...tail);
  await expect(offsetsOf(world.store, 0)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
  await expect(offsetsOf(world.store, 0, 8)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
});

test('an archive that ends before what was asked for is told as such, not as the end', async () => {
  await using world = await openWorld(1);
  await expect(offsetsOf(world.store, 0, 1)).rejects.toMatchObject({ code: 'ARCHIVE_BEHIND' });
  await sealed(world.store, [0, 3]);
  await expect(offsetsOf(world.store, 0, 6)).rejects.toMatchObject({ code: 'ARCHIVE_BEHIND' });
  await growing(world.store, 3, 5);
  await expect(offsetsOf(world.store, 0, 6)).rejects.toMatchObject({ code: 'ARCHIVE_BEHIND' });
});
