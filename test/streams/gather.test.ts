import { expect, test } from 'vitest';
import type { RecordView } from '../../src/formats/record-view.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import { foldsOf, segmentName } from '../../src/streams/archive-names.ts';
import { laneSpans } from '../../src/streams/fold-history.ts';
import { gather } from '../../src/streams/gather.ts';
import { recordIn } from '../../src/streams/record-window.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { openWorld } from '../given/world.ts';

const [segments, events] = [8, 40];
/** Each of them a block. */
const blockBytes = 400_000;

test('of a history of which few records are wanted, those alone are in memory, and not the blocks they came in', async () => {
  await using world = await openWorld(1);
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  const value = { text: 'x'.repeat(blockBytes / events) };
  for (let first = 0; first < segments * events; first += events) {
    const records = Array.from({ length: events }, (_, n) =>
      recordOf(anEvent({ n: first + n, value }), first + n),
    );
    await world.store.truth.create(segmentName(lane, first), encodeSegment(lane, records));
  }
  const until = { epoch: 1, next: [segments * events] };
  const only = ({ offset }: RecordView): boolean => offset % events === 7;
  const history = { ...world.context, until, only };
  const place = { state: world.store.state, prefix: foldsOf('few') };
  const { window, times } = await gather(history, laneSpans(history), place, 1_000_000);
  expect(Array.from({ length: window!.size }, (_, n) => recordIn(window!, n).offset)).toEqual(
    Array.from({ length: segments }, (_, n) => n * events + 7),
  );
  const held = new Set(window!.blocks.map(({ buffer }) => buffer));
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(4 * blockBytes);
  expect(times).toHaveLength(1);
});
