import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { recordHash } from '../../src/formats/leaf.ts';
import {
  encodeBlock,
  encodeRecord,
  readSegment,
  readTail,
  segmentHeader,
  syncMarker,
} from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import {
  type ArchiveContext,
  archiveLimits,
  openArchiveWriter,
  yielded,
} from '../../src/streams/archive-lane.ts';
import { segmentName, tailName } from '../../src/streams/archive-names.ts';
import { type KeptTails, keptTails } from '../../src/streams/kept-tails.ts';
import { aside, segmentOf, tailBlocks, tailOf, waitingRecords } from '../../src/streams/tail-blocks.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { simArchive } from '../simulation/archive-store.ts';
import { blobs } from '../simulation/blobs.ts';
import { calmWire } from '../simulation/wire.ts';

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const sync = syncMarker('annal', 1, 0);
const records = (from: number, to: number, valueBytes = 0): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => {
    const record = recordOf(anEvent({ n: from + n }), from + n);
    return valueBytes === 0 ? record : { ...record, value: Buffer.alloc(valueBytes, from + n) };
  });
const spelled = (some: readonly LogRecord[]): string[] =>
  some.map((one) => encodeRecord(one).toString('hex'));
const bytesIn = (file: { records(): Iterable<{ bytes: Uint8Array }> }): string[] =>
  [...file.records()].map(({ bytes }) => Buffer.from(bytes).toString('hex'));

describe.each([
  ['compressed here', undefined],
  ['compressed elsewhere', aside()],
] as const)('records that wait, %s', (_, elsewhere) => {
  test('give blocks of a MiB that hold them, in order, and their hashes', async () => {
    const all = records(5, 30, 200_000);
    const waiting = waitingRecords(lane, 'zstandard', true, elsewhere);
    for (const one of all) waiting.add(one);
    const { blocks, hashes } = await waiting.take();
    expect(blocks.length).toBeGreaterThan(4);
    expect(blocks.every(({ spelledBytes }) => spelledBytes < 1.2 * 1024 * 1024)).toBe(true);
    expect(bytesIn(readTail(tailOf(lane, blocks)))).toEqual(spelled(all));
    expect(hashes).toEqual(Buffer.concat(all.map((one) => recordHash(encodeRecord(one)))));
    expect([waiting.spelledBytes, (await waiting.take()).blocks]).toEqual([0, []]);
  });

  test('what comes while they are taken is for the next one', async () => {
    const waiting = waitingRecords(lane, 'zstandard', true, elsewhere);
    for (const one of records(0, 9, 200_000)) waiting.add(one);
    const taking = waiting.take();
    for (const one of records(9, 20, 200_000)) waiting.add(one);
    const [first, second] = [await taking, await waiting.take()];
    expect([first.blocks.at(-1)?.next, second.blocks[0]?.first]).toEqual([9, 9]);
    expect(bytesIn(readTail(tailOf(lane, [...first.blocks, ...second.blocks])))).toEqual(
      spelled(records(0, 20, 200_000)),
    );
  });

  test('headers that records share are written as if each had its own', async () => {
    const [even, odd] = [anEvent({ n: 1 }), anEvent({ n: 2 })].map((one) => recordOf(one, 0).headers);
    const none: LogRecord['headers'] = [];
    const all = records(0, 40, 60_000).map((one, n) => ({
      ...one,
      headers: n % 7 === 0 ? none : n % 5 < 3 ? even! : [...odd!, ...even!],
    }));
    const waiting = waitingRecords(lane, 'zstandard', true, elsewhere);
    for (const one of all) waiting.add(one);
    expect(bytesIn(readTail(tailOf(lane, (await waiting.take()).blocks)))).toEqual(spelled(all));
  });
});

describe('a segment of blocks', () => {
  const tailOfMany = (): Buffer =>
    Buffer.concat([
      segmentHeader({ ...lane, kind: 'data', codec: 'zstandard' }),
      ...[records(0, 3), records(3, 4), records(4, 9, 300_000), records(9, 12)].map((some) =>
        encodeBlock(some, sync, 'zstandard'),
      ),
    ]);

  test('takes over large blocks as they are, and makes one of small neighbours', () => {
    const { blocks } = tailBlocks(tailOfMany(), lane, 0);
    const segment = readSegment(segmentOf(lane, blocks));
    expect([...segment.blocks()].map(({ count }) => count)).toEqual([4, 5, 3]);
    expect([...segment.blocks()][1]!.stored).toEqual(blocks[2]!.stored);
    expect(bytesIn(segment)).toEqual(
      spelled([...records(0, 4), ...records(4, 9, 300_000), ...records(9, 12)]),
    );
    expect(segment.header).toMatchObject({ first: 0, next: 12, codec: 'zstandard' });
  });

  test('begins within a block where a segment ends within it', () => {
    const { blocks } = tailBlocks(tailOfMany(), lane, 6);
    expect(blocks.map(({ first, next }) => [first, next])).toEqual([
      [6, 9],
      [9, 12],
    ]);
    expect(bytesIn(readSegment(segmentOf(lane, blocks)))).toEqual(
      spelled([...records(6, 9, 300_000), ...records(9, 12)]),
    );
  });

  test('is refused of a tail with a break', () => {
    const broken = [records(0, 2), records(3, 4)].map((some) => encodeBlock(some, sync, 'zstandard'));
    const tail = Buffer.concat([segmentHeader({ ...lane, kind: 'data', codec: 'zstandard' }), ...broken]);
    const corrupt = expect.objectContaining({ code: 'ARCHIVE_CORRUPT' });
    expect(() => tailBlocks(tail, lane, 0)).toThrow(corrupt);
  });
});

