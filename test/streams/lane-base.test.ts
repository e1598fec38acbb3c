import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { decodeEvent } from '../../src/formats/event.ts';
import { unframe } from '../../src/formats/framing.ts';
import { encodeMissing, encodeSegment, readSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { segmentFirsts } from '../../src/streams/chain.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { indexLane, lastOffsets } from '../../src/streams/lane-base.ts';
import { isWanted, readIndex, segmentsWith } from '../../src/streams/segment-index.ts';
import { blobsOf } from '../given/blobs-of.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { sampleRoot } from '../given/sample-log.ts';

const lane = { topic: 'annal', epoch: 1, partition: 3, partitions: 4 };

let dir: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-base-'));
  await cp(sampleRoot, dir, { recursive: true });
  store = folderArchive({ dir });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const index = (of: ArchiveStore = store): Promise<number> => indexLane(of, lane, openEventDecoders(of.truth));

interface Told {
  readonly segment: number;
  readonly offset: number;
  readonly time: number;
  readonly urn: string;
  readonly aspect: string;
}

/** Every event of the lane, read from its segments. */
async function told(): Promise<Told[]> {
  const all: Told[] = [];
  for (const segment of await segmentFirsts(store.truth, lane)) {
    const { records } = readSegment((await store.truth.read(segmentName(lane, segment)))!);
    for (const { record } of records()) {
      const { urn, aspect } = decodeEvent(unframe(record.value!));
      all.push({ segment, offset: record.offset, time: record.appendTime, urn, aspect: aspect ?? '' });
    }
  }
  return all;
}

const derived = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await blobsOf(store)).state]
      .filter(([name]) => /^(?:base|index)\//.test(name))
      .map(([name, bytes]) => [name, bytes.toString('base64')]),
  );

describe('the indexes of segments', () => {
  test('leave out no segment that holds what is wanted, and some that do not', async () => {
    const events = await told();
    expect(await index()).toBe(6);
    const firstsOf = (some: readonly Told[]) => [...new Set(some.map(({ segment }) => segment))];
    const urns = [...new Set(events.map(({ urn }) => urn))];
    let listed = 0;
    for (const urn of urns) {
      const found = await segmentsWith(store, lane, { urn });
      expect(found).toEqual(expect.arrayContaining(firstsOf(events.filter((one) => one.urn === urn))));
      listed += found.length;
    }
    expect(listed).toBeLessThan(urns.length * 6);
    for (const aspect of new Set(events.map((one) => one.aspect)))
      expect(await segmentsWith(store, lane, { aspect })).toEqual(
        expect.arrayContaining(firstsOf(events.filter((one) => one.aspect === aspect || one.aspect === ''))),
      );
    const middle = events[Math.floor(events.length / 2)]!.time;
    expect(await segmentsWith(store, lane, { timeMin: middle })).toEqual(
      firstsOf(events.filter(({ time }) => time >= middle)),
    );
    expect(await segmentsWith(store, lane, { timeMax: middle })).toEqual(
      firstsOf(events.filter(({ time }) => time <= middle)),
    );
    expect(await segmentsWith(store, lane, { urn: 'urn:li:dataset:none', timeMax: 0 })).toEqual([]);
  });

  test('tell leaf, times and the greatest time before', async () => {
    const events = await told();
    await index();
    let before: number | null = null;
    for (const first of await segmentFirsts(store.truth, lane)) {
      const own = events.filter(({ segment }) => segment === first).map(({ time }) => time);
      const found = (await readIndex(store, lane, first))!;
      expect(found).toMatchObject({
        first,
        leaf: first,
        kind: 'data',
        quarantined: 0,
        timeMaxBefore: before,
      });
      expect(found.times).toEqual({ min: Math.min(...own), max: Math.max(...own) });
      before = Math.max(before ?? 0, ...own);
    }
  });

  test('a deletion of the whole entity is one of each of its aspects', async () => {
    await index();
    const found = { ...(await readIndex(store, lane, 0))!, aspects: [''] };
    expect(isWanted(found, { aspect: 'ownership' })).toBe(true);
    expect(isWanted({ ...found, aspects: null }, { aspect: 'ownership' })).toBe(true);
    expect(isWanted({ ...found, aspects: ['status'] }, { aspect: 'ownership' })).toBe(false);
  });

  test('a segment without one may hold anything', async () => {
    const firsts = await segmentFirsts(store.truth, lane);
    expect(await segmentsWith(store, lane, { urn: 'urn:li:dataset:none' })).toEqual(firsts);
  });
});

describe('the base of a lane', () => {
  test('knows the last offset of every aspect of every URN, and of no other', async () => {
    const events = await told();
    await index();
    for (const [urn, own] of Map.groupBy(events, (event) => event.urn)) {
      const { next, offsets } = await lastOffsets(store, lane, urn);
      expect(next).toBe(events.length);
      expect(offsets, urn).toEqual(new Map(own.map(({ aspect, offset }) => [aspect, offset])));
    }
    expect((await lastOffsets(store, lane, 'urn:li:dataset:none')).offsets).toEqual(new Map());
  });

  test('made again there is nothing to do, and after more segments it is what it would be at once', async () => {
    await index();
    expect(await index()).toBe(0);
    const end = (await told()).length;
    // A hole, then records of which some cannot be read as events.
    await store.truth.create(segmentName(lane, end), encodeMissing(lane, 'hole', end, end + 5));
    const odd = recordOf(anEvent({ n: 1 }), end + 6);
    const last = [recordOf(anEvent({ n: 0 }), end + 5), { ...odd, key: null, value: null }];
    await store.truth.create(segmentName(lane, end + 5), encodeSegment(lane, last));
    expect(await index()).toBe(2);
    expect(await readIndex(store, lane, end)).toMatchObject({ kind: 'hole', leaf: end, times: null });
    expect(await readIndex(store, lane, end + 5)).toMatchObject({ leaf: end + 1 });
    const grown = await derived();
    for (const name of Object.keys(grown)) await store.state.remove(name);
    expect(await index()).toBe(8);
    expect(await derived()).toEqual(grown);
  });

  test('two who make it at once make the same', async () => {
    const other = folderArchive({ dir });
    const [one, two] = await Promise.all([index(), index(other)]);
    expect(one + two).toBe(6);
    const together = await derived();
    for (const name of Object.keys(together)) await store.state.remove(name);
    await index();
    expect(await derived()).toEqual(together);
    await other[Symbol.asyncDispose]();
  });

  test.each([1, 2, 9])('killed at write %i it is whole, and the next one goes on', async (nth) => {
    let writes = 0;
    const dying = async <T>(write: () => Promise<T>): Promise<T> => {
      writes += 1;
      if (writes === nth) throw new Error('killed');
      return write();
    };
    const { state } = store;
    const killed: ArchiveStore = {
      ...store,
      state: {
        ...state,
        replace: (name, bytes) => dying(() => state.replace(name, bytes)),
        write: (name, bytes, etag) => dying(() => state.write(name, bytes, etag)),
        remove: (name) => dying(() => state.remove(name)),
      },
    };
    await expect(index(killed)).rejects.toThrow('killed');
    await lastOffsets(store, lane, 'urn:li:dataset:none');
    await index();
    const mended = await derived();
    for (const name of Object.keys(mended)) await store.state.remove(name);
    await index();
    expect(await derived()).toEqual(mended);
  });
});
