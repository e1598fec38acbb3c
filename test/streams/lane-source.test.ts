import { expect, test } from 'vitest';
import { encodeSegment } from '../../src/formats/segment.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type LaneSource, liveSource } from '../../src/streams/lane-source.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { memoryLog } from '../given/memory-log.ts';
import { anEpoch, openWorld, type World } from '../given/world.ts';

const epoch = anEpoch(1, 1);
const lane = { topic: epoch.name, epoch: 1, partition: 0 };
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));

/** A lane from offset 0 of a log that holds [first, 10) still. */
async function laneOf({ store }: World, first: number): Promise<LaneSource> {
  const log = memoryLog();
  log.records = records(first, 10);
  log.first = first;
  const from = () => ({ epoch: 1, partition: 0, next: 0, timeMax: 0 });
  const { signal } = new AbortController();
  return liveSource({ store, reader: await log.reader('x'), epoch, partition: 0, from, signal });
}

async function readTo(source: LaneSource, end: number): Promise<number[]> {
  const offsets: number[] = [];
  while (source.progress().next < end) {
    const { slice } = (await source.pull())!;
    offsets.push(...slice.records.map(({ offset }) => offset));
    source.moved({ ...source.progress(), next: slice.next });
  }
  return offsets;
}

test('what the log forgot comes from the archive, what follows from the log: each offset once', async () => {
  await using world = await openWorld(1);
  await world.store.truth.create(segmentName(lane, 0), encodeSegment(lane, records(0, 3)));
  await world.store.truth.create(segmentName(lane, 3), encodeSegment(lane, records(3, 7)));
  for (const first of [0, 1, 4, 7])
    expect(await readTo(await laneOf(world, first), 10), `log from ${first}`).toEqual(
      Array.from({ length: 10 }, (_, offset) => offset),
    );
});

test('what neither holds is waited for, and nothing behind it is given', async () => {
  await using world = await openWorld(1);
  await world.store.truth.create(segmentName(lane, 0), encodeSegment(lane, records(0, 3)));
  const source = await laneOf(world, 5);
  expect(await readTo(source, 3)).toEqual([0, 1, 2]);
  await expect(source.pull()).rejects.toMatchObject({ code: 'ARCHIVE_BEHIND', facts: { next: 3 } });
});