describe('a seal', () => {
  let store: ArchiveStore;
  let tailReads: number;
  beforeEach(() => {
    const whole = simArchive({ blobs: blobs(), wire: calmWire, pageMax: 100 });
    tailReads = 0;
    const read: ArchiveStore['state']['read'] = (name) => {
      if (name === tailName(lane)) tailReads += 1;
      return whole.state.read(name);
    };
    store = { ...whole, state: { ...whole.state, read } };
  });

  const context = (tails: KeptTails): ArchiveContext => ({
    ...{ store, clock: systemClock, tails },
    limits: { ...archiveLimits, sealBytes: 1 },
  });

  async function sealed(tails: KeptTails, all: readonly LogRecord[]): Promise<void> {
    const writer = await openArchiveWriter(context(tails), lane);
    const before = tailReads;
    for (const one of all) writer.add(one);
    await writer.flush();
    expect(await writer.sealIfDue()).toBeUndefined();
    tailReads -= before;
  }

  const segment = async () => readSegment((await store.truth.read(segmentName(lane, 0)))!);

  test.each([
    ['reads nothing back that was kept', keptTails(), 0],
    ['reads back what was too much to keep', keptTails(10), 1],
  ])('%s', async (_, tails, reads) => {
    await sealed(tails, records(0, 50));
    expect(tailReads).toBe(reads);
    expect(bytesIn(await segment())).toEqual(spelled(records(0, 50)));
    expect(bytesIn(readTail((await store.state.read(tailName(lane)))!.bytes))).toEqual([]);
  });

  test('of an older tail goes on in its codec, and the next one is compressed', async () => {
    const older = segmentHeader({ ...lane, kind: 'data', codec: 'null' });
    const block = encodeBlock(records(0, 3), sync, 'null');
    await store.state.write(tailName(lane), Buffer.concat([older, block]), null);
    const writer = await openArchiveWriter(context(keptTails()), lane);
    for (const one of records(3, 5)) writer.add(one);
    await writer.flush();
    const grown = readTail((await store.state.read(tailName(lane)))!.bytes);
    expect([grown.header.codec, bytesIn(grown)]).toEqual(['null', spelled(records(0, 5))]);
    expect(await writer.sealIfDue()).toBeUndefined();
    expect(bytesIn(await segment())).toEqual(spelled(records(0, 5)));
    for (const one of records(5, 7)) writer.add(one);
    await writer.flush();
    const next = readTail((await store.state.read(tailName(lane)))!.bytes);
    expect([next.header.codec, bytesIn(next)]).toEqual(['zstandard', spelled(records(5, 7))]);
  });
});

test('records that wait while an older tail is sealed are read again, not lost', async () => {
  const store = simArchive({ blobs: blobs(), wire: calmWire, pageMax: 100 });
  const older = segmentHeader({ ...lane, kind: 'data', codec: 'null' });
  await store.state.write(
    tailName(lane),
    Buffer.concat([older, encodeBlock(records(0, 3), sync, 'null')]),
    null,
  );
  const context = { store, clock: systemClock, limits: { ...archiveLimits, sealBytes: 1 } };
  const writer = await openArchiveWriter(context, lane);
  for (const one of records(3, 5)) writer.add(one);
  expect(await writer.sealIfDue()).toBe(yielded);
  expect((await openArchiveWriter(context, lane)).next).toBe(3);
});

test('blocks that are kept have one bound for all lanes, and a writer that was replaced keeps nothing', () => {
  const tails = keptTails(100);
  const block = (bytes: number) => ({ first: 0, next: 1, spelledBytes: bytes, stored: Buffer.alloc(bytes) });
  const one = tails.of(1, [block(60)]);
  const two = tails.of(2, [block(60)]);
  expect([one.blocks?.length, two.blocks]).toEqual([1, undefined]);
  const again = tails.of(1, [block(30)]);
  one.add([block(1)]);
  expect([one.blocks, again.blocks?.length]).toEqual([undefined, 1]);
  two.become([block(70)]);
  expect(two.blocks?.length).toBe(1);
  again.add([block(1)]);
  expect(again.blocks).toBeUndefined();
  tails.leave(2);
  again.become(Array.from({ length: 300 }, () => block(0)));
  expect(again.blocks).toBeUndefined();
  again.become([block(100)]);
  expect(again.blocks?.length).toBe(1);
});
